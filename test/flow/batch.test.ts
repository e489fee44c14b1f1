import { expect, test } from 'vitest';
import {
  type Batches,
  type Coming,
  holderOf,
  withoutParts,
  withPart,
} from '../../src/flow/batch.ts';
import {
  countOf,
  firstOf,
  holds,
  inPieces,
  lacking,
  type PartList,
  type PieceList,
  type Pieces,
  partsOf,
  pieceOf,
  sizeOf,
} from '../../src/flow/batch-pieces.ts';

const NOTHING: Batches = { closed: [] };

/** Pieces in memory. */
function heldPieces(): Pieces & { readonly size: number } {
  const held = new Map<string, PieceList>();
  let made = 0;
  return {
    read: async ({ name }) => held.get(name),
    async write(list) {
      held.set(`${made}`, list);
      return pieceOf(`${made++}`, list);
    },
    drop: ({ name }) => void held.delete(name),
    get size() {
      return held.size;
    },
  };
}

test('a list of any length is what was put into it, and stays as short', async () => {
  const pieces = heldPieces();
  let list: PartList = { parts: [] };
  let model: { id: number; size: number }[] = [];
  let longest = 0;
  for (let at = 0; at < 30_000; at++) {
    // two engines, whose numbers are not quite in order
    const one = { id: at * 10 - (at % 7) * 25 + 1_000, size: at % 5 };
    list = await inPieces({ ...list, parts: [...list.parts, one] }, pieces);
    model.push(one);
    longest = Math.max(longest, list.parts.length + (list.pieces?.length ?? 0));
    if (at % 997 !== 0 && at !== 20_000) continue;
    const gone = new Set(
      at === 20_000
        ? model.slice(100, 9_000).map(({ id }) => id)
        : [model[Math.floor(at / 2)]?.id ?? 0, 3],
    );
    list = await lacking(list, gone, pieces);
    model = model.filter(({ id }) => !gone.has(id));
    expect(await lacking(list, gone, pieces)).toBe(list);
  }
  expect(longest).toBeLessThan(256 + 3 * 32);
  expect(await partsOf(list, pieces)).toEqual(model);
  expect([countOf(list), firstOf(list)]).toEqual([model.length, model[0]?.id]);
  expect(sizeOf(list)).toBe(model.reduce((sum, { size }) => sum + size, 0));
  const [some] = [model[12_345]];
  expect(await holds(list, some?.id ?? 0, pieces)).toBe(true);
  expect(await holds(list, 3, pieces)).toBe(false);
  const empty = await lacking(list, new Set(model.map(({ id }) => id)), pieces);
  expect([countOf(empty), pieces.size]).toEqual([0, 0]);
});

const LIMITS = { count: 3, size: 1_000, within: 1_000 };
const coming = (id: number, more: Partial<Coming> = {}): Coming => ({
  id,
  size: 10,
  now: 0,
  isEnd: false,
  ...more,
});

const NO_PIECES = heldPieces();
const taking = async (before: Batches, one: Coming): Promise<Batches> =>
  withPart(before, LIMITS, one, await holderOf(before, one.id, NO_PIECES));
const without = (before: Batches, id: number): Promise<Batches> =>
  withoutParts(before, new Set([id]), NO_PIECES);

test('a part that comes twice counts once, and one that comes late closes what is overdue', async () => {
  const one = await taking(NOTHING, coming(1));
  expect(await taking(one, coming(1))).toBe(one);
  const two = await taking(one, coming(2));
  const three = await taking(two, coming(3));
  expect(three).toMatchObject({ closed: [{ closer: 3, why: 'count' }] });
  expect(three.open).toBeUndefined();
  expect(await taking(three, coming(1, { now: 60_000 }))).toBe(three);
  // whoever was to make it is gone
  const taken = await taking(three, coming(1, { now: 21 * 60_000 }));
  expect(taken.closed[0]?.closer).toBe(1);
  expect((await taking(one, coming(1, { now: 1_000 }))).closed[0]?.why).toBe('time');
  expect((await taking(one, coming(2, { size: 1_000 }))).closed[0]?.why).toBe('size');
});

test('without its closer another part makes the message; without parts there is nothing left', async () => {
  let closed = NOTHING;
  for (const id of [1, 2, 3]) closed = await taking(closed, coming(id));
  const rest = await without(closed, 3);
  expect(rest.closed).toMatchObject([{ closer: 1, parts: [{ id: 1 }, { id: 2 }] }]);
  expect(await without(await without(rest, 1), 2)).toEqual({ open: undefined, closed: [] });
  expect(await without(closed, 77)).toBe(closed);
});
