import type { Database, PostgresSession } from '../../../database/postgres.ts';
import { toldElsewhere } from '../../../error/foreseen.ts';
import type { TraceCipher } from '../trace-cipher.ts';
import { BodyTable } from './body-table.ts';
import { ExplanationTable } from './explanation-table.ts';
import { Partitions } from './partitions.ts';
import { WordTable } from './word-table.ts';

/** What one operator plane remembers about the database, to avoid queries for each batch. */
export class Memory {
  readonly words = new WordTable();
  readonly cipher: TraceCipher | undefined;
  readonly bodies: BodyTable;
  readonly explanations = new ExplanationTable();
  readonly partitions = new Partitions();

  constructor(cipher?: TraceCipher) {
    this.cipher = cipher;
    this.bodies = new BodyTable(cipher);
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
