import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Job, JobAnswer } from '../src/api/contract/job.ts';
import { DURABILITIES } from '../src/broker/embedded/nats-server.ts';
import { print, say, table } from '../src/cli/output.ts';
import { bareClient } from './baseline.ts';
import { engineProcess } from './engine-process.ts';
import { freePorts } from './free-ports.ts';
import { load, percentile } from './load.ts';
import { receiver } from './peers.ts';
import { tokenIn } from './token.ts';

/**
 * A job over many messages: a receiver refuses all of them, is repaired, and a job resends them.
 * Meanwhile somebody looks at the job and at the list of jobs without a pause. The rate is compared
 * with the bare NATS client's in the same run, which stores and reads as many messages.
 */

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '10000' },
    durability: { type: 'string', default: 'power-loss' },
    /** Another checkout of Waybill. */
    checkout: { type: 'string' },
    /** Milliseconds that a job may take; it is cancelled then, and its rate taken from what it did. */
    limit: { type: 'string', default: '900000' },
  },
});
const messages = Number(values.messages);
const durability = DURABILITIES.find((one) => one === values.durability) ?? 'power-loss';

let refuses = true;
const [before, delivered]: [string[], string[]] = [[], []];
const peer = await receiver(
  (controlId) => (refuses ? before : delivered).push(controlId),
  () => refuses,
);
const [port = 0, consolePort = 0] = await freePorts(2);
const engine = await engineProcess({
  production: join(import.meta.dirname, 'productions/t1'),
  durability,
  ports: [port, consolePort],
  consoleAt: `127.0.0.1:${consolePort}`,
  environment: { BENCH_IN: String(port), BENCH_OUT: String(peer.port) },
  checkout: values.checkout,
});
const token = await tokenIn(engine.data);

async function ask<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${consolePort}/api/v1/${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Answer;
}

const refused = { target: 'out', status: ['suspended'] };

/** How many are refused, according to the groups of failures. */
async function refusedNow(): Promise<number> {
  const { groups } = await ask<{ groups: { count: number }[] }>('GET', 'failures');
  return groups.reduce((sum, { count }) => sum + count, 0);
}

async function prepare(): Promise<void> {
  await load({
    ports: [port],
    portOf: () => 0,
    connections: 10,
    messages,
    first: 0,
    onSend: () => undefined,
  });
  while (peer.count() < messages) await sleep(100);
  for (let seen = 0; seen < messages; seen = await refusedNow()) await sleep(500);
}

/** Milliseconds of each request of somebody who looks on. */
const looked: number[] = [];

async function lookOn(id: number, ended: AbortSignal): Promise<void> {
  const paths = [`jobs/${id}`, `jobs/${id}/results`, `jobs/${id}/items?limit=200`, 'jobs', 'hosts'];
  for (let at = 0; !ended.aborted; at++) {
    const began = performance.now();
    await ask('GET', paths[at % paths.length] ?? 'jobs');
    looked.push(performance.now() - began);
    await sleep(100);
  }
}

async function timed<Result>(work: () => Promise<Result>): Promise<readonly [Result, number]> {
  const began = performance.now();
  return [await work(), performance.now() - began];
}

async function measure(): Promise<string> {
  const bare = await bareClient({
    connections: 10,
    messages: Math.min(messages, 20_000),
    durability,
  });
  say(`the bare client: ${Math.round(bare.perSecond)}/s; sending what is refused`);
  await prepare();
  refuses = false;
  const order = { type: 'resend', criteria: refused, reason: 'repaired' };
  const [found, took] = await timed(() =>
    ask<JobAnswer>('POST', 'jobs', { ...order, dryRun: true }),
  );
  const list = { type: 'resend', list: found.list, reason: 'repaired' };
  const used = engine.cpuSeconds();
  const began = performance.now();
  const [{ job }, made] = await timed(() => ask<JobAnswer>('POST', 'jobs', list));
  const id = job?.id ?? 0;
  const ended = new AbortController();
  const looking = lookOn(id, ended.signal);
  const ordered = await untilOrdered(id, began);
  const all = await untilDelivered(id, began);
  ended.abort();
  await looking;
  const cpu = engine.cpuSeconds();
  const memory = engine.rssMiB();
  const { done, failed, became } = await ask<Job>('GET', `jobs/${id}`);
  const inOrder = delivered.every((one, at) => one === before[at]);
  const times = looked.toSorted((a, b) => a - b);
  return table([
    ['job', 'figure'],
    ['messages found', `${found.total} in ${Math.round(took)} ms, made in ${Math.round(made)} ms`],
    ['done, failed, delivered', `${done}, ${failed}, ${became?.delivered ?? 0}`],
    [
      'at the receiver',
      `${delivered.length}, ${new Set(delivered).size} different, ${inOrder ? 'in order' : 'not in order'}`,
    ],
    [
      'ordered',
      `${Math.round(ordered.rate)}/s, ${(ordered.rate / bare.perSecond).toFixed(2)} of the bare client`,
    ],
    ['delivered', `${Math.round(all)}/s`],
    [
      'requests meanwhile',
      `${times.length}, p50 ${Math.round(percentile(times, 0.5))} ms, p99 ${Math.round(percentile(times, 0.99))} ms, most ${Math.round(times.at(-1) ?? 0)} ms`,
    ],
    [
      'CPU ms a message',
      `${(((cpu.engine - used.engine) * 1000) / done).toFixed(2)} + ${(((cpu.nats - used.nats) * 1000) / done).toFixed(2)} NATS`,
    ],
    ['memory', `${memory.engine} + ${memory.nats} MiB`],
  ]);
}

/** Until the job has given its orders, or its time is over. */
async function untilOrdered(id: number, began: number): Promise<{ readonly rate: number }> {
  for (;;) {
    const job = await ask<Job>('GET', `jobs/${id}`);
    const seconds = (performance.now() - began) / 1_000;
    if (job.ended !== undefined) return { rate: (job.done + job.failed) / seconds };
    if (seconds * 1_000 > Number(values.limit)) await ask('POST', `jobs/${id}/cancel`);
    await sleep(500);
  }
}

/** Until what became of each new message is known; per second. */
async function untilDelivered(id: number, began: number): Promise<number> {
  for (;;) {
    const { done, became } = await ask<Job>('GET', `jobs/${id}`);
    const known = done - (became?.['under-way'] ?? 0);
    if (known >= done) return done / ((performance.now() - began) / 1_000);
    await sleep(500);
  }
}

try {
  print(await measure());
} finally {
  await engine.stop();
  await peer.close();
}
