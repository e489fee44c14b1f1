import { join, relative } from 'node:path';
import {
  afterAll,
  beforeAll,
  beforeEach,
  expect,
  type RunnerTestCase,
  type RunnerTestSuite,
  vi,
} from 'vitest';
import { portsOfPart } from '../sandbox/free-port.ts';
import { begunAgain } from './begun-again.ts';
import { onDisk, usual } from './in-memory.ts';
import { isOnDisk, laneOf } from './lanes.ts';
import { examples, MORE } from './support/examples.ts';
import { treeTime } from './tree-time.ts';
import { countedOnce } from './tried-again.ts';

function testsIn({ tasks }: Pick<RunnerTestSuite, 'tasks'>): RunnerTestCase[] {
  return tasks.flatMap((task) => (task.type === 'suite' ? testsIn(task) : [task]));
}

// a port that one worker lets go for a while, as with a server that is started again, is not found free by another
portsOfPart(Number(process.env['VITEST_POOL_ID'] ?? 0), 16);

const path = relative(join(import.meta.dirname, '..'), expect.getState().testPath ?? '');
/** Its worker has files of the other lane before or after it. */
const isLossless = laneOf(path) === 'lossless';
process.env['TMPDIR'] = isOnDisk(path) ? onDisk() : usual();
/** Each test twice instead: where the second one fails, another try of it never helps. */
const TWICE = process.env['WAYBILL_TESTS_TWICE'] === '1';

// oxlint-disable-next-line no-empty-pattern -- Vitest reads the pattern
beforeAll(({}, suite) => {
  if (TWICE) for (const test of testsIn(suite)) Object.assign(test, { retry: 0, repeats: 1 });
  if (TWICE) return;
  if (isLossless) for (const test of testsIn(suite)) test.retry = 0;
  else begunAgain(suite);
});
beforeEach(({ onTestFailed }) => {
  onTestFailed(({ task }) => countedOnce(task));
});

if (MORE !== 1) {
  const { configureGlobal } = await import('fast-check');
  configureGlobal({ numRuns: examples() });
}

const begun = treeTime();
// oxlint-disable-next-line no-empty-pattern -- Vitest reads the pattern
afterAll(({}, { file }) => {
  file.meta.processorTime = treeTime() - begun;
});

/** A busy machine is slow, not wrong: what has to become so is given a minute instead of a second. */
const PATIENCE = 60_000;
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
