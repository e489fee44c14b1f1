import { DisableError, toldElsewhere } from 'waybill/adapter';
import type { Column, ColumnKind, Parameter, Product } from './database.ts';
import { type ReaderLent, RowDelivery, type RowReader, type RowReaderOptions } from './delivery.ts';
import { cellText, fingerprint, rowJson } from './row-json.ts';
import type { SqlInValues } from './sql-in.ts';
import type { AtWork, SqlLine } from './sql-line.ts';
import {
  freshOf,
  type Key,
  type KeyedRow,
  type Page,
  type TakenKeys,
  takenOf,
  withoutOldest,
  withPage,
} from './taken-keys.ts';

const MOST_BYTES = 16 * 1024 * 1024;
/** How many rows may share one key before it is useless. */
const MOST_ALIKE = 10_000;
/** Milliseconds between saving the position: after a crash, the duplicate window covers what was taken since. */
const NOTE_EVERY = 200;
/** Length of the key by which the engine recognises a repeated row; a longer one is replaced by its hash. */
const LONGEST_ID = 100;
const LOOK_FOR_NULLS_EVERY = 3_600_000;

/** What is saved between two runs. */
interface Kept {
  readonly columns: readonly string[];
  readonly kinds: readonly ColumnKind[];
  /** Everything up to this key was taken, or was to be ignored. */
  readonly floor: Key | null;
  /** Keys above it that were taken; a key is repeated for each row that has it. */
  readonly recent: readonly Key[];
}

/**
 * Reads rows in the order of a key. Every poll begins below the keys that were taken last, to find rows whose transaction was
 * committed after those of rows with a higher key.
 */
export class KeyReader implements RowReader {
  readonly #lent: ReaderLent;
  readonly #line: SqlLine;
  readonly #product: Product;
  readonly #delivery: RowDelivery;
  #kinds: readonly ColumnKind[] = [];
  #floor: Key | null = null;
  #recent: TakenKeys = { seen: [], unseen: [] };
  #isNoted = true;
  #notedAt = 0;
  #nullsAt = Number.NEGATIVE_INFINITY;

  constructor(lent: ReaderLent, { line, product, origin }: RowReaderOptions) {
    this.#lent = lent;
    this.#line = line;
    this.#product = product;
    this.#delivery = new RowDelivery(lent, origin);
  }

  async begin(): Promise<void> {
    const { key, start } = this.#lent.settings;
    const text = await this.#lent.memory.read();
    if (text === undefined) {
      this.#floor = start.length > 0 ? start : null;
      return;
    }
    const kept = JSON.parse(text) as Partial<Kept>;
    if (kept.columns?.join() !== key.join()) {
      throw new DisableError(
        `The service remembers how far it read by ${kept.columns?.join(', ') ?? 'marks'}, and is now to read by ${key.join(', ')}. Give it another name to start over, and set start to where it should begin.`,
      );
    }
    this.#kinds = kept.kinds ?? [];
    this.#floor = kept.floor ?? null;
    this.#recent = { seen: [], unseen: (kept.recent ?? []).map(takenOf) };
  }

