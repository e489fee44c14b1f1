import { expect, test, vi } from 'vitest';
import { connectBroker } from '../../src/broker/broker.ts';
import { state } from '../../src/broker/state.ts';
import { watchClock, watchStanding } from '../../src/engine/clock-watch.ts';
import { startNats } from '../support/nats.ts';

test('a clock that differs from that of NATS is told, with its direction', async () => {
  await using nats = await startNats();
  await using broker = await connectBroker({ ...nats, production: 'clocks', role: 'test' });
  const { kv } = await state(broker);
  const toldWith = async (by: number): Promise<string[]> => {
    const said: string[] = [];
    const ended = new AbortController();
    let looks = 0;
    const now = (): number => (looks++, Date.now() + by);
    const events = { told: (...[, , event, text]: string[]) => void said.push(`${event} ${text}`) };
    const watching = watchClock({ kv, events: events, clock: { now } }, ended.signal);
    await vi.waitFor(() => expect(looks).toBe(2));
    ended.abort();
    await watching;
    return said;
  };
  expect(await toldWith(0)).toEqual([]);
  expect(await toldWith(-59_000)).toEqual([]);
  expect(await toldWith(600_000)).toEqual([
    expect.stringMatching(/^clock-differs .* is 10m ahead of that of the NATS server/),
  ]);
  expect(await toldWith(-600_000)).toEqual([expect.stringMatching(/is 10m behind that of/)]);
});

test('an engine that stood still, a suspended machine and a clock that was set are told', async () => {
  const told: string[] = [];
  const events = { told: (...[, , event, text]: string[]) => void told.push(`${event} ${text}`) };
  let [calendar, running] = [Date.parse('2026-11-29T14:09:54Z'), 1_000];
  // what passes of both times in each wait
  const passing = [
    [5_002, 5_002],
    [59_000, 59_000],
    [600_000, 600_000],
    [605_000, 5_000],
    [-3_595_000, 5_000],
    [5_000, 5_000],
  ];
  const stop = new AbortController();
  const wait = async (): Promise<void> => {
    const [ofCalendar = 0, ofRunning = 0] = passing.shift() ?? [];
    calendar += ofCalendar;
    running += ofRunning;
    if (passing.length === 0) stop.abort();
  };
  const machine = { calendar: () => calendar, running: () => running };
  await watchStanding({ events: events, machine, wait }, stop.signal);
  expect(told).toEqual([
    expect.stringMatching(
      /^engine-stood-still This engine did nothing from 2026-11-29T14:10:58\.002Z to 2026-11-29T14:20:58\.002Z \(10m\)/,
    ),
    expect.stringMatching(
      /^clock-jumped The clock of this machine went from 2026-11-29T14:20:58\.002Z to 2026-11-29T14:31:03\.002Z within 5s/,
    ),
    expect.stringMatching(/^clock-jumped .* set back by 1h, to 2026-11-29T13:31:08/),
  ]);
});
