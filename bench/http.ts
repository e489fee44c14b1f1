import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Agent, request } from 'undici';
import httpIn from '../adapters/http/http-in.ts';
import httpOut from '../adapters/http/http-out.ts';
import { print, table } from '../src/cli/output.ts';
import { lent, listening, outgoing } from './lent.ts';
import { median } from './median.ts';
import { message } from './messages.ts';

/**
 * The sender and the listener: plain undici and node's server, or the adapter with a store that
 * accepts everything at once.
 */
type Side = 'bare' | 'adapter';

/** The rate of requests over HTTP/1.1, one message in flight on each connection. */
export interface HttpRate {
  readonly sender: Side;
  readonly listener: Side;
  readonly connections: number;
  /** Median of the rounds. */
  readonly perSecond: number;
  /**
   * Medians of the ratios to the bare pair in the same round (1 for that pair itself): of the
   * rates, and of the CPU time of both sides together.
   */
  readonly ratio: number;
  readonly cpuRatio: number;
  /**
   * Milliseconds of CPU time per message on each side, which says more than the rate if the machine
   * is also doing other work.
   */
  readonly senderCpu: number;
  readonly listenerCpu: number;
}

interface Measured {
  readonly perSecond: number;
  readonly senderCpu: number;
  readonly listenerCpu: number;
}

const PAIRS: readonly (readonly [Side, Side])[] = [
  ['bare', 'bare'],
  ['adapter', 'bare'],
  ['bare', 'adapter'],
  ['adapter', 'adapter'],
];

/** Requests after which a pair no longer gets faster; until then JIT compilation also takes time. */
const WARM_UP = 30_000;

/**
 * Measures every pair in every round, so that other work on the machine affects all of them. Both
 * senders are in this process and both listeners in another, so neither pair has an advantage.
 */
export async function runHttpBench(messages: number, rounds: number): Promise<HttpRate[]> {
  await using listeners = await listenerProcess();
  const bodies = Array.from({ length: messages }, (_, n) => message(n).bytes);
  const rates: HttpRate[] = [];
  for (const connections of [1, 16]) {
    const pairs = await Promise.all(PAIRS.map((pair) => opened(pair, listeners.urls, connections)));
    const order = [...pairs];
    const unmeasured = Math.ceil(WARM_UP / messages);
    for (let round = 0; round < unmeasured + rounds; round++) {
      for (const { lane, taken } of order) {
        taken.push(await measure(lane, listeners, { connections, bodies }));
      }
      // Each is first in a round equally often.
      order.push(...order.splice(0, 1));
    }
    await Promise.all(pairs.map(({ lane }) => lane.close()));
    for (const { taken } of pairs) taken.splice(0, unmeasured);
    rates.push(...ratesOf(pairs).map((rate) => ({ ...rate, connections })));
  }
  return rates;
}

async function opened(
  [sender, listener]: readonly [Side, Side],
  urls: ListenerProcess['urls'],
  connections: number,
): Promise<Pair> {
  const open = sender === 'bare' ? bareLane : adapterLane;
  return { sender, listener, lane: await open(urls[listener], connections), taken: [] };
}

interface Pair {
  readonly sender: Side;
  readonly listener: Side;
  readonly lane: Lane;
  readonly taken: Measured[];
}

function ratesOf(pairs: readonly Pair[]): Omit<HttpRate, 'connections'>[] {
  const alone = pairs.find(({ sender, listener }) => sender === 'bare' && listener === 'bare');
  return pairs.map(({ sender, listener, taken }) => ({
    sender,
    listener,
    perSecond: Math.round(median(taken.map((one) => one.perSecond))),
    ratio: median(taken.map((one, at) => one.perSecond / (alone?.taken[at] ?? one).perSecond)),
    cpuRatio: median(taken.map((one, at) => cpuOf(alone?.taken[at] ?? one) / cpuOf(one))),
    senderCpu: median(taken.map((one) => one.senderCpu)),
    listenerCpu: median(taken.map((one) => one.listenerCpu)),
  }));
}

const cpuOf = ({ senderCpu, listenerCpu }: Measured): number => senderCpu + listenerCpu;

interface Load {
  readonly connections: number;
  /** Made before the clock starts. */
  readonly bodies: readonly Buffer[];
}

