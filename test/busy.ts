import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { temporaryFolder } from './support/temporary-folder.ts';

/** What Vitest writes of a run. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

const ROOT = join(import.meta.dirname, '..');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { times: { type: 'string', default: '5' } },
});
const times = Number(values.times);
if (positionals.length === 0 || !(times > 0)) {
  process.stderr.write('npm run test:busy -- [--times 5] FILES OF test/\n');
  process.exit(2);
}

/** Ends with the process that started it, however that ends. */
const HOG = 'const { ppid } = process; while (process.ppid === ppid);';

/** Programs that want all the processors there are, four times over: the tests get what these leave. */
function hogs(): ChildProcess[] {
  return Array.from({ length: 4 * availableParallelism() }, () =>
    spawn(process.execPath, ['-e', HOG], { stdio: 'ignore' }),
  );
}

/** Runs the tests once; resolves to what failed, by file and name. */
async function run(output: string): Promise<Map<string, string>> {
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const words = ['run', '--retry=0', '--reporter=json', `--outputFile=${output}`, ...positionals];
  const slow = `--import=${join(import.meta.dirname, 'slow-writes.ts')}`;
  const child = spawn(process.execPath, [vitest, ...words], {
    cwd: ROOT,
    env: { ...process.env, NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} ${slow}` },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await once(child, 'exit');
  const { testResults } = JSON.parse(await readFile(output, 'utf8')) as Report;
  return new Map(testResults.flatMap(failedIn));
}

function failedIn({ name, status, message, assertionResults }: Report['testResults'][number]) {
  const file = relative(ROOT, name);
  const failed = assertionResults
    .filter((one) => one.status === 'failed')
    .map(
      ({ fullName, failureMessages: [said = ''] = [] }) => [`${file} > ${fullName}`, said] as const,
    );
  return status === 'failed' && failed.length === 0 ? [[file, message] as const] : failed;
}

const count = new Map<string, number>();
/** Tells what a test said when it failed for the first time. */
function told([name, said]: readonly [string, string]): void {
  const before = count.get(name) ?? 0;
  if (before === 0) process.stdout.write(`  ${name}\n    ${said.replaceAll('\n', '\n    ')}\n`);
  count.set(name, before + 1);
}

// a test that passes on a quiet machine and not here waits for too little, or for something else than it says
await using folder = await temporaryFolder('busy');
const load = hogs();
try {
  for (let n = 1; n <= times; n++) {
    const failed = await run(join(folder.path, `${n}.json`));
    process.stdout.write(`run ${n} of ${times}: ${failed.size} failed\n`);
    for (const one of failed) told(one);
  }
} finally {
  for (const one of load) one.kill('SIGKILL');
}
for (const [name, failed] of count) process.stdout.write(`${failed} of ${times}: ${name}\n`);
process.exitCode = count.size === 0 ? 0 : 1;
