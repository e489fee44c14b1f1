import { expect, test } from 'vitest';
import { type Comparison, comparisonText, type Turn } from '../../bench/against.ts';

const turn = (outboundPerSecond: number, engine: number): Turn => ({
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

const about = { workload: 't1', connections: 10, durability: 'power-loss' } as const;

const compared = (turns: Pick<Comparison, 'own' | 'other'>): string =>
  comparisonText({ ...about, ...turns });

test('a comparison gives the ratios of each pair, not of the medians', () => {
  const text = compared({
    other: [{ startMs: 700 }, turn(100, 1.5), turn(200, 1.5), turn(400, 1.5)],
    own: [{ startMs: 1_400 }, turn(200, 0.5), turn(300, 0.5), turn(200, 0.5)],
  });
  expect(text).toMatch(/^flood, out \/s +200 +200 +1\.50 +0\.50 to 2\.00 +3$/m);
  expect(text).toMatch(/^CPU ms, flood: both +2 +1 +0\.50 +0\.50 to 0\.50 +3$/m);
  expect(text).toMatch(/^ready after ms +700 +1400 +2\.00 +2\.00 to 2\.00 +1$/m);
});

test('a turn that the other has not answered yet is left out', () => {
  const text = compared({ other: [turn(100, 1)], own: [turn(100, 1), turn(900, 9)] });
  expect(text).toMatch(/^flood, out \/s .* 1\.00 +1\.00 to 1\.00 +1$/m);
});

test('a figure that one has not is left out', () => {
  const text = compared({ other: [turn(1, 1)], own: [turn(1, 1)] });
  expect(text).not.toContain('sustained');
});
