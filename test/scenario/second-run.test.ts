import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, readdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { lockData } from '../../src/broker/embedded/data-lock.ts';
import { startNatsServer } from '../../src/broker/embedded/nats-server.ts';
import { processIdentity } from '../../src/broker/process-identity.ts';
import { startEngineProcess, waybill } from '../support/engine-process.ts';
import { isAlive } from '../support/is-alive.ts';
import { mllpReceiver, sendUntilAcknowledged } from '../support/mllp-peers.ts';
import { startNats } from '../support/nats.ts';
import { productionFolder } from '../support/production.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const WRAPPER = join(import.meta.dirname, '../../src/cli/waybill.cjs');

const notTaken = (): void => {
  throw new Error('nobody else may have it');
};

const message = (id: string): string =>
  `MSH|^~\\&|S|A|R|B|20260101||ADT^A01^ADT_A01|${id}|P|2.5.1\rEVN|A01\rPID|1||P1^^^H^MR||DOE^JOHN\rPV1|1|I\r`;

async function lab() {
  const receiver = await mllpReceiver();
  const port = await freePort();
  const folder = await productionFolder({
    'production.yaml': `production: twice
services:
  in: { adapter: mllp-in, settings: { listen: "127.0.0.1:${port}" }, to: [out] }
operations:
  out: { adapter: mllp-out, settings: { connect: "127.0.0.1:${receiver.port}" } }
`,
  });
  return {
    receiver,
    port,
    folder: folder.path,
    data: join(folder.path, 'data'),
    async [Symbol.asyncDispose]() {
      await receiver[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test.concurrent('a second run on the same data is refused, and the first goes on', async () => {
  await using made = await lab();
  const { folder, data, port, receiver } = made;
  await using engine = await startEngineProcess({
    production: folder,
    data,
    ports: [port],
    plane: true,
  });
  const nats = await engine.natsPid();

  const second = await waybill(
    'run',
    folder,
    '--data',
    data,
    '--console',
    'off',
    '--metrics',
    'off',
  );
  expect(second.code).toBe(1);
  expect(second.stderr).toMatch(
    new RegExp(`ALREADY_RUNNING: .*already runs as process ${engine.pid}, started 20`),
  );
  expect(await engine.natsPid()).toBe(nats);
  expect(isAlive(nats)).toBe(true);
  await sendUntilAcknowledged(port, [message('1')], () => undefined);
  await vi.waitFor(() => expect(receiver.received).toHaveLength(1), { timeout: 10_000 });

  // after kill -9 the next one starts at once
  await engine.kill();
  await using again = await startEngineProcess({
    production: folder,
    data,
    ports: [port],
    plane: true,
  });
  await sendUntilAcknowledged(port, [message('2')], () => undefined);
  expect(again.ended).toBe(false);
});

test.concurrent('a second engine of one NATS on the same data is refused: both would note there what they store and work on', async () => {
  await using made = await lab();
  const { folder, data, port } = made;
  await using nats = await startNats();
  const url = `nats://${nats.user}:${nats.password}@${new URL(nats.url).host}`;
  const words = ['--nats', url];
  await using engine = await startEngineProcess({
    production: folder,
    data,
    ports: [port],
    arguments: words,
  });
  const more = ['--metrics', 'off', '--role', 'engine', ...words];
  const second = await waybill('run', folder, '--data', data, ...more);
  expect(second.stderr).toContain(`ALREADY_RUNNING: an engine on ${data} already runs as process`);
  expect([second.code, engine.ended]).toEqual([1, false]);
  expect(await readdir(data)).not.toContain('nats.json');
  // after kill -9 the next one starts at once
  await engine.kill();
  await using again = await startEngineProcess({
    production: folder,
    data,
    ports: [port],
    arguments: words,
  });
  expect(again.ended).toBe(false);
});

test.concurrent('who kills the command that started an engine ends the engine and its server', async () => {
  await using made = await lab();
  const { folder, data, port } = made;
  const words = ['run', folder, '--data', data, '--console', 'off', '--metrics', 'off'];
  const wrapper = spawn(process.execPath, [WRAPPER, ...words, '--role', 'engine'], {
    stdio: 'ignore',
  });
  await sendUntilAcknowledged(port, [message('1')], () => undefined);
  const { pid: engine } = JSON.parse(await readFile(join(data, 'engine.lock'), 'utf8')) as {
    pid: number;
  };
  const { pid: nats } = JSON.parse(await readFile(join(data, 'nats.json'), 'utf8')) as {
    pid: number;
  };
  expect(engine).not.toBe(wrapper.pid);
  const environment = (await readFile(`/proc/${engine}/environ`, 'utf8')).split('\0');
  expect(environment).toContain('MALLOC_ARENA_MAX=2');
  const ended = once(wrapper, 'exit');
  wrapper.kill('SIGKILL');
  await ended;
  await vi.waitFor(() => expect([engine, nats].filter(isAlive)).toEqual([]), { timeout: 20_000 });
});

test.concurrent('a lock that was left behind is taken over: of a dead process, a number given out again, a cut file, another container', async () => {
  await using folder = await temporaryFolder('lock');
  const file = join(folder.path, 'engine.lock');
  const left = async (holder: object | string): Promise<void> => {
    await writeFile(file, typeof holder === 'string' ? holder : JSON.stringify(holder));
  };
  const takes = async (leftBy?: string): Promise<void> => {
    const lock = await lockData(folder.path, 'engine', notTaken);
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ pid: process.pid });
    expect(lock.leftBy).toBe(leftBy);
    lock.release();
    await expect(readFile(file)).rejects.toThrow('ENOENT');
  };
  await takes();
  const own = processIdentity() ?? '';
  // the same number, started at another time
  await left({ pid: process.pid, identity: own.replace(/\d+$/, '1'), started: '2026-01-01' });
  await takes();
  await left('{"pid":1');
  await takes();
  const elsewhere = own.replace(/pid:\[\d+\]/, 'pid:[1]');
  await left({ pid: 1, identity: elsewhere, started: '2026-01-01', machine: 'ward-7' });
  await takes('ward-7');

  // one that shows signs of life there is not touched, also where its clock stands before our start
  await left({ pid: 1, identity: elsewhere, started: '2026-01-01' });
  let lives = true;
  const living = (async () => {
    for (let at = 1; lives; at++) {
      await utimes(file, at, at);
      await sleep(300);
    }
  })();
  await expect(lockData(folder.path, 'engine', notTaken)).rejects.toThrow(
    'already runs as process 1',
  );
  lives = false;
  await living;
});

test.concurrent('an engine that stood still while another container took its folder ends at once, and its server', async () => {
  await using made = await lab();
  const { folder, data, port } = made;
  await using engine = await startEngineProcess({ production: folder, data, ports: [port] });
  const nats = await engine.natsPid();
  const file = join(data, 'engine.lock');
  for (const pid of [engine.pid, nats]) process.kill(pid, 'SIGSTOP');
  const taken = JSON.stringify({ pid: 1, identity: 'elsewhere', started: 'now' });
  await writeFile(`${file}.new`, taken);
  await rename(`${file}.new`, file);
  for (const pid of [nats, engine.pid]) process.kill(pid, 'SIGCONT');
  await vi.waitFor(() => expect([engine.pid, nats].filter(isAlive)).toEqual([]), 10_000);
  expect(engine.output()).toMatch(/data-folder-taken.*another process has taken \S+ over/);
  expect(await readFile(file, 'utf8')).toBe(taken);
});

test.concurrent('a lock that somebody removed, or with its folder, is there again while its holder lives', async () => {
  await using folder = await temporaryFolder('lock');
  const data = join(folder.path, 'data');
  const lock = await lockData(data, 'engine', notTaken);
  await rename(data, `${data}.away`);
  await rm(join(`${data}.away`, 'engine.lock'));
  await rename(`${data}.away`, data);
  await vi.waitFor(async () => expect(await readdir(data)).toEqual(['engine.lock']), 10_000);
  await expect(lockData(data, 'engine', notTaken)).rejects.toThrow(`process ${process.pid}`);
  // nor does it start on a copy that was made meanwhile
  const copy = join(folder.path, 'copy');
  await cp(data, copy, { recursive: true });
  await expect(lockData(copy, 'engine', notTaken)).rejects.toThrow(`is a copy of ${data}`);

  // a share that fails for a moment ends nothing
  const file = join(data, 'engine.lock');
  await rm(file);
  await symlink(file, file);
  await sleep(2_500);
  await rm(file);
  await vi.waitFor(async () => expect(await readdir(data)).toEqual(['engine.lock']), 10_000);
  lock.release();
  expect(await readdir(data)).toEqual([]);
});

test.concurrent('what npm started stops when npm is ended', async () => {
  await using made = await lab();
  const { folder, data, port } = made;
  const words = ['run', folder, '--data', data, '--console', 'off', '--metrics', 'off'];
  const line = [process.execPath, WRAPPER, ...words, '--role', 'engine'];
  // as npm does: a shell between, and no signal passed on
  const npm = spawn('sh', ['-c', `${line.map((word) => `'${word}'`).join(' ')} & wait`], {
    stdio: 'ignore',
    env: { ...process.env, npm_command: 'exec' },
  });
  await sendUntilAcknowledged(port, [message('1')], () => undefined);
  const { pid } = JSON.parse(await readFile(join(data, 'engine.lock'), 'utf8')) as { pid: number };
  const ended = once(npm, 'exit');
  npm.kill('SIGTERM');
  await ended;
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 20_000 });
  // in order
  expect(await readdir(data)).not.toContain('nats.json');
});

