import type { Database, PostgresSession } from '../../../database/postgres.ts';
import { EngineError } from '../../../error/engine-error.ts';
import { toldElsewhere } from '../../../error/foreseen.ts';
import type { TraceCipher } from '../trace-cipher.ts';
import { BodyTable } from './body-table.ts';
import { ExplanationTable } from './explanation-table.ts';
import { Partitions } from './partitions.ts';
import { WordTable } from './word-table.ts';

const COUNT = `INSERT INTO note VALUES('batches', '1') ON CONFLICT(name)
  DO UPDATE SET value = (note.value::bigint + 1)::text RETURNING value::bigint AS count`;

const behind = (): EngineError =>
  new EngineError(
    'STORE_UNAVAILABLE',
    'PostgreSQL no longer has what was written last: a standby took over that was behind, or a backup was restored; what the streams still have is read again',
    { retryable: true },
  );

/** What one operator plane remembers about the database, to avoid queries for each batch. */
export class Memory {
  readonly words = new WordTable();
  readonly cipher: TraceCipher | undefined;
  readonly bodies: BodyTable;
  readonly explanations = new ExplanationTable();
  readonly partitions = new Partitions();

  readonly #onBehind: () => void;
  /** How many batches the database had when this one wrote the last. */
  #batches = 0;

  /** @param onBehind called when the database turns out to be behind what was written into it */
  constructor(cipher?: TraceCipher, onBehind: () => void = () => undefined) {
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
    work: (session: PostgresSession) => Promise<Result>,
  ): Promise<Result> {
    let counted = 0;
    const result = await this.transaction(db, async (session) => {
      const [row] = await session.rows<{ count: number }>(COUNT);
      counted = row?.count ?? 0;
      if (counted > this.#batches) return work(session);
      this.#batches = 0;
      this.#onBehind();
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
