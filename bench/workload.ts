import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Durability } from '../src/broker/embedded/nats-server.ts';
import { type Baseline, bareClient, bareSockets } from './baseline.ts';
import { engineProcess } from './engine-process.ts';
import { freePorts } from './free-ports.ts';
import { load, percentile } from './load.ts';
import { receiver } from './peers.ts';

export type WorkloadName = 't1' | 't2' | 't3' | 't4';

export interface WorkloadOptions {
  readonly workload: WorkloadName;
  readonly connections: number;
  readonly messages: number;
  readonly durability: Durability;
  /** Messages a second over all connections, of the engine and of both baselines; as fast as they are acknowledged if left out. */
  readonly rate?: number | undefined;
}

export interface WorkloadResult extends WorkloadOptions {
  readonly inboundPerSecond: number;
  readonly outboundPerSecond: number;
  readonly ackMs: { readonly p50: number; readonly p99: number };
  readonly endToEndMs: { readonly p50: number; readonly p99: number };
  /** Baseline (a): the bare client. */
  readonly baseline: Baseline;
  /** Baseline (b): the bare sockets. */
  readonly sockets: Baseline;
  /** Inbound rate / baseline (a). */
  readonly ratio: number;
  readonly cpuMsPerMessage: number;
  readonly rssMiB: number;
  readonly startMs: number;
  readonly sent: number;
  readonly arrived: number;
}

/** How many messages leave for each that comes, and which listener takes message n. */
const SHAPES: Readonly<
  Record<
    WorkloadName,
    { listeners: number; portOf: (n: number) => number; out: (n: number) => number }
  >
> = {
  t1: { listeners: 1, portOf: () => 0, out: () => 1 },
  t2: { listeners: 1, portOf: () => 0, out: () => 1 },
  t3: { listeners: 1, portOf: () => 0, out: () => 4 },
  // of 4 messages one passes through, one goes 1 to 1, two go 1 to 4
  t4: {
    listeners: 3,
    portOf: (n) => [0, 1, 2, 2][Math.floor(n / 2) % 4] ?? 0,
    out: (n) => [1, 1, 4, 4][Math.floor(n / 2) % 4] ?? 1,
  },
};

const WARM_UP = 400;
const SETTLE_LIMIT = 300_000;

/** Measures one workload: both baselines and the engine, one after the other, in the same run. */
// oxlint-disable-next-line max-lines-per-function -- steps in one order, which sharing state across functions would hide
export async function runWorkload(options: WorkloadOptions): Promise<WorkloadResult> {
  const { workload, connections, messages, durability, rate } = options;
  const shape = SHAPES[workload];
  const baseline = await bareClient({
    connections,
    messages: Math.min(messages, 20_000),
    durability,
    rate,
  });
  const sockets = await bareSockets({ connections, messages: Math.min(messages, 20_000), rate });

  const sentAt = new Map<string, number>();
  const took: number[] = [];
  const peer = await receiver((controlId, at) => {
    const sent = sentAt.get(controlId);
    if (sent !== undefined) took.push(at - sent);
  });
  const ports = await freePorts(shape.listeners);
  const engine = await engineProcess({
    production: join(import.meta.dirname, 'productions', workload),
    durability,
    ports,
    environment: {
      BENCH_IN: String(ports[0]),
      BENCH_IN_2: String(ports[1] ?? 0),
      BENCH_IN_3: String(ports[2] ?? 0),
      BENCH_OUT: String(peer.port),
    },
  });
  try {
    const run = (first: number, count: number) =>
      load({
        ports,
        portOf: shape.portOf,
        connections,
        messages: count,
        first,
        rate,
        onSend: (id, at) => sentAt.set(id, at),
      });
    await run(0, WARM_UP);
    await untilArrived(peer.count, expected(shape.out, 0, WARM_UP));
    const before = peer.count();
    const cpu = engine.cpuSeconds();
    took.length = 0;
    sentAt.clear();
    const began = performance.now();
    const { seconds, acknowledged } = await run(WARM_UP, messages);
    const due = expected(shape.out, WARM_UP, messages);
    await untilArrived(peer.count, before + due);
    const outSeconds = (performance.now() - began) / 1_000;
    const sorted = took.toSorted((a, b) => a - b);
    const inbound = messages / seconds;
    return {
      ...options,
      inboundPerSecond: Math.round(inbound),
      outboundPerSecond: Math.round(due / outSeconds),
      ackMs: { p50: percentile(acknowledged, 0.5), p99: percentile(acknowledged, 0.99) },
      endToEndMs: { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) },
      baseline,
      sockets,
      ratio: Number((inbound / baseline.perSecond).toFixed(2)),
      cpuMsPerMessage: Number((((engine.cpuSeconds() - cpu) * 1_000) / messages).toFixed(3)),
      rssMiB: engine.rssMiB(),
      startMs: engine.startMs,
      sent: messages,
      arrived: peer.count() - before,
    };
  } finally {
    await engine.stop();
    await peer.close();
  }
}

function expected(out: (n: number) => number, first: number, count: number): number {
  let sum = 0;
  for (let n = first; n < first + count; n++) sum += out(n);
  return sum;
}

async function untilArrived(count: () => number, due: number): Promise<void> {
  for (let waited = 0; count() < due; waited += 5) {
    if (waited > SETTLE_LIMIT) throw new Error(`only ${count()} of ${due} messages arrived`);
    await sleep(5);
  }
}
