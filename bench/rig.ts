import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Durability } from '../src/broker/embedded/nats-server.ts';
import { type EngineProcess, engineProcess, type Usage } from './engine-process.ts';
import { freePorts } from './free-ports.ts';
import { type Arrival, type Growth, growthOf, type Sample } from './growth.ts';
import { type LoadResult, load, type Times, timesOf } from './load.ts';
import { othersWatch } from './machine.ts';
import { receiver } from './peers.ts';
import { leaving, SHAPES, type WorkloadName } from './shape.ts';

export interface RigOptions {
  readonly workload: WorkloadName;
  readonly connections: number;
  readonly durability: Durability;
  /** The checkout of the measured engine; this one by default. */
  readonly checkout?: string | undefined;
  /** Fills the engine's data folder before it starts. */
  readonly prepare?: ((data: string) => Promise<void>) | undefined;
}

/** The results of every run. */
export interface Run {
  /** To the acknowledgement. */
  readonly ackMs: Times;
  /** From the sender to the receiver. */
  readonly endToEndMs: Times;
  /** CPU milliseconds for each message that came in. */
  readonly cpuMs: Usage;
  readonly rssMiB: Usage;
  readonly sent: number;
  readonly arrived: number;
  /** Share of CPU time that other processes used meanwhile; undefined if unknown. */
  readonly others?: number | undefined;
}

/** Senders as fast as they are acknowledged. */
export interface Flood extends Run {
  readonly inboundPerSecond: number;
  readonly outboundPerSecond: number;
}

/** Senders at a fixed rate. */
export interface Paced extends Run {
  /** Messages per second that were due. */
  readonly rate: number;
  readonly seconds: number;
  readonly growth: Growth;
}

/** A warm engine with its receiver, for any number of runs one after another. */
export interface Rig extends AsyncDisposable {
  readonly startMs: number;
  flood(messages: number): Promise<Flood>;
  /** Stopped, as growing, once more messages wait than a receiver gets in `OVERRUN` seconds. */
  paced(rate: number, seconds: number): Promise<Paced>;
}

/** V8 compiles what is hot during the first thousands: meanwhile an eighth of the processor time of an engine is this. */
const WARM_UP = 5_000;
const SETTLE_LIMIT = 300_000;
const OVERRUN = 1.5;
const SAMPLE_EVERY = 50;
/**
 * An engine that used at most this many CPU seconds within this many milliseconds, so often in a row, has nothing left to
 * do: on a busy machine a thread may get nothing for one of them.
 */
const QUIET = 0.01;
const QUIET_EVERY = 200;
const QUIET_TIMES = 3;
const QUIET_LIMIT = 30_000;

