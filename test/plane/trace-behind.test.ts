import { expect, test } from 'vitest';
import type { Broker } from '../../src/broker/broker.ts';
import { names } from '../../src/broker/names.ts';
import type { ProjectorFloor } from '../../src/broker/stream-reader.ts';
import { silentLogger } from '../../src/log/logger.ts';
import { type Behind, comparedOnce, goneOf } from '../../src/plane/trace-behind.ts';
import { tellGone } from '../../src/plane/trace-losses.ts';

const FLOORS = [
  { id: 'WARD 1', stream: 'WARD', floor: 120, first: 101 },
  { id: 'LAB 1', stream: 'LAB', floor: 9, first: 1 },
  { id: 'NEW 2', stream: 'NEW', floor: 3, first: 4 },
  { id: 'IDLE 1', stream: 'IDLE', floor: 0, first: 1 },
];

/** A trace that has read the streams so far. */
function compared(
  read: Readonly<Record<string, number>>,
  {
    fails = 0,
    floors = FLOORS,
  }: { fails?: number; floors?: readonly ProjectorFloor[] | null } = {},
) {
  let left = fails;
  const applied: unknown[] = [];
  const told: (readonly Behind[])[] = [];
  const store = {
    async readUpTo() {
      if (left-- > 0) throw new Error('the database is away');
      return new Map(Object.entries(read));
    },
    async setReadUpTo(given: unknown) {
      applied.push(given);
    },
  };
  const look = comparedOnce(store, floors ?? undefined, (behind) => told.push(behind));
  return { look, applied, told };
}

test('a trace that lost its last seconds with the plane that wrote them is told apart from one that has all', async () => {
  const behind = compared({ 'WARD 1': 90, 'LAB 1': 9, 'NEW 1': 70 });
  expect([await behind.look(), await behind.look()]).toEqual([true, true]);
  expect(behind.told).toHaveLength(1);
  expect(behind.told[0]?.map(({ stream }) => stream)).toEqual(['WARD', 'NEW']);
  // what the streams still have is read again, also of one that was made again under its name
  expect(goneOf(behind.told[0] ?? [])).toEqual([
    { id: 'WARD 1', stream: 'WARD', from: 91, to: 100 },
    { id: 'NEW 2', stream: 'NEW', from: 1, to: 3 },
  ]);
  const whole = compared({ 'WARD 1': 125, 'LAB 1': 9, 'NEW 2': 3 });
  expect(await whole.look()).toBe(false);
  expect([whole.told, whole.applied]).toEqual([[], []]);
});

test('a database that is away is asked again; of a trace that never knew, what is read from now on is', async () => {
  const away = compared({}, { fails: 1 });
  await expect(away.look()).rejects.toThrow('away');
  expect(await away.look()).toBe(false);
  expect(away.applied).toEqual([FLOORS]);
  const empty = compared({}, { floors: [] });
  expect(await empty.look()).toBe(false);
  expect(empty.applied).toEqual([[]]);
});

test('while a stream does not say how far it was read, nothing is noted of a trace that never knew, nor told of that stream', async () => {
  const floors = [...FLOORS, { id: '', stream: 'LED-BY-NONE', floor: undefined, first: 1 }];
  for (const given of [floors, null]) {
    const old = compared({}, { floors: given });
    expect(await old.look()).toBe(false);
    expect([old.told, old.applied]).toEqual([[], []]);
  }
  const known = compared({ 'WARD 1': 120, 'LAB 1': 9, 'NEW 2': 3 }, { floors });
  expect([await known.look(), known.told]).toEqual([false, []]);
});

test('what is gone is told once, also of a stream in which nothing follows it', async () => {
  const noted: unknown[] = [];
  const store = {
    apply: async () => [],
    setReadUpTo: async (read: unknown) => void noted.push(read),
  };
  const broker = { names: names('lab') } as unknown as Broker;
  const stream = broker.names.queue('ward').stream;
  const id = `${stream} 1`;
  await tellGone({ broker, store, log: silentLogger }, { id, stream, from: 8, to: 10 });
  expect(noted).toEqual([[{ id, floor: 10 }]]);
  const failing = { ...store, apply: () => Promise.reject(new Error('the database is away')) };
  const told = tellGone(
    { broker, store: failing, log: silentLogger },
    { id, stream, from: 8, to: 11 },
  );
  await expect(told).rejects.toThrow('away');
  expect(noted).toHaveLength(1);
});
