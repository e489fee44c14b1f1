import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { findNatsServer } from '../src/broker/embedded/nats-binary.ts';
import { print, say, table } from '../src/cli/output.ts';
import { cpuOf, type EngineProcess, engineProcess } from './engine-process.ts';
import { freePorts } from './free-ports.ts';
import { load } from './load.ts';
import { median } from './median.ts';
import { receiver } from './peers.ts';

/**
 * One to three engines that share a queue, on one NATS server and on a cluster of three: how the
 * CPU time of a message divides among them, and what is done one after another. Senders are spread
 * over the engines. Rates say little where all share a few cores; CPU time a message does.
 */

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '4000' },
    connections: { type: 'string', default: '12' },
    engines: { type: 'string', default: '1,2,3' },
    servers: { type: 'string', default: '1,3' },
    orders: { type: 'string', default: 'fifo,by-key,none' },
    rounds: { type: 'string', default: '3' },
  },
});
const messages = Number(values.messages);
const connections = Number(values.connections);
const rounds = Number(values.rounds);

const ORDERS: Readonly<Record<string, string>> = {
  fifo: 'fifo',
  'by-key': '{ by-key: field("PID-3.1"), partitions: 6 }',
  none: 'none',
};

const definition = (order: string): string => `production: bench-engines
settings: { queueLimit: 100MB, search: { mrn: PID-3.1, visit: PV1-19.1, name: PID-5.1 } }
services:
  in: { adapter: mllp-in, settings: { listen: "127.0.0.1:\${env:BENCH_IN}" }, to: [out] }
operations:
  out: { adapter: mllp-out, order: ${order}, settings: { connect: "127.0.0.1:\${env:BENCH_OUT}" } }
`;

interface Servers extends AsyncDisposable {
  /** The addresses of all, for the engines. */
  readonly urls: string;
  cpuSeconds(): number;
}

/** Bare servers that sync as the system does (`process-crash`). */
async function natsServers(count: number, folder: string): Promise<Servers> {
  const binary = await findNatsServer();
  const ports = await freePorts(2 * count);
  const [listening, routes] = [ports.slice(0, count), ports.slice(count)];
  const children: ChildProcess[] = [];
  for (const [n, port] of listening.entries()) {
    const data = join(folder, `nats-${n}`);
    await mkdir(data);
    const others = routes.map((route) => `"nats://127.0.0.1:${route}"`).join(', ');
    const cluster = `cluster { name: bench, listen: "127.0.0.1:${routes[n]}", routes: [${others}] }`;
    await writeFile(
      join(data, 'nats.conf'),
      `server_name: s${n}\nlisten: "127.0.0.1:${port}"\njetstream { store_dir: "${data}" }\n${count > 1 ? cluster : ''}\n`,
    );
    const child = spawn(binary, ['-c', join(data, 'nats.conf')], { stdio: 'ignore' });
    await once(child, 'spawn');
    children.push(child);
  }
  const urls = listening.map((port) => `nats://127.0.0.1:${port}`).join(',');
  await untilReady(urls);
  return {
    urls,
    cpuSeconds: () => children.reduce((sum, { pid = 0 }) => sum + cpuOf(pid), 0),
    async [Symbol.asyncDispose]() {
      for (const child of children) {
        child.kill('SIGKILL');
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      }
    },
  };
}

/** A cluster has its leader after some seconds. */
async function untilReady(urls: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      const connection = await connect({ servers: urls.split(','), timeout: 2_000 });
      try {
        await (await jetstreamManager(connection)).getAccountInfo();
      } finally {
        await connection.close();
      }
      return;
    } catch (error) {
      if (tries === 30) throw error;
      await sleep(500);
    }
  }
}

interface Figures {
  readonly outPerSecond: number;
  /** CPU milliseconds for each message, of each engine; the first one has the trace. */
  readonly engines: readonly number[];
  readonly nats: number;
}

async function measure(order: string, count: number, servers: Servers): Promise<Figures[]> {
  await using scope = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'waybill-bench-'));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'production.yaml'), definition(order));
  const peer = await receiver(() => undefined);
  scope.defer(() => peer.close());
  const ports = await freePorts(count);
  const engines: EngineProcess[] = [];
  for (const [n, port] of ports.entries()) {
    const engine = await engineProcess({
      production: folder,
      durability: 'process-crash',
      nats: servers.urls,
      isOnlyEngine: n > 0,
      ports: [port],
      environment: { BENCH_IN: String(port), BENCH_OUT: String(peer.port) },
    });
    scope.defer(() => engine.stop());
    engines.push(engine);
  }
  let next = Math.round(performance.now()) * 1_000;
  const flood = async (amount: number): Promise<Figures> => {
    const before = engines.map((engine) => engine.cpuSeconds().engine);
    const nats = servers.cpuSeconds();
    const [arrived, began] = [peer.count(), performance.now()];
    const { sent } = await load({
      ports,
      portOf: (message) => message % count,
      connections,
      messages: amount,
      first: next,
      onSend: () => undefined,
    });
    next += sent;
    while (peer.count() < arrived + sent) await sleep(5);
    const seconds = (performance.now() - began) / 1_000;
    // the trace catches up
    await sleep(2_000);
    return {
      outPerSecond: sent / seconds,
      engines: engines.map(
        (engine, at) => ((engine.cpuSeconds().engine - (before[at] ?? 0)) * 1_000) / sent,
      ),
      nats: ((servers.cpuSeconds() - nats) * 1_000) / sent,
    };
  };
  await flood(Math.ceil(messages / 4));
  const results: Figures[] = [];
  for (let round = 0; round < rounds; round++) results.push(await flood(messages));
  return results;
}

/** A row of the table. */
async function row(servers: number, name: string, count: number): Promise<string[]> {
  say(`${servers} servers, ${name}, ${count} engines`);
  const folder = await mkdtemp(join(tmpdir(), 'waybill-bench-'));
  try {
    await using nats = await natsServers(servers, folder);
    const results = await measure(ORDERS[name] ?? name, count, nats);
    const each = Array.from({ length: count }, (_, n) =>
      median(results.map(({ engines }) => engines[n] ?? 0)),
    );
    const sum = each.reduce((all, ms) => all + ms, 0);
    return [
      String(servers),
      name,
      String(count),
      median(results.map(({ outPerSecond }) => outPerSecond)).toFixed(0),
      each.map((ms) => ms.toFixed(2)).join(' '),
      sum.toFixed(2),
      median(results.map(({ nats: ms }) => ms)).toFixed(2),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const numbers = (text: string): number[] => text.split(',').map(Number);

const rows = [
  ['servers', 'order', 'engines', 'out/s', 'CPU ms a message: each engine', 'engines', 'nats'],
];
for (const servers of numbers(values.servers)) {
  for (const name of values.orders.split(',')) {
    for (const count of numbers(values.engines)) rows.push(await row(servers, name, count));
  }
}
print(table(rows));
