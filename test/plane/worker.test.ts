import { type ChildProcess, spawn } from 'node:child_process';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { startOperatorPlane } from '../../src/cli/operator-worker.ts';
import type { OperatorOrder } from '../../src/plane/worker.ts';
import { startNats } from '../support/nats.ts';
import { program } from '../support/program.ts';
import { listening } from '../support/tcp-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** A process that is killed at the end of its scope if it still runs then, as where a test fails. */
interface Said extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly text: () => string;
  /** Its exit code, once it has ended. */
  readonly ended: Promise<number | null>;
}

async function waybillRun(
  data: string,
  consoleAt: string,
  listen: number,
  production = 'productions/passthrough',
): Promise<Said> {
  const child = spawn(
    process.execPath,
    await program(
      'src/main.ts',
      'run',
      production,
      '--data',
      data,
      '--durability',
      'process-crash',
      '--metrics',
      'off',
      '--log-level',
      'error',
      '--console',
      consoleAt,
    ),
    {
      env: { ...process.env, LISTEN: `127.0.0.1:${listen}` },
      stdio: ['ignore', 'pipe', 'pipe'],
      // a process group of its own, as a terminal makes one
      detached: true,
    },
  );
  let said = '';
  const hear = (chunk: Buffer): void => {
    said += chunk.toString();
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', resolve);
  });
  return {
    child,
    text: () => said,
    ended,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      // with all that it started: the group is its own
      process.kill(-(child.pid ?? 0), 'SIGKILL');
      await ended;
    },
  };
}

test('waybill run says where the console is, and it answers from its own thread', async () => {
  await using folder = await temporaryFolder('run');
  await using started = await waybillRun(folder.path, '127.0.0.1:0', await freePort());
  const { child, text, ended } = started;
  const url = await vi.waitFor(() => {
    const found = /console: (\S+)/.exec(text())?.[1];
    if (found === undefined) throw new Error(text());
    return found;
  }, 120_000);
  expect((await fetch(new URL('/health/ready', url))).status).toBe(200);
  // being at the machine proves nothing; what is printed does
  expect((await fetch(new URL('/api/v1/hosts', url))).status).toBe(401);
  expect(text()).toMatch(/The first administrator starts here, once: \S+#first=[\w-]{23}\n/);
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
});

test('a mistake in console.yaml, or a port that is taken, is told before anything accepts', async () => {
  await using folder = await temporaryFolder('run');
  const production = join(folder.path, 'p');
  await cp('productions/passthrough', production, { recursive: true });
  await writeFile(join(production, 'console.yaml'), 'oidcc: []\n');
  const listen = await freePort();
  await using wrong = await waybillRun(folder.path, '127.0.0.1:0', listen, production);
  expect(await wrong.ended).toBe(1);
  expect(wrong.text()).toMatch(/console\.yaml:1:8 oidcc is not a setting/);
  expect(wrong.text()).not.toContain('Ctrl-C stops.');
  await using taken = await listening(createServer());
  await using blocked = await waybillRun(folder.path, `127.0.0.1:${taken.port}`, listen);
  expect(await blocked.ended).toBe(1);
  expect(blocked.text()).toContain('EADDRINUSE');
});

test('a first start that fails is tried again where messages flow already', async () => {
  await using folder = await temporaryFolder('worker');
  const module = join(folder.path, 'worker.mjs');
  const times = join(folder.path, 'times');
  await writeFile(times, '');
  await writeFile(
    module,
    `import { appendFileSync, readFileSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
appendFileSync(${JSON.stringify(times)}, 'x');
const isFirst = readFileSync(${JSON.stringify(times)}, 'utf8').length === 1;
if (isFirst) parentPort.postMessage({ kind: 'failed', code: 'CONFIG_INVALID', text: 'console.yaml' });
else {
  parentPort.once('message', () => {
    appendFileSync(${JSON.stringify(times)}, ' ended');
    parentPort.close();
  });
  setTimeout(() => parentPort.postMessage({ kind: 'ready', url: 'http://here/' }), 300);
}
`,
  );
  const failures: string[] = [];
  const urls: string[] = [];
  const options = {
    module: pathToFileURL(module),
    onFailure: (reason: string) => void failures.push(reason),
    onUrl: (url: string) => void urls.push(url),
  };
  const order = {} as OperatorOrder;
  await expect(startOperatorPlane(order, options)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
  });
  await writeFile(times, '');
  const plane = await startOperatorPlane(order, { ...options, goOn: true });
  expect(plane.isUp).toBe(false);
  expect(failures.join(' ')).toContain('console.yaml');
  await vi.waitFor(() => expect(urls).toEqual(['http://here/']), 5_000);
  expect(plane.isUp).toBe(true);
  await plane.stop();
  // it is told to stop while its thread starts again
  await writeFile(times, '');
  const late = await startOperatorPlane(order, { ...options, goOn: true });
  const told = (): Promise<string> => readFile(times, 'utf8');
  await vi.waitFor(async () => expect(await told()).toBe('xx'), 5_000);
  await late.stop();
  await vi.waitFor(async () => expect(await told()).toBe('xx ended'), 5_000);
});

