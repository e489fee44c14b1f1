import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { HostState } from '../../src/host/host.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: 0 });
});
afterEach(() => {
  vi.useRealTimers();
});

test('a lease that nobody renews shows at once, is an event after ten seconds, and over with the lease', () => {
  const told: string[] = [];
  const state = new HostState(
    {
      told: (_, level, event, text) =>
        told.push([level, event, typeof text === 'string' ? text : text.text].join(' ')),
    },
    'out',
  );
  state.connection = 'connected';
  const status = () => state.status('out', 'operation', 0);

  state.awaitsLease('sends', { problem: undefined });
  expect(status().detail).toBe('waits for another engine, which may be gone');
  state.awaitsLease('sends', { problem: undefined, renewed: true });
  expect(status()).toMatchObject({ connection: 'waiting', detail: 'another engine sends' });
  expect(status().delayed).toBeUndefined();

  const text = 'no engine sends: NATS does not answer (TIMEOUT)';
  state.awaitsLease('sends', { problem: 'NATS does not answer (TIMEOUT)' });
  expect(status()).toMatchObject({ detail: text, delayed: { since: 0, text } });
  expect(told).toEqual([]);
  for (const now of [9_000, 10_000, 12_000]) {
    vi.setSystemTime(now);
    state.awaitsLease('sends', { problem: 'NATS does not answer (TIMEOUT)' });
  }
  expect(told).toEqual([`error host-waits ${text}`]);

  state.hasLease();
  expect(status()).toMatchObject({ connection: 'connected', detail: undefined });
  expect(status().delayed).toBeUndefined();
  expect(told.at(-1)).toBe(`info host-goes-on over: ${text}`);
});
