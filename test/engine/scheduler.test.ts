import { afterEach, expect, test, vi } from 'vitest';
import { followSchedules, isScheduledOn, whyResting } from '../../src/engine/scheduler.ts';
import { definition, operationDefinition, serviceDefinition } from '../support/definition.ts';
import { testInbound, testOutbound } from '../support/loopback-adapter.ts';
import { startNats } from '../support/nats.ts';
import { type Running, run } from '../support/running.ts';

afterEach(() => {
  vi.useRealTimers();
});

/** Sets the clock, which goes on from there; everything but the date is real. */
const setClock = (at: string): void => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse(at), shouldAdvanceTime: true });
};

test('a host without a schedule is always on; one with a schedule when it says so', () => {
  const noon = Date.parse('2026-11-25T12:00:00Z'); // a Wednesday
  expect(isScheduledOn(undefined, noon)).toBe(true);
  expect(isScheduledOn('mon-fri 08:00-18:00 UTC', noon)).toBe(true);
  expect(isScheduledOn('sat 08:00-18:00 UTC', noon)).toBe(false);
});

test('why the files keep a host off is told, and until when', () => {
  const noon = Date.parse('2026-11-25T12:00:00Z'); // a Wednesday
  const why = (schedule: string, enabled = true) => whyResting({ enabled, schedule }, noon);
  expect(why('mon-fri 08:00-18:00 UTC')).toBeUndefined();
  expect(why('sat 08:00-18:00 UTC')).toBe('off by its schedule until 2026-11-28T08:00:00.000Z');
  expect(why('cron 30 2 * * * for 10m Europe/Berlin')).toBe(
    'off by its schedule until 2026-11-26T01:30:00.000Z',
  );
  expect(why('mon-fri 08:00-18:00 UTC', false)).toBe('off in the production (enabled: false)');
  expect(whyResting({ enabled: true }, noon)).toBeUndefined();
  // what was found counts for its time only
  const sunday = { enabled: true, schedule: 'sat 08:00-18:00 UTC' };
  const day = 86_400_000;
  expect(whyResting(sunday, noon + day)).toContain('until 2026-11-28T08:00');
  expect(whyResting(sunday, noon + 3 * day)).toBeUndefined();
  expect(whyResting(sunday, noon + 4 * day)).toContain('until 2026-12-05T08:00');
  expect(whyResting(sunday, noon - 7 * day)).toContain('until 2026-11-21T08:00');
});

const stateOf = (running: Running, name: string): string | undefined =>
  running.director.statuses().find(({ host }) => host === name)?.state;

const text = (value: string) => ({ body: Buffer.from(value), type: 'text/plain' });

test('a service and an operation of a running engine are on when their schedules say so; what waits is sent then', async () => {
  setClock('2026-11-25T07:59:58Z');
  await using nats = await startNats();
  const from = testInbound();
  const day = testInbound();
  const to = testOutbound();
  await using running = await run(
    nats,
    definition({
      services: [
        serviceDefinition('in', from, { to: ['out'] }),
        serviceDefinition('day', day, { to: ['out'], schedule: 'mon-fri 08:00-18:00 UTC' }),
      ],
      operations: [operationDefinition('out', to, { schedule: 'cron 0 8 * * mon-fri for 1m UTC' })],
    }),
  );
  await vi.waitFor(() => from.deliver(text('early')));
  expect(() => day.deliver(text('closed'))).toThrow('the service is closed');
  expect([stateOf(running, 'day'), stateOf(running, 'out')]).toEqual(['stopped', 'stopped']);
  // eight o'clock comes
  await vi.waitFor(() => day.deliver(text('open')), 10_000);
  await vi.waitFor(() => expect(to.sent).toHaveLength(2));
  expect([stateOf(running, 'day'), stateOf(running, 'out')]).toEqual(['running', 'running']);

  // the minute of the operation is over; the clock is set, which is noticed when the timer ends
  setClock('2026-11-25T08:00:59Z');
  await vi.waitFor(() => expect(stateOf(running, 'out')).toBe('stopped'), { timeout: 20_000 });
  await day.deliver(text('late'));
  expect(stateOf(running, 'day')).toBe('running');
  expect(to.sent).toHaveLength(2);
});

test('a person’s switch goes before the schedule', async () => {
  setClock('2026-11-25T07:59:57Z');
  await using nats = await startNats();
  const to = testOutbound();
  await using running = await run(
    nats,
    definition({
      services: [serviceDefinition('in', testInbound(), { to: ['out', 'other'] })],
      operations: [
        operationDefinition('out', to, { schedule: 'daily 08:00-18:00 UTC' }),
        operationDefinition('other', to, { schedule: 'daily 08:00-18:00 UTC' }),
      ],
    }),
  );
  await running.director.switchOff('out', { by: 'a person', at: Date.now(), reason: 'repair' });
  await vi.waitFor(() => expect(stateOf(running, 'other')).toBe('running'), 10_000);
  expect(stateOf(running, 'out')).toBe('stopped');
  await running.director.switchOn('out');
  expect(stateOf(running, 'out')).toBe('running');
});

test('a switch that fails is made again, and holds up no other', async () => {
  setClock('2026-11-25T07:59:59.900Z');
  const stop = new AbortController();
  const made: string[] = [];
  let away = true;
  const following = followSchedules(
    {
      hosts: () => [
        { name: 'a', schedule: 'daily 08:00-18:00 UTC' },
        { name: 'b', schedule: 'daily 08:00-18:00 UTC' },
      ],
      late: { isOn: () => false, endOf: () => Infinity, look: async () => undefined },
      isOff: async () => false,
      onSwitch: async (name, on) => {
        if (name === 'a' && on && away) throw new Error('NATS is away');
        made.push(`${name} ${on}`);
      },
    },
    stop.signal,
  );
  await vi.waitFor(() => expect(made).toEqual(['a false', 'b false', 'b true']), 5_000);
  away = false;
  await vi.waitFor(() => expect(made.at(-1)).toBe('a true'), 5_000);
  stop.abort();
  await following;
});
