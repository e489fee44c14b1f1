import {
  type Arbitrary,
  array,
  assert,
  constant,
  integer,
  nat,
  oneof,
  property,
  record,
} from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  freshOf,
  type Key,
  type Page,
  type TakenKeys,
  takenOf,
  withoutOldest,
  withPage,
} from '../../../adapters/sql/taken-keys.ts';

interface Step {
  readonly insert?: readonly number[];
  readonly remove?: readonly number[];
  readonly poll?: number;
}

/** A table whose rows come and go, and the reader's polls over it. */
class Polled {
  readonly table = new Set<number>();
  readonly taken: number[] = [];
  readonly floors: number[] = [];
  #keys: TakenKeys = { seen: [], unseen: [] };
  #floor: Key | null = null;
  readonly #batch: number;
  readonly #remember: number;

  constructor(batch: number, remember: number) {
    this.#batch = batch;
    this.#remember = remember;
  }

  follow(steps: readonly Step[]): void {
    for (const { insert = [], remove = [], poll } of steps) {
      for (const n of insert) this.table.add(n);
      for (const n of remove) this.table.delete(n);
      if (poll !== undefined) this.poll(poll);
    }
  }

  /** @param most rows after which the engine accepts nothing more */
  poll(most: number): void {
    const recent = [...this.#keys.seen, ...this.#keys.unseen];
    this.#keys = { seen: [], unseen: recent };
    let rows = this.#batch + recent.length;
    let above = this.#floor;
    for (let left = most; ; rows = this.#batch) {
      const page = this.#page(above, rows);
      const fresh = freshOf(page, this.#keys).slice(0, left);
      const isWhole = fresh.length === freshOf(page, this.#keys).length;
      for (const { row } of fresh) this.taken.push(Number(row[0]));
      left -= fresh.length;
      this.#keys = withPage(this.#keys, page, freshOf(page, this.#keys), fresh.length);
      if (!isWhole) return;
      this.#forget();
      if (!page.more) return;
      above = page.rows.at(-1)?.key ?? above;
    }
  }

  #forget(): void {
    const { keys, floor } = withoutOldest(this.#keys, this.#remember, this.#floor);
    this.#keys = keys;
    this.#floor = floor;
    this.floors.push(Number(floor?.[0] ?? -1));
  }

  #page(above: Key | null, rows: number): Page {
    const found = [...this.table]
      .filter((n) => n > Number(above?.[0] ?? -1))
      .toSorted((a, b) => a - b);
    return {
      columns: [],
      above,
      rows: found.slice(0, rows).map((n) => ({ row: [n], ...takenOf([String(n)]) })),
      more: found.length > rows,
    };
  }
}

const steps: Arbitrary<Step[]> = array(
  oneof(
    record({ insert: array(nat(60), { minLength: 1, maxLength: 30 }) }),
    record({ remove: array(nat(60), { minLength: 1, maxLength: 10 }) }),
    record({ poll: oneof(constant(1_000), nat(20)) }),
  ),
  { maxLength: 20 },
);

describe('the keys that were taken', () => {
  test('whatever comes late, goes or comes back: each row is taken once', () => {
    assert(
      property(steps, integer({ min: 1, max: 9 }), (all, batch) => {
        const polled = new Polled(batch, 1_000);
        polled.follow(all);
        polled.poll(1_000);
        expect(polled.taken).toHaveLength(new Set(polled.taken).size);
        expect([...polled.table].filter((n) => !polled.taken.includes(n))).toEqual([]);
      }),
    );
  });

  test('what is forgotten is so in the order of the key: the floor never falls, and a late row within what is remembered is taken', () => {
    assert(
      property(
        steps,
        integer({ min: 1, max: 9 }),
        integer({ min: 1, max: 6 }),
        (all, batch, remember) => {
          const polled = new Polled(batch, remember);
          polled.follow(all);
          expect(polled.floors).toEqual(polled.floors.toSorted((a, b) => a - b));
          polled.poll(1_000);
          const floor = polled.floors.at(-1) ?? -1;
          const late = [...Array(60).keys()].find((n) => n > floor && !polled.table.has(n));
          if (late === undefined || polled.taken.includes(late)) return;
          polled.table.add(late);
          polled.poll(1_000);
          expect(polled.taken).toContain(late);
        },
      ),
    );
  });
});
