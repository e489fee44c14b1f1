import { array, assert, integer, nat, property, record } from 'fast-check';
import { expect, test } from 'vitest';
import { merged } from '../../console/src/productions/merged.ts';

const timeOf = (time: number): number => time;

test('what one production has not searched yet holds back what is older in the others', () => {
  const parts = [
    { production: 'hub', items: [90, 80, 70], back: 70 },
    { production: 'lab', items: [95, 60, 50] },
    { production: 'ward', items: [] },
  ];
  const { rows, held } = merged(parts, timeOf);
  expect(rows.map(({ production, item }) => `${production} ${item}`)).toEqual([
    'lab 95',
    'hub 90',
    'hub 80',
    'hub 70',
  ]);
  expect(held).toBe(2);
  expect(merged([], timeOf)).toEqual({ rows: [], held: 0 });
});

test('rows that were shown stay where they are when more is found', () => {
  const part = record({ times: array(nat(1_000)), shown: integer({ min: 1, max: 20 }) });
  assert(
    property(array(part, { maxLength: 4 }), (given) => {
      const whole = given.map(({ times }, n) => ({
        production: `p${n}`,
        items: times.toSorted((a, b) => b - a),
      }));
      const first = whole.map(({ production, items }, n) => {
        const some = items.slice(0, given[n]?.shown);
        return {
          production,
          items: some,
          back: some.length < items.length ? some.at(-1) : undefined,
        };
      });
      const before = merged(first, timeOf).rows.map(({ item }) => item);
      const after = merged(whole, timeOf).rows.map(({ item }) => item);
      // of equal times some may come later
      const last = before.at(-1) ?? 0;
      const newer = (times: readonly number[]): number[] => times.filter((time) => time > last);
      expect(newer(before)).toEqual(newer(after));
    }),
  );
});
