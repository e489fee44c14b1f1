import type { ReportLine } from '../report.ts';
import { databasePlace } from './databases.ts';
import type { Block, Notes } from './drafts.ts';
import type { StatementMaker } from './script/rewritten.ts';
import type { SqlConnection } from './script/sql.ts';

interface Around {
  /** What has been reported about the channel so far. */
  readonly lines: ReportLine[];
  readonly notes: (place: string) => Notes;
  /** Makes an operation for the channel; returns its name. */
  readonly operation: (place: string, host: Block) => string;
}

/** The statements that the scripts of a channel execute: each becomes an operation with its text. */
export class ScriptStatements {
  readonly #around: Around;
  readonly #databases = new Map<string, Block>();

  constructor(around: Around) {
    this.#around = around;
  }

  makerOf(place: string): StatementMaker {
    return ({ connection, cut }) => {
      if (connection === undefined) return 'it is unknown which database it uses';
      const at = this.#database(connection, place);
      if (at === undefined) return 'its database is unknown';
      const made = cut(at['product'] === 'mysql' ? 'unescaped' : 'quoted');
      if (typeof made === 'string') return made;
      const settings = { ...at, statements: [made.text], empty: 'text' };
      const host = { adapter: 'sql-out', settings, retry: { every: '5s', for: '1m' } };
      return { operation: this.#around.operation(place, host), cut: made };
    };
  }

  /** The settings of a script's database; the same for all statements of a channel. */
  #database(connection: SqlConnection, place: string): Block | undefined {
    const key = JSON.stringify(connection);
    const known = this.#databases.get(key);
    if (known !== undefined) return known;
    const { lines, notes } = this.#around;
    const before = lines.length;
    const at = databasePlace(connection, notes(place));
    const isKnown = at !== undefined && !lines.slice(before).some(({ kind }) => kind === 'mark');
    // then the statement is marked, not the address
    if (!isKnown) lines.splice(before);
    else this.#databases.set(key, at);
    return isKnown ? at : undefined;
  }
}
