import { expect, test } from 'vitest';
import { comparisonText, type Turn } from '../../bench/against.ts';

const turn = (outboundPerSecond: number, engine: number): Turn => ({
  workload: 't1',
  connections: 10,
  durability: 'power-loss',
  startMs: 700,
  loadBefore: 1,
  flood: {
    inboundPerSecond: 1_000,
    outboundPerSecond,
    ackMs: { p50: 1, p99: 2 },
    endToEndMs: { p50: 1, p99: 2 },
    cpuMs: { engine, nats: 0.5 },
    rssMiB: { engine: 300, nats: 50 },
    sent: 10,
    arrived: 10,
  },
});

test('a comparison gives the ratios of each round, not of the medians', () => {
  const text = comparisonText({
    other: [turn(100, 1.5), turn(200, 1.5), turn(400, 1.5)],
    own: [turn(200, 0.5), turn(300, 0.5), turn(200, 0.5)],
  });
  expect(text).toMatch(/^flood, out \/s +200 +200 +1\.50 +0\.50 to 2\.00$/m);
  expect(text).toMatch(/^CPU ms, flood: both +2 +1 +0\.50 +0\.50 to 0\.50$/m);
});

test('a figure that neither has is left out', () => {
  const text = comparisonText({ other: [turn(1, 1)], own: [turn(1, 1)] });
  expect(text).not.toContain('sustained');
});
