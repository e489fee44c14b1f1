import { expect, test } from 'vitest';
import { Room } from '../../../adapters/http/room.ts';

test('requests share the room, and what one leaves another may take', () => {
  const room = new Room(10);
  expect([room.enter(6), room.enter(5), room.enter(4), room.enter(1)]).toEqual([
    true,
    false,
    true,
    false,
  ]);
  room.leave(6);
  expect(room.enter(6)).toBe(true);
});