async function measure(
  lane: Lane,
  { cpu }: ListenerProcess,
  { connections, bodies }: Load,
): Promise<Measured> {
  const unsent = bodies.values();
  const listenerBefore = await cpu();
  const before = process.cpuUsage();
  const began = performance.now();
  const drive = async (): Promise<void> => {
    const { signal } = new AbortController();
    for (const body of unsent) await lane.send(body, signal);
  };
  await Promise.all(Array.from({ length: connections }, drive));
  const seconds = (performance.now() - began) / 1_000;
  const { user, system } = process.cpuUsage(before);
  const listenerCpu = ((await cpu()) - listenerBefore) / bodies.length;
  return {
    perSecond: bodies.length / seconds,
    senderCpu: (user + system) / 1_000 / bodies.length,
    listenerCpu,
  };
}

interface ListenerProcess extends AsyncDisposable {
  readonly urls: Readonly<Record<Side, string>>;
  /** Milliseconds of CPU time so far. */
  readonly cpu: () => Promise<number>;
}

async function listenerProcess(): Promise<ListenerProcess> {
  const listener = fork(fileURLToPath(import.meta.url), ['--listen']);
  const [urls] = (await once(listener, 'message')) as [ListenerProcess['urls']];
  return {
    urls,
    async cpu() {
      listener.send('cpu');
      const [spent] = (await once(listener, 'message')) as [number];
      return spent;
    },
    async [Symbol.asyncDispose]() {
      listener.kill();
      await once(listener, 'exit');
    },
  };
}

interface Lane {
  /** `signal` belongs to its connection; messages in flight do not share it. */
  send(body: Buffer, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

function bareLane(url: string, connections: number): Lane {
  const dispatcher = new Agent({ connections, pipelining: 1, allowH2: false });
  const headers = { 'content-type': 'application/hl7-v2' };
  return {
    async send(body) {
      const answer = await request(url, { method: 'POST', headers, body, dispatcher });
      await answer.body.arrayBuffer();
      if (answer.statusCode !== 202) throw new Error(`answered ${answer.statusCode}`);
    },
    close: () => dispatcher.close(),
  };
}

async function adapterLane(url: string, connections: number): Promise<Lane> {
  const open = await httpOut.open(lent(httpOut.settings, { url, connections }));
  return {
    async send(body, signal) {
      const reply = await open.send(outgoing(body), signal);
      if (reply?.code !== '202') throw new Error(`answered ${reply?.code}`);
    },
    close: () => open.close(),
  };
}

/** Runs in the listener's process: prints its addresses and answers until it is killed. */
async function listen(): Promise<void> {
  const urls = { bare: await bareListener(), adapter: await adapterListener() };
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send?.((user + system) / 1_000);
  });
  process.send?.(urls);
}

async function bareListener(): Promise<string> {
  let id = 0;
  // What any service does: one address, the collected body, and an answer that names the message.
  const server = createServer((incoming, response) => {
    if (incoming.method !== 'POST' || incoming.url !== '/in') {
      response.writeHead(404).end();
      return;
    }
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => void chunks.push(chunk));
    incoming.on('end', () => {
      const body = Buffer.concat(chunks);
      const answer = JSON.stringify({ id: ++id, session: id, status: 'stored' });
      response.writeHead(body.byteLength > 0 ? 202 : 400, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(answer),
      });
      response.end(answer);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/in`;
}

async function adapterListener(): Promise<string> {
  return `http://${await listening(httpIn)}/in`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      listen: { type: 'boolean', default: false },
      messages: { type: 'string', default: '1000' },
      rounds: { type: 'string', default: '100' },
    },
  });
  if (values.listen) {
    await listen();
  } else {
    const rates = await runHttpBench(Number(values.messages), Number(values.rounds));
    print(
      table([
        [
          'connections',
          'sender',
          'listener',
          '/s',
          '× bare',
          '× its CPU',
          'sender ms',
          'listener ms',
        ],
        ...rates.map((one) => [
          String(one.connections),
          one.sender,
          one.listener,
          String(one.perSecond),
          one.ratio.toFixed(2),
          one.cpuRatio.toFixed(2),
          one.senderCpu.toFixed(3),
          one.listenerCpu.toFixed(3),
        ]),
      ]),
    );
  }
}
