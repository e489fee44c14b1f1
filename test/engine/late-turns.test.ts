import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { connectBroker } from '../../src/broker/broker.ts';
import { openBucket } from '../../src/broker/bucket.ts';
import { LateTurns } from '../../src/engine/late-turns.ts';
import { followSchedules } from '../../src/engine/scheduler.ts';
import { readSchedule, type Schedule } from '../../src/time/schedule.ts';
import { startNats } from '../support/nats.ts';

let nats: Awaited<ReturnType<typeof startNats>>;
let broker: Awaited<ReturnType<typeof connectBroker>>;
let kv: Awaited<ReturnType<typeof openBucket>>;

beforeAll(async () => {
  nats = await startNats();
  broker = await connectBroker({ ...nats, production: 'late', role: 'test' });
  kv = await openBucket(broker, broker.names.state);
});

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
  await nats[Symbol.asyncDispose]();
});

const HOUR = 3_600_000;
const NIGHTLY = 'cron 0 2 * * * for 10m UTC';
const at = (time: string): number => Date.parse(`2026-11-${time}Z`);

function schedule(text: string): Schedule {
  const read = readSchedule(text);
  if ('problem' in read) throw new Error(read.problem);
  return read;
}

/** An engine that looks after a host at these times; what it tells. */
function engine(name: string, given: { readonly catchUp?: number; readonly text?: string } = {}) {
  const told: string[] = [];
  const turns = new LateTurns(kv, {
    told: (host, level, event, text) =>
      void told.push(`${host} ${level} ${event}: ${typeof text === 'string' ? text : text.text}`),
  });
  const of = {
    name,
    catchUp: given.catchUp ?? 6 * HOUR,
    schedule: schedule(given.text ?? NIGHTLY),
  };
  return {
    told,
    /** Whether it is on at a time for one that was missed. */
    async isOn(time: string, isOff = false): Promise<boolean> {
      await turns.look({ ...of, isOff }, at(time));
      return turns.isOn(name, at(time));
    },
  };
}

test('a time that passed while no engine ran is made up for once, by all engines together, for as long as the schedule says', async () => {
  const before = engine('a');
  // the first start ever has missed nothing
  expect(await before.isOn('24T12:00')).toBe(false);
  expect(await before.isOn('25T01:59')).toBe(false);
  const [one, other] = [engine('a'), engine('a')];
  const on = await Promise.all([one.isOn('25T05:30'), other.isOn('25T05:30')]);
  expect(on).toContain(true);
  expect(await Promise.all([one.isOn('25T05:31'), other.isOn('25T05:31')])).toEqual([true, true]);
  expect([...one.told, ...other.told]).toEqual([
    'a info turn-made-up: its time 2026-11-25T02:00:00.000Z passed while no engine ran, and is made up for until 2026-11-25T05:40:00.000Z (catchUp)',
  ]);
  // it was killed meanwhile
  const again = engine('a');
  expect(await again.isOn('25T05:39')).toBe(true);
  expect(await again.isOn('25T05:40')).toBe(false);
  expect(await again.isOn('25T12:00')).toBe(false);
  // several are made up for once
  expect(await again.isOn('29T03:00')).toBe(true);
  expect(await again.isOn('29T03:10')).toBe(false);
  expect(again.told).toHaveLength(1);
});

test('a time that had its turn is not made up for, nor one that passed too long ago, which is told', async () => {
  const running = engine('b');
  await running.isOn('24T12:00');
  // it is on by its schedule
  expect(await running.isOn('25T02:00:01')).toBe(false);
  expect(await engine('b').isOn('25T04:00')).toBe(false);
  const late = engine('b');
  expect(await late.isOn('26T08:00:01')).toBe(false);
  expect(late.told).toEqual([
    'b warn turn-missed: its time 2026-11-26T02:00:00.000Z passed while no engine ran, longer ago than it is made up for (catchUp: 6h)',
  ]);
  expect(await late.isOn('26T08:00:06')).toBe(false);
  expect(late.told).toHaveLength(1);
  const forever = engine('b', { catchUp: Number.POSITIVE_INFINITY });
  expect(await forever.isOn('29T20:00')).toBe(true);
});

test('a time that began while no engine ran is made up for whole, if much of it is gone', async () => {
  const suspended = engine('f');
  await suspended.isOn('24T12:00');
  // a minute at most may be needed to see it
  expect(await suspended.isOn('25T02:01')).toBe(false);
  expect(await suspended.isOn('26T02:09:54')).toBe(true);
  expect(await engine('f').isOn('26T02:19:53')).toBe(true);
  expect(await engine('f').isOn('26T02:19:54')).toBe(false);
  expect(suspended.told).toEqual([
    'f info turn-made-up: its time 2026-11-26T02:00:00.000Z began while no engine ran, and is made up for until 2026-11-26T02:19:54.000Z (catchUp)',
  ]);
  // longer ago than it is made up for: only what is left of it
  const strict = engine('f', { catchUp: 9 * 60_000 });
  expect(await strict.isOn('27T02:09:54')).toBe(false);
  expect(strict.told).toEqual([]);
  // of one that lasts a minute, half
  const short = engine('g', { text: 'cron */3 * * * * for 1m UTC' });
  await short.isOn('24T12:01');
  expect(await short.isOn('24T12:03:30')).toBe(false);
  expect(await short.isOn('24T12:12:54')).toBe(true);
  expect(await short.isOn('24T12:13:53')).toBe(true);
  expect(short.told.at(-1)).toMatch(/^g info turn-made-up: its time 2026-11-24T12:12:00/);
  expect(await engine('g').isOn('24T12:15:40', true)).toBe(false);
});

test('a host that is off, a changed schedule and a clock that was set back make up for nothing', async () => {
  const first = engine('c');
  await first.isOn('24T12:00');
  expect(await engine('c').isOn('25T03:00', true)).toBe(false);
  expect(await engine('c').isOn('25T03:05')).toBe(false);
  const changed = engine('c', { text: 'cron 30 2 * * * for 10m UTC' });
  expect(await changed.isOn('26T03:00')).toBe(false);
  expect(await changed.isOn('27T03:00')).toBe(true);
  // a late turn of another schedule is none of this one
  expect(await engine('c').isOn('27T03:01')).toBe(false);
  // the clock was a week ahead, and is right now
  const wrong = engine('d');
  await wrong.isOn('24T12:00');
  expect(await wrong.isOn('20T12:00')).toBe(false);
  expect(await engine('d').isOn('21T03:00')).toBe(true);
  expect([first, wrong].flatMap(({ told }) => told)).toEqual([]);
});

test('the scheduler turns the host on for a missed time, and off after it', async () => {
  const stop = new AbortController();
  const made: string[] = [];
  let until = Infinity;
  const following = followSchedules(
    {
      hosts: () => [{ name: 'e', schedule: 'cron 0 0 1 1 * for 1m UTC', catchUp: HOUR }],
      late: {
        look: async ({ catchUp, isOff }) => {
          expect([catchUp, isOff]).toEqual([HOUR, false]);
          if (until === Infinity) until = Date.now() + 200;
        },
        isOn: (_host, now) => now < until,
        endOf: (_host, now) => (now < until ? until : Infinity),
      },
      isOff: async () => false,
      onSwitch: async (name, on) => void made.push(`${name} ${on}`),
    },
    stop.signal,
  );
  await vi.waitFor(() => expect(made).toEqual(['e true', 'e false']));
  stop.abort();
  await following;
});
