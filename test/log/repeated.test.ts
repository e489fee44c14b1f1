import { expect, test, vi } from 'vitest';
import { Repeated } from '../../src/log/repeated.ts';

test('the first of a kind is told at once, the others every ten seconds with their number, and none is left out', () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  try {
    const repeated = new Repeated();
    const told: string[] = [];
    const tell = (kind: string, n: number) =>
      repeated.tell(kind, (times) => told.push(`${kind} ${n} ${times}`));
    for (let n = 1; n <= 500; n++) tell('full', n);
    tell('away', 1);
    expect(told).toEqual(['full 1 1', 'away 1 1']);
    vi.advanceTimersByTime(10_000);
    expect(told.splice(0)).toEqual(['full 1 1', 'away 1 1', 'full 500 499']);
    tell('full', 501);
    tell('away', 2);
    // nothing of the other kind for ten seconds: it is the first again
    expect(told.splice(0)).toEqual(['away 2 1']);
    vi.advanceTimersByTime(10_000);
    expect(told.splice(0)).toEqual(['full 501 1']);
    vi.advanceTimersByTime(10_000);
    tell('full', 502);
    expect(told).toEqual(['full 502 1']);
  } finally {
    vi.useRealTimers();
  }
});
