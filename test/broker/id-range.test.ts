import { expect, test, vi } from 'vitest';
import { connectBroker } from '../../src/broker/broker.ts';
import { reservedIds } from '../../src/broker/id-range.ts';
import { state } from '../../src/broker/state.ts';
import { timeOfId } from '../../src/message/id.ts';
import { fixedClock } from '../../src/time/clock.ts';
import { startNats } from '../support/nats.ts';

const NOON = Date.UTC(2026, 5, 1, 12);
const HOUR = 3_600_000;

async function lab() {
  const nats = await startNats();
  const broker = await connectBroker({ ...nats, production: 'ids', role: 'test' });
  const { kv } = await state(broker);
  return {
    kv,
    async [Symbol.asyncDispose]() {
      await broker.close();
      await nats[Symbol.asyncDispose]();
    },
  };
}

const some = (ids: { next(): number }, count = 200): number[] =>
  Array.from({ length: count }, () => ids.next());

test('after the clock was set back no id is made again, whether the engine stopped or was killed', async () => {
  await using made = await lab();
  const clock = fixedClock(NOON);
  const made1 = await reservedIds(made.kv, 0, clock);
  const first = some(made1);
  await made1.release();
  // the same moment again, and no release: as after a kill
  const second = some(await reservedIds(made.kv, 0, clock));
  clock.set(NOON - HOUR);
  const third = some(await reservedIds(made.kv, 0, clock));
  clock.set(NOON);
  const fourth = some(await reservedIds(made.kv, 0, clock));
  const all = [...first, ...second, ...third, ...fourth];
  expect(new Set(all).size).toBe(all.length);
  // and they say the time that the clock said
  expect(third.map(timeOfId).every((at) => at >= NOON - HOUR && at < NOON - HOUR + 10)).toBe(true);
});

test('an engine that ended keeps its number, and ids say the right time at once', async () => {
  await using made = await lab();
  const clock = fixedClock(NOON);
  const before = await reservedIds(made.kv, 3, clock);
  const last = some(before).at(-1) ?? 0;
  await before.release();
  clock.set(NOON + 1_000);
  const [next = 0] = some(await reservedIds(made.kv, 3, clock), 1);
  expect(timeOfId(next)).toBe(NOON + 1_000);
  expect(Math.floor(next / 64) % 64).toBe(Math.floor(last / 64) % 64);
});

test('where every number is ahead of the clock, ids go on after the one that is the least ahead', async () => {
  await using made = await lab();
  for (let n = 0; n < 64; n++) await made.kv.put(`ids.${n}`, String(NOON + HOUR + n));
  const [id = 0] = some(await reservedIds(made.kv, 5, fixedClock(NOON)), 1);
  expect(timeOfId(id)).toBeGreaterThan(NOON + HOUR);
  expect(Math.floor(id / 64) % 64).toBe(0);
});

test('an engine whose number another one has reserved since it stood still takes other ids', async () => {
  await using made = await lab();
  const clock = fixedClock(NOON);
  const stood = await reservedIds(made.kv, 0, clock);
  const first = some(stood);
  // what it has reserved ends, whatever its clock says when it goes on
  clock.set(NOON + HOUR);
  const other = some(await reservedIds(made.kv, 0, clock));
  const late = some(stood);
  const numbers = new Set([...first, ...other, ...late]);
  expect(numbers.size).toBe(600);
  await vi.waitFor(() => expect(timeOfId(stood.next())).toBe(NOON + HOUR), 10_000);
  const after = some(stood);
  expect(new Set([...numbers, ...after]).size).toBe(800);
});

test('an engine whose clock was ahead and is set back makes ids of today again, none twice', async () => {
  await using made = await lab();
  const clock = fixedClock(NOON + 400 * 24 * HOUR);
  const running = await reservedIds(made.kv, 0, clock);
  const ahead = some(running);
  clock.set(NOON);
  const still = some(running);
  await vi.waitFor(() => expect(timeOfId(running.next())).toBe(NOON), 10_000);
  const back = some(running);
  expect(back.map(timeOfId).every((at) => at >= NOON && at < NOON + 10)).toBe(true);
  expect(new Set([...ahead, ...still, ...back]).size).toBe(600);
  // its first number is not used again before that day
  await running.release();
  const [next = 0] = some(await reservedIds(made.kv, 0, clock), 1);
  expect(Math.floor(next / 64) % 64).not.toBe(0);
});
