import { EngineError, type LentInbound } from 'waybill/adapter';
import { newsFilter } from 'waybill/peer/basics';
import type { Product } from './database.ts';
import type { SqlInValues } from './sql-in.ts';
import type { SqlLine } from './sql-line.ts';

/** What a reader of rows needs from the engine. */
export type ReaderLent = Pick<
  LentInbound<Record<string, never>>,
  'deliver' | 'memory' | 'event'
> & { readonly settings: SqlInValues };

export interface RowReaderOptions {
  readonly line: SqlLine;
  readonly product: Product;
  /** Shown in the trace as the origin of rows. */
  readonly origin: string;
}

export interface RowReader {
  /** Reads the stored state and throws if it cannot be used. */
  begin(): Promise<void>;
  /** Takes all available rows. */
  look(signal: AbortSignal): Promise<void>;
}

/** Hands rows to the engine and reports those that it refuses to operators. */
export class RowDelivery {
  readonly #lent: ReaderLent;
  readonly #origin: string;
  readonly #isNews = newsFilter();

  constructor(lent: ReaderLent, origin: string) {
    this.#lent = lent;
    this.#origin = origin;
  }

  /**
   * What it throws is for `failed`: a promise of its own would take as long as a row.
   *
   * @param json a row, or a list of rows
   */
  hand(json: string, dedupeKey: string): Promise<unknown> {
    return this.#lent.deliver({
      body: Buffer.from(json),
      type: 'application/json',
      charset: 'utf-8',
      origin: this.#origin,
      dedupeKey,
    });
  }

  /** Whether the engine accepts nothing now, or never accepts this one. */
  failed(error: unknown): 'later' | 'never' {
    if (!(error instanceof EngineError) || error.retryable) return 'later';
    this.tell('row-refused', `A row cannot be taken: ${error.message}`);
    return 'never';
  }

  /** Reports an event, the same one at most once a minute. */
  tell(name: string, text: string): void {
    if (this.#isNews(`${name} ${text}`)) this.#lent.event('error', name, text);
  }
}