/** Everybody in a service of systemd, whose KillMode is `control-group` unless its unit says otherwise. */
const everybody = (pids: readonly number[]): void => {
  for (const pid of pids) process.kill(pid, 'SIGTERM');
};

const ORDERS: readonly (readonly [string, (pids: readonly [number, number, number]) => unknown])[] =
  [
    ['Ctrl-C, which a terminal sends to the whole group', ([pid]) => process.kill(-pid, 'SIGINT')],
    ['the end of the terminal', ([pid]) => process.kill(-pid, 'SIGHUP')],
    ['a supervisor that tells every process of the service', everybody],
  ];

test.concurrent.for(ORDERS)('%s stops it in order', async ([, stop]) => {
  await using made = await lab();
  const { folder, data, port, receiver } = made;
  const words = ['run', folder, '--data', data, '--console', 'off', '--metrics', 'off'];
  const child = spawn(process.execPath, [WRAPPER, ...words], { stdio: 'ignore', detached: true });
  await sendUntilAcknowledged(port, [message('1')], () => undefined);
  await vi.waitFor(() => expect(receiver.received).toHaveLength(1));
  const pidIn = async (file: string): Promise<number> =>
    (JSON.parse(await readFile(join(data, file), 'utf8')) as { pid: number }).pid;
  const [engine, nats] = [await pidIn('engine.lock'), await pidIn('nats.json')];
  const ended = once(child, 'exit');
  stop([child.pid ?? 0, engine, nats]);
  expect(await ended).toEqual([0, null]);
  const left = await readdir(data);
  expect(left.filter((file) => /lock|nats\.json|-wal/.test(file))).toEqual([]);
  await vi.waitFor(() => expect(isAlive(nats)).toBe(false));
});

