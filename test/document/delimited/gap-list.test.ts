import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { GapList } from '../../../src/document/delimited/rows.ts';

type Change = readonly [what: 'remove' | 'push' | 'set', at: number];

test('a list with a gap is what a plain one would be', () => {
  const change = fc.tuple(fc.constantFrom('remove', 'push', 'set'), fc.nat(30));
  fc.assert(
    fc.property(fc.array(fc.nat(), { maxLength: 20 }), fc.array(change), (items, changes) => {
      const [list, plain] = [new GapList(items), [...items]];
      for (const [what, at] of changes as Change[]) {
        const index = at % Math.max(plain.length, 1);
        if (what === 'push') {
          list.push(at);
          plain.push(at);
        } else if (plain.length > 0 && what === 'set') {
          list.set(index, at);
          plain[index] = at;
        } else if (plain.length > 0) {
          list.remove(index);
          plain.splice(index, 1);
        }
        expect(list.length).toBe(plain.length);
        expect(list.at(index)).toBe(plain[index]);
      }
      expect(list.all()).toEqual(plain);
    }),
  );
});