  async look(signal: AbortSignal): Promise<void> {
    await this.#tellOfNulls(signal);
    const { batch } = this.#lent.settings;
    const recent = [...this.#recent.seen, ...this.#recent.unseen];
    this.#recent = { seen: [], unseen: recent };
    // a signal that is made of others costs as much to ask as a row to deliver
    const stop = { isWanted: signal.aborted };
    const abort = (): void => void (stop.isWanted = true);
    signal.addEventListener('abort', abort, { once: true });
    let next = this.#page(this.#floor, batch + recent.length, signal);
    try {
      for (;;) {
        const page = await next;
        // the server reads the next page while this one is stored
        if (page.more) next = this.#page(page.rows.at(-1)?.key ?? page.above, batch, signal);
        next.catch(toldElsewhere);
        if (!(await this.#take(page, stop)) || !page.more) return;
      }
    } finally {
      signal.removeEventListener('abort', abort);
      await Promise.allSettled([next]);
      if (!this.#isNoted) await this.#note();
    }
  }

  /** Rows above a key, about as many as asked for; rows that share a key are never separated. */
  async #page(above: Key | null, rows: number, signal: AbortSignal): Promise<Page> {
    for (let limit = rows + 1; ; limit *= 4) {
      const page = await this.#line.use(signal, (at) => this.#read(at, above, limit));
      const last = page.rows.at(-1)?.id;
      const whole = page.more ? page.rows.filter(({ id }) => id !== last) : page.rows;
      if (whole.length > 0 || !page.more) return { ...page, rows: whole };
      if (limit > MOST_ALIKE) {
        throw new DisableError(
          `Too many rows have the same key to be read together. Add a column to key that distinguishes them.`,
        );
      }
    }
  }

  async #read(at: AtWork, above: Key | null, limit: number): Promise<Page> {
    const { key, query } = this.#lent.settings;
    const { condition, values } = this.#above(above);
    const order = key.map((one) => nameOf(one, this.#product)).join(', ');
    const text = this.#product.page(whereKey(query, condition), order, limit);
    // A single row larger than this is still read.
    const { columns, rows, more } = await at.run(
      { text, values },
      { rows: limit, bytes: MOST_BYTES },
    );
    refuseTwins(columns);
    const places = key.map((one) => placeOfColumn(columns, one));
    this.#kinds = places.map((place) => columns[place]?.kind ?? 'text');
    return {
      columns,
      above,
      rows: rows.map((row) => {
        const taken = takenOf(places.map((place) => cellText(row[place] ?? null)));
        return { row, ...taken };
      }),
      more: more || rows.length >= limit,
    };
  }

  #above(above: Key | null): { condition: string; values: readonly Parameter[] } {
    const names = this.#lent.settings.key.map((one) => nameOf(one, this.#product));
    if (above === null) {
      return { condition: names.map((one) => `${one} IS NOT NULL`).join(' AND '), values: [] };
    }
    const values: Parameter[] = [];
    const value = (index: number): string => {
      const kind = this.#kinds[index] ?? 'text';
      values.push(this.#product.keyValue(above[index] ?? '', kind));
      return this.#product.keyPlaceholder(values.length, kind);
    };
    return { condition: beyond(names, value), values };
  }

  /** Delivers what was not taken before. False if the engine accepts nothing now. */
  async #take(page: Page, stop: { readonly isWanted: boolean }): Promise<boolean> {
    const before = this.#recent;
    const fresh = freshOf(page, before);
    const { rows, batch } = this.#lent.settings;
    const size = rows === 'batch' ? batch : 1;
    let taken = 0;
    try {
      while (taken < fresh.length) {
        if (stop.isWanted) return false;
        try {
          await this.#hand(page.columns, fresh, { from: taken, size });
        } catch (error) {
          this.#delivery.failed(error);
          return false;
        }
        taken = Math.min(taken + size, fresh.length);
        this.#isNoted = false;
        if (performance.now() - this.#notedAt < NOTE_EVERY) continue;
        this.#recent = withPage(before, page, fresh, taken);
        await this.#note();
      }
      return true;
    } finally {
      this.#recent = withPage(before, page, fresh, taken);
      if (taken === fresh.length) this.#forgetOldest();
    }
  }

  /** What it throws is for `RowDelivery.failed`. */
  #hand(
    columns: readonly Column[],
    fresh: readonly KeyedRow[],
    { from, size }: { readonly from: number; readonly size: number },
  ): Promise<unknown> {
    const one = fresh[from];
    if (this.#lent.settings.rows !== 'batch' && one !== undefined)
      return this.#delivery.hand(rowJson(columns, one.row), dedupeKeyOf(one.id));
    const group = fresh.slice(from, from + size);
    const texts = group.map(({ row }) => rowJson(columns, row));
    const key = dedupeKeyOf(group.map(({ id }) => id).join());
    return this.#delivery.hand(`[${texts.join(',')}]`, key);
  }

  #forgetOldest(): void {
    const { remember } = this.#lent.settings;
    const { keys, floor } = withoutOldest(this.#recent, remember, this.#floor);
    this.#recent = keys;
    this.#floor = floor;
    if (keys.seen.length > remember + 1) {
      this.#delivery.tell(
        'key-not-unique',
        'Rows share a key. A later one with a key that was already taken may be missed: add a column to key that distinguishes them.',
      );
    }
  }

  async #note(): Promise<void> {
    const kept: Kept = {
      columns: this.#lent.settings.key,
      kinds: this.#kinds,
      floor: this.#floor,
      recent: [...this.#recent.seen, ...this.#recent.unseen].map(({ key }) => key),
    };
    await this.#lent.memory.write(JSON.stringify(kept));
    this.#isNoted = true;
    this.#notedAt = performance.now();
  }

  async #tellOfNulls(signal: AbortSignal): Promise<void> {
    if (performance.now() - this.#nullsAt < LOOK_FOR_NULLS_EVERY) return;
    this.#nullsAt = performance.now();
    const { settings } = this.#lent;
    const rows = await this.#line.use(signal, (at) => nullKeys(at, this.#product, settings));
    if (rows === 0) return;
    this.#delivery.tell(
      'rows-without-key',
      `${rows} rows have no ${settings.key.join(' or ')} (NULL). They are not taken: fill it in, or choose another key.`,
    );
  }
}

const dedupeKeyOf = (ids: string): string => (ids.length > LONGEST_ID ? fingerprint(ids) : ids);

/** The rows of a query for which a condition on its columns holds. */
export const whereKey = (query: string, condition: string): string =>
  `SELECT * FROM (\n${query}\n) waybill_rows WHERE ${condition}`;

/** How many rows cannot be taken because their key is NULL. */
export async function nullKeys(
  at: AtWork,
  product: Product,
  { key, query }: Pick<SqlInValues, 'key' | 'query'>,
): Promise<number> {
  const isNull = key.map((one) => `${nameOf(one, product)} IS NULL`).join(' OR ');
  const text = whereKey(query, isNull).replace('*', 'count(*)');
  const { rows } = await at.run({ text, values: [] }, { rows: 1, bytes: 1_000 });
  return Number(rows[0]?.[0] ?? 0);
}

/** Unquoted if it is a plain name: products fold the case in different ways. */
const nameOf = (column: string, product: Product): string =>
  /^[A-Za-z_]\w*$/.test(column) ? column : product.quote(column);

/** `a > 1`, or `a >= 1 AND (a > 1 OR (a = 1 AND b > 2))`: the first part can use an index. */
function beyond(names: readonly string[], value: (index: number) => string, from = 0): string {
  const name = names[from] ?? '';
  if (from === names.length - 1) return `${name} > ${value(from)}`;
  const first = `${name} >= ${value(from)} AND (${name} > ${value(from)} OR (${name} = ${value(from)}`;
  return `${first} AND ${beyond(names, value, from + 1)}))`;
}

function placeOfColumn(columns: readonly Column[], name: string): number {
  const place = placeOf(columns, name);
  if (place !== undefined) return place;
  throw new DisableError(
    `The query gives no column ${name}. Add it to the query, or correct the setting.`,
  );
}

/** Where a column stands: products fold the case of a name in different ways. */
export function placeOf(columns: readonly Column[], named: string): number | undefined {
  const exact = columns.findIndex(({ name }) => name === named);
  if (exact >= 0) return exact;
  const found = columns.findIndex(({ name }) => name.toLowerCase() === named.toLowerCase());
  return found >= 0 ? found : undefined;
}

/** In a JSON object one would hide the other. */
export function refuseTwins(columns: readonly Column[]): void {
  const names = columns.map(({ name }) => name);
  const twin = names.find((name, index) => names.indexOf(name) !== index);
  if (twin === undefined) return;
  throw new DisableError(
    `The query gives two columns named ${twin}. Give one of them another name with AS.`,
  );
}
