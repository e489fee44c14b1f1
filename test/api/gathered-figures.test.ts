import { expect, test } from 'vitest';
import type { ApiContext } from '../../src/api/context.ts';
import { gatheredFigures } from '../../src/api/gathered-figures.ts';
import { EngineError } from '../../src/error/engine-error.ts';
import { hearUnexpected } from '../../src/error/unexpected.ts';

const away = (): Promise<never> =>
  Promise.reject(new EngineError('STORE_UNAVAILABLE', 'it is away', { retryable: true }));

const broken = (): Promise<never> => Promise.reject(new TypeError('a fault'));

const samples = (text: string): string[] => text.split('\n').filter((line) => /^\w/.test(line));

const context = (rest: object): ApiContext =>
  ({
    production: 'ward',
    engines: { figures: away, certificates: away },
    alerts: { openCount: away },
    lag: away,
    usage: away,
    failingSince: () => undefined,
    ...rest,
  }) as unknown as ApiContext;

test('what cannot be measured has no figure, instead of 0', async () => {
  expect(samples(await gatheredFigures(context({})))).toEqual([
    'waybill_trace_failing{production="ward"} 0',
  ]);
  const known = context({ lag: async () => 0, usage: async () => ({ bytes: 0 }) });
  expect(samples(await gatheredFigures(known))).toEqual([
    'waybill_trace_lag_messages{production="ward"} 0',
    'waybill_trace_failing{production="ward"} 0',
    'waybill_store_bytes{production="ward"} 0',
  ]);
});

test('a fault of ours keeps no other figure back, and is told', async () => {
  const told: string[] = [];
  const unhear = hearUnexpected(({ what, name }) => told.push(`${name} while ${what}`));
  try {
    expect(await gatheredFigures(context({ lag: broken }))).toContain('waybill_trace_failing{');
    expect(told).toEqual(['TypeError while measuring how far the trace is behind']);
  } finally {
    unhear();
  }
});
