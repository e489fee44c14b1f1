import { expect, test } from 'vitest';
import { Room } from '../../src/peer/http-server/room.ts';

test('bodies share so much memory, an address takes half of it, and what was given back is there again', () => {
  const room = new Room(100);
  expect([room.enter('a', 30), room.enter('a', 21), room.enter('a', 20)]).toEqual([
    true,
    false,
    true,
  ]);
  expect([room.enter('b', 50), room.enter('c', 1)]).toEqual([true, false]);
  room.leave('a', 50);
  expect(room.enter('c', 50)).toBe(true);
});
