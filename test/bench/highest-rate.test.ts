import { expect, test } from 'vitest';
import { highestRate } from '../../bench/highest-rate.ts';

const LIMIT = 1_234;

test.for([10, 900, 1_234, 1_235, 5_000, 60_000])(
  'the limit is found from %i on',
  async (estimate) => {
    const asked: number[] = [];
    const holds = (rate: number): Promise<boolean> => {
      asked.push(rate);
      return Promise.resolve(rate <= LIMIT);
    };
    const found = await highestRate({ estimate, within: 1.04, holds });
    expect(found).toBeLessThanOrEqual(LIMIT);
    expect(found).toBeGreaterThan(LIMIT / 1.04);
    expect(asked).toContain(found);
  },
);

test('where no rate holds there is none, after a while', async () => {
  let asked = 0;
  const holds = (): Promise<boolean> => Promise.resolve(++asked > 1_000);
  expect(await highestRate({ estimate: 500, within: 1.04, holds })).toBe(0);
  expect(asked).toBeLessThan(30);
});

test('where every rate holds the search ends', async () => {
  let asked = 0;
  const holds = (): Promise<boolean> => Promise.resolve(++asked < 1_000);
  await highestRate({ estimate: 500, within: 1.04, holds });
  expect(asked).toBeLessThan(40);
});