// oxlint-disable-next-line max-lines-per-function -- a factory: its closures share the state above them
export async function openRig(options: RigOptions): Promise<Rig> {
  const { workload, connections } = options;
  const shape = SHAPES[workload];
  const sentAt = new Map<string, number>();
  let arrivals: Arrival[] = [];
  let began = performance.now();
  const peer = await receiver((controlId, at) => {
    const from = sentAt.get(controlId);
    if (from !== undefined) arrivals.push({ at: (from - began) / 1_000, ms: at - from });
  });
  const ports = await freePorts(shape.listeners);
  const engine = await engineProcess({
    ...options,
    production: join(import.meta.dirname, 'productions', workload),
    ports,
    environment: {
      BENCH_IN: String(ports[0]),
      BENCH_IN_2: String(ports[1] ?? 0),
      BENCH_IN_3: String(ports[2] ?? 0),
      BENCH_OUT: String(peer.port),
    },
  }).catch(async (error: unknown) => {
    await peer.close();
    throw error;
  });
  let next = 0;

  /** Sends messages and waits until all of them have arrived. */
  const run = async (
    messages: number,
    pacing: { readonly rate?: number; readonly signal?: AbortSignal } = {},
  ): Promise<Run & { readonly load: LoadResult; readonly took: number }> => {
    const first = next;
    const before = peer.count();
    const cpu = engine.cpuSeconds();
    const watch = othersWatch();
    sentAt.clear();
    arrivals = [];
    began = performance.now();
    const done = await load({
      ...pacing,
      ports,
      portOf: shape.portOf,
      connections,
      messages,
      first,
      onSend: (id, from) => sentAt.set(id, from),
    });
    next += done.sent;
    await untilArrived(peer.count, before + leaving(shape, first, done.sent));
    const took = (performance.now() - began) / 1_000;
    await untilQuiet(engine);
    const used = difference(engine.cpuSeconds(), cpu);
    return {
      load: done,
      took,
      ackMs: timesOf(done.acknowledged),
      endToEndMs: timesOf(arrivals.map(({ ms }) => ms)),
      cpuMs: scaled(used, 1_000 / done.sent),
      rssMiB: engine.rssMiB(),
      sent: done.sent,
      arrived: peer.count() - before,
      others: watch(used.engine + used.nats),
    };
  };

  const flood = async (messages: number): Promise<Flood> => {
    const { load: done, took, ...measured } = await run(messages);
    return {
      ...measured,
      inboundPerSecond: Math.round(done.sent / done.seconds),
      outboundPerSecond: Math.round(measured.arrived / took),
    };
  };

  const paced = async (rate: number, seconds: number): Promise<Paced> => {
    const messages = Math.max(1, Math.round(rate * seconds));
    const samples: Sample[] = [];
    const overrun = new AbortController();
    const ended = new AbortController();
    const before = peer.count();
    const start = performance.now();
    const watching = every(SAMPLE_EVERY, ended.signal, () => {
      const at = (performance.now() - start) / 1_000;
      const due = Math.min(messages, rate * at) * shape.copies;
      const waiting = due - (peer.count() - before);
      samples.push({ at, waiting });
      if (waiting > rate * shape.copies * OVERRUN) overrun.abort();
    });
    const measured = await run(messages, { rate, signal: overrun.signal }).finally(() =>
      ended.abort(),
    );
    await watching;
    const { load: _load, took: _took, ...told } = measured;
    const growth = growthOf({ rate: rate * shape.copies, seconds }, samples, arrivals);
    const grows = growth.grows || overrun.signal.aborted;
    return { ...told, rate: Number(rate.toFixed(1)), seconds, growth: { ...growth, grows } };
  };

  await using undo = new AsyncDisposableStack();
  undo.defer(() => peer.close());
  undo.defer(() => engine.stop());
  await run(WARM_UP);
  const { startMs } = engine;
  const opened = undo.move();
  return { startMs, flood, paced, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

async function every(ms: number, signal: AbortSignal, take: () => void): Promise<void> {
  while (!signal.aborted) {
    take();
    // aborted when the run has ended
    await sleep(ms, undefined, { signal }).catch(() => undefined);
  }
}

async function untilArrived(count: () => number, due: number): Promise<void> {
  for (let waited = 0; count() < due; waited += 5) {
    if (waited > SETTLE_LIMIT) throw new Error(`only ${count()} of ${due} messages arrived`);
    await sleep(5);
  }
}

/**
 * Waits until what arrived is also in the trace, so that its CPU time counts for this run and does
 * not disturb the next.
 */
async function untilQuiet(engine: EngineProcess): Promise<void> {
  const used = (): number => engine.cpuSeconds().engine;
  let before = used();
  let quiet = 0;
  for (let waited = 0; waited < QUIET_LIMIT && quiet < QUIET_TIMES; waited += QUIET_EVERY) {
    await sleep(QUIET_EVERY);
    const now = used();
    quiet = now - before <= QUIET ? quiet + 1 : 0;
    before = now;
  }
}

const difference = (after: Usage, before: Usage): Usage => ({
  engine: after.engine - before.engine,
  nats: after.nats - before.nats,
});

const scaled = (value: Usage, factor: number): Usage => ({
  engine: Number((value.engine * factor).toFixed(3)),
  nats: Number((value.nats * factor).toFixed(3)),
});