test.concurrent('of many that start at once one gets the folder', async () => {
  await using folder = await temporaryFolder('lock');
  const module = join(import.meta.dirname, '../../src/broker/embedded/data-lock.ts');
  const script = `import(${JSON.stringify(module)}).then(async (m) => {
    try { await m.lockData(${JSON.stringify(folder.path)}, 'engine', () => {}); console.log('got it'); }
    catch (error) { console.log(error.code); }
    process.stdin.resume().on('end', () => process.exit());
  });`;
  await writeFile(join(folder.path, 'engine.lock'), '{"pid":');
  const children = Array.from({ length: 6 }, () =>
    spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  const said = await Promise.all(
    children.map(async (child) =>
      String(((await once(child.stdout, 'data')) as [Buffer])[0]).trim(),
    ),
  );
  for (const child of children) child.stdin.end();
  expect(said.filter((one) => one === 'got it')).toHaveLength(1);
  expect(said.filter((one) => one === 'ALREADY_RUNNING')).toHaveLength(5);
});

test.concurrent('a server that was killed is started again also where its port was taken meanwhile, and until then it is told', async () => {
  await using folder = await temporaryFolder('port');
  const told: string[] = [];
  await using server = await startNatsServer({
    data: folder.path,
    durability: 'process-crash',
    onRestart: (reason) => told.push(reason),
  });
  const port = Number(new URL(server.url).port);
  const first = server.pid ?? 0;
  const thief = createServer();
  process.kill(first, 'SIGKILL');
  // as soon as the port is free
  for (let taken = false; !taken; ) {
    thief.listen(port, '127.0.0.1');
    taken = await once(thief, 'listening').then(
      () => true,
      () => false,
    );
    if (!taken) await sleep(1);
  }
  await vi.waitFor(() => expect(told.join()).toContain('cannot be started again'), 10_000);
  thief.close();
  await vi.waitFor(
    async () => {
      expect(server.pid).not.toBe(first);
      expect(isAlive(server.pid ?? 0)).toBe(true);
    },
    { timeout: 10_000 },
  );
});
