import { expect, test, vi } from 'vitest';
import { connectBroker } from '../../src/broker/broker.ts';
import { state } from '../../src/broker/state.ts';
import { watchClock } from '../../src/engine/clock-watch.ts';
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
