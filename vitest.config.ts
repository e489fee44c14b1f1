import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { COMPILED } from './test/compiled.ts';
import { Costly } from './test/costly.ts';
import { type Lane, lanes } from './test/lanes.ts';
import { LongestFirst } from './test/longest-first.ts';
import { SkippedRows } from './test/skipped-rows.ts';
import { MORE } from './test/support/examples.ts';
import { TRIED_AGAIN, TriedAgain } from './test/tried-again.ts';

const files = lanes();

process.env['NODE_COMPILE_CACHE'] ??= COMPILED;
// the product spares memory; hundreds of nats-servers with a few megabytes each need half of the processor time so
process.env['GOGC'] ??= '400';

/** The tests of a lane, with what differs from the others. */
const lane = (name: Lane, test: NonNullable<TestProjectInlineConfiguration['test']> = {}) => ({
  extends: true as const,
  test: {
    name,
    include: [...files[name]],
    setupFiles: ['test/setup.ts'],
    sequence: { groupOrder: 1 },
    ...test,
  },
});

/** What starts engines starts threads of theirs too. */
const withThreads = { globalSetup: ['test/bundled.ts'] };

/**
 * Room for what lives for a moment, four times as much as usual: a worker is collected less often, and keeps less of it by
 * mistake. A tenth of the processor time of workers. Not of those that measure memory.
 */
const ROOMY = ['--max-semi-space-size=64', '--min-semi-space-size=16'];

export default defineConfig({
  test: {
    // a busy machine is slow, not wrong; see test/setup.ts
    testTimeout: 240_000 * MORE,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 60_000 } },
    // In every lane: those of `fast` wait for files, timers and threads too, and with ten thousand tests one that comes
    // late once in a million refuses one run in a hundred. What is wrong fails each time; what is no property, waits for
    // nothing and passes all the same depends on the tests before it, and is named like the others.
    retry: TRIED_AGAIN,
    // a log alone tells what was found instead: [ { name: 'a' }, { name: 'b' } ] and not [ …(2) ]
    chaiConfig: { truncateThreshold: 1_000 },
    // most tests wait for somebody else most of the time: seven on the two processors that CI has
    maxWorkers: 7,
    globalSetup: ['test/in-memory.ts', 'test/compiled.ts'],
    sequence: { sequencer: LongestFirst },
    reporters: ['default', new TriedAgain(), new SkippedRows(), new Costly()],
    // modules are read once for each worker, not for each file: half of the processor time of most files
    isolate: false,
    // Node itself reads the modules and keeps them compiled, as it does for the program, instead of Vite for each lane
    experimental: { viteModuleRunner: false, nodeLoader: false },
    execArgv: [
      '--conditions=waybill-source',
      `--import=${join(import.meta.dirname, 'test/threads.ts')}`,
    ],
    projects: [
      lane('servers', {
        ...withThreads,
        execArgv: ROOMY,
        include: [...files.lossless, ...files.servers],
        typecheck: {
          enabled: true,
          include: ['test/**/*.test-d.ts'],
          // what these reach, not the whole project: it is run alone, after everything else
          tsconfig: 'test/tsconfig.types.json',
        },
      }),
      lane('alone', { isolate: true, ...withThreads }),
      lane('fast', {
        setupFiles: ['test/setup.ts', 'test/setup-fast.ts'],
        // these wait for nobody: more workers would only read the modules, and compile them, once more each
        maxWorkers: availableParallelism(),
        sequence: { groupOrder: 0 },
      }),
    ],
  },
});
