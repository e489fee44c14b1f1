import type { StreamRead } from '../../../broker/stream-reader.ts';
import type { Database, PostgresSession } from '../../../database/postgres.ts';
import { EngineError } from '../../../error/engine-error.ts';
import { toldElsewhere } from '../../../error/foreseen.ts';
import type { TraceCipher } from '../trace-cipher.ts';
import { BodyTable } from './body-table.ts';
import { ExplanationTable } from './explanation-table.ts';
import { Partitions } from './partitions.ts';
import { WordTable } from './word-table.ts';

/** Before the id of a stream: up to where it has been read. */
const READ = 'read ';

/**
 * Counts a batch, and notes how far it has read the streams. A version that does not note this, or by the names of streams,
 * counts its batches without these: as long as both counts are not equal, it is not known how far the streams were read.
 */
const COUNT = `INSERT INTO note VALUES('batches', '1'), ('noted-by-id', '1')
  UNION ALL SELECT * FROM unnest(?::text[], ?::text[])
  ON CONFLICT(name) DO UPDATE SET value = CASE WHEN note.name IN ('batches', 'noted-by-id')
    THEN (note.value::bigint + 1)::text ELSE excluded.value END
  RETURNING name, value`;

const RAISE = `WITH counted AS (SELECT value FROM note WHERE name = 'batches' FOR UPDATE)
  INSERT INTO note SELECT 'noted-by-id', coalesce((SELECT value FROM counted), '0')
  UNION ALL SELECT * FROM unnest(?::text[], ?::text[])
  ON CONFLICT(name) DO UPDATE SET value =
    greatest(note.value::bigint, excluded.value::bigint)::text`;

/** How far each stream has been read; empty if it is not known. */
export async function readUpTo(db: Database): Promise<ReadonlyMap<string, number>> {
  const rows = await db.rows<{ name: string; value: string }>(
    `SELECT name, value FROM note WHERE starts_with(name, ?) OR name IN ('batches', 'noted-by-id')`,
    READ,
  );
  const {
    batches,
    'noted-by-id': noted,
    ...read
  } = Object.fromEntries(rows.map(({ name, value }) => [name, Number(value)]));
  if (batches !== noted) return new Map();
  return new Map(Object.entries(read).map(([name, upTo]) => [name.slice(READ.length), upTo]));
}

/** Notes how far the streams were read at least, by who did not note it. */
export async function setReadUpTo(db: Database, read: readonly StreamRead[]): Promise<void> {
  await db.rows(RAISE, ...notesOf(read));
}

const notesOf = (read: readonly StreamRead[]): readonly [string[], string[]] => [
  read.map(({ id }) => `${READ}${id}`),
  read.map(({ floor }) => String(floor)),
];

const behind = (): EngineError =>
  new EngineError(
    'STORE_UNAVAILABLE',
    'PostgreSQL no longer has what was written last: a standby took over that was behind, or a backup was restored; what the streams still have is read again',
    { retryable: true },
  );

/** Undoes a transaction of a database that is behind. */
const BEHIND = new Error('behind');

async function countOf(session: PostgresSession, read: readonly StreamRead[]): Promise<number> {
  const rows = await session.rows<{ name: string; value: string }>(COUNT, ...notesOf(read));
  return Number(rows.find(({ name }) => name === 'batches')?.value ?? 0);
}

type OnBehind = (read: ReadonlyMap<string, number>) => void;

/** What one operator plane remembers about the database, to avoid queries for each batch. */
export class Memory {
  readonly words = new WordTable();
  readonly cipher: TraceCipher | undefined;
  readonly bodies: BodyTable;
  readonly explanations = new ExplanationTable();
  readonly partitions = new Partitions();

  readonly #onBehind: OnBehind;
  /** How many batches the database had when this one wrote the last. */
  #batches = 0;

  /** @param onBehind called, with how far it has read, when the database turns out to be behind what was written into it */
  constructor(cipher?: TraceCipher, onBehind: OnBehind = () => undefined) {
    this.cipher = cipher;
    this.#onBehind = onBehind;
    this.bodies = new BodyTable(cipher);
  }

  /**
   * A transaction for a batch. The batches are counted in the database: a count that was there before says that it went
   * back in time while this plane worked, as when a standby takes over that had not got everything, or a backup is
   * restored. What was written since is gone, and what is remembered of it is wrong.
   */
  async batch<Result>(
    db: Database,
    read: readonly StreamRead[],
    work: (session: PostgresSession) => Promise<Result>,
  ): Promise<Result> {
    let counted = 0;
    const result = await this.transaction(db, async (session) => {
      counted = await countOf(session, read);
      if (counted > this.#batches) return work(session);
      throw BEHIND;
    }).catch(async (error: unknown) => {
      if (error !== BEHIND) throw error;
      const still = await readUpTo(db);
      this.#batches = 0;
      this.#onBehind(still);
      throw behind();
    });
    this.#batches = counted;
    return result;
  }

  #turn: Promise<unknown> = Promise.resolve();

  /**
   * Runs `work` in a transaction, one at a time; if it is rolled back, what was learnt in it is
   * forgotten before the next one begins.
   */
  transaction<Result>(
    db: Database,
    work: (session: PostgresSession) => Promise<Result>,
  ): Promise<Result> {
    const mine = this.#turn.then(() => this.#run(db, work));
    this.#turn = mine.catch(toldElsewhere);
    return mine;
  }

  async #run<Result>(
    db: Database,
    work: (session: PostgresSession) => Promise<Result>,
  ): Promise<Result> {
    try {
      return await db.transaction(async (session) => {
        await this.words.refresh(session);
        return work(session);
      });
    } catch (error) {
      this.words.forget();
      this.bodies.forget();
      this.explanations.forget();
      this.partitions.forget();
      throw error;
    }
  }
}