test('Ctrl-C at a terminal, which every process of the group hears, ends it in order', async () => {
  await using folder = await temporaryFolder('run');
  await using started = await waybillRun(folder.path, 'off', await freePort());
  const { child, text, ended } = started;
  await vi.waitFor(() => expect(text()).toContain('Ctrl-C stops.'), 40_000);
  process.kill(-(child.pid ?? 0), 'SIGINT');
  expect(await ended).toBe(0);
  expect(text()).not.toContain('nats-restarted');
});

test('an operator plane whose thread fails is started again, and the process goes on', async () => {
  await using folder = await temporaryFolder('worker');
  const module = join(folder.path, 'worker.mjs');
  const times = join(folder.path, 'times');
  await writeFile(times, '');
  await writeFile(
    module,
    `import { appendFileSync, readFileSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
appendFileSync(${JSON.stringify(times)}, 'x');
const count = readFileSync(${JSON.stringify(times)}, 'utf8').length;
if (count === 2) process.exit(3);
parentPort.once('message', () => parentPort.close());
parentPort.postMessage({ kind: 'ready', url: 'http://here/' });
if (count === 1) setTimeout(() => { throw new Error('a defect'); }, 50);
if (count === 3) setTimeout(() => process.exit(4), 50);
`,
  );
  const failures: string[] = [];
  const operator = await startOperatorPlane({} as OperatorOrder, {
    module: pathToFileURL(module),
    onFailure: (reason) => failures.push(reason),
  });
  expect(operator).toMatchObject({ url: 'http://here/', isUp: true });
  await vi.waitFor(() => expect(operator.isUp).toBe(false), 5_000);
  // also one that ends before it says anything, and without an error
  const ended = 'the thread of the operator plane ended with code';
  await vi.waitFor(
    () => expect(failures).toEqual(['Error (text withheld)', `${ended} 3`, `${ended} 4`]),
    20_000,
  );
  await vi.waitFor(() => expect(operator.isUp).toBe(true), 20_000);
  await operator.stop();
  expect(await readFile(times, 'utf8')).toBe('xxxx');
});

test('a console.yaml that was broken since does not take the console away when its thread is started again', async () => {
  await using nats = await startNats();
  await using folder = await temporaryFolder('worker');
  const [module, file, crash] = ['worker.mjs', 'console.yaml', 'crash'].map((name) =>
    join(folder.path, name),
  ) as [string, string, string];
  const worker = pathToFileURL(join(import.meta.dirname, '../../src/plane/worker.ts')).href;
  await writeFile(
    module,
    `import { existsSync, rmSync } from 'node:fs';
setInterval(() => {
  if (!existsSync(${JSON.stringify(crash)})) return;
  rmSync(${JSON.stringify(crash)});
  throw new Error('a defect');
}, 20).unref();
await import(${JSON.stringify(worker)});
`,
  );
  const portal = 'https://portal.example';
  await writeFile(file, `cors: { origins: ["${portal}"] }\n`);
  // what the thread tells of in its log is counted by the process
  await mkdir(join(folder.path, 'trace'));
  await writeFile(join(folder.path, 'trace', 'held.db'), 'no database at all '.repeat(500));
  const events: unknown[] = [];
  const operator = await startOperatorPlane(
    {
      access: { url: nats.url, user: nats.user, password: nats.password },
      production: 'held',
      data: folder.path,
      trace: undefined,
      search: [],
      keep: 86_400_000,
      logLevel: 'silent',
      console: { host: '127.0.0.1', port: 0, settingsFile: file },
    },
    { module: pathToFileURL(module), onEvent: (event) => events.push(event) },
  );
  const allowed = async (): Promise<string | null> => {
    const headers = { origin: portal, 'access-control-request-method': 'GET' };
    const url = new URL('/api/v1/hosts', operator.url);
    const answer = await fetch(url, { method: 'OPTIONS', headers });
    return answer.headers.get('access-control-allow-origin');
  };
  try {
    expect(await allowed()).toBe(portal);
    await vi.waitFor(() => expect(events).toContainEqual({ event: 'file-damaged', host: '' }));
    await writeFile(file, 'corss: nothing\n');
    const before = operator.url;
    await writeFile(crash, '');
    await vi.waitFor(() => expect(operator.url).not.toBe(before), 15_000);
    expect(await allowed()).toBe(portal);
  } finally {
    await operator.stop();
  }
});
