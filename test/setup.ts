import { afterAll, vi } from 'vitest';
import { examples, MORE } from './support/examples.ts';
import { treeTime } from './tree-time.ts';

if (MORE !== 1) {
  const { configureGlobal } = await import('fast-check');
  configureGlobal({ numRuns: examples() });
}

const begun = treeTime();
// oxlint-disable-next-line no-empty-pattern -- Vitest reads the pattern
afterAll(({}, { file }) => {
  file.meta.processorTime = treeTime() - begun;
});

/** A busy machine is slow, not wrong: what has to become so is given twenty seconds instead of one. */
const PATIENCE = 20_000;
/** Less than this is a time that is tested; more was meant as patience. */
const MEASURE = 3_000;

const { waitFor } = vi;
vi.waitFor = (callback, options) => {
  const given = typeof options === 'number' ? { timeout: options } : options;
  const { timeout = PATIENCE } = given ?? {};
  return waitFor(callback, {
    ...given,
    timeout: timeout < MEASURE ? timeout : Math.max(timeout, PATIENCE),
  });
};
