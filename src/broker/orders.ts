import { setTimeout as sleep } from 'node:timers/promises';
import { type KV, type KvEntry, Kvm } from '@nats-io/kv';
import { isEngineError } from '../error/engine-error.ts';
import { unless } from '../error/foreseen.ts';
import { isAway } from './away.ts';
import type { Broker } from './broker.ts';
import { SETTLED_STAY } from './janitor.ts';
import { type OrderBatch, orderBatch } from './order-batch.ts';
import { DEAD, isFirst, uncertain } from './order-entry.ts';
import { isGone, processIdentity } from './process-identity.ts';

/**
 * The results of people's orders, kept for a day across all engines: a repeated order (a second
 * click, a request repeated after a timeout) gets the result of the first.
 */
export interface Orders {
  /**
   * Runs `run`, or returns its result if the same order was given before; a repetition during the
   * run waits for it. A failed order may be given again. If the engine that carried it out has died
   * in between, `run` gets what was noted then: as long as JetStream surely knows the keys of what
   * was stored, storing it again with these keys tells whether it is there. After that, or if `run`
   * throws ORDER_UNCERTAIN itself, it is not known how the first one ended.
   */
  once<Result>(
    order: string,
    run: (before: Begun | undefined) => Promise<Result>,
    note?: string,
  ): Promise<Result>;
  /** Runs `run` unless any engine is already running something under this name; returns undefined if one is. */
  alone<Result>(name: string, run: () => Promise<Result>): Promise<Result | undefined>;
  /** For many orders at once. */
  batch(): Promise<OrderBatch>;
}

/** An order that was begun and has no result. */
export interface Begun {
  /** What its first run noted. */
  readonly note?: string | undefined;
}

const KEEP = 86_400_000;
/** Milliseconds that a repetition waits for the first to end. */
const PATIENCE = 8_000;
/** The same in a batch: what both publish, the queues store once. */
const BATCH_PATIENCE = 3_000;
const LOOK_EVERY = 100;

/** How far the clocks of an engine and of NATS may be apart, in milliseconds. */
const CLOCKS = 60_000;

interface Kept extends Begun {
  /** Missing while the order is being carried out. */
  readonly result?: unknown;
  /** The process that carries it out; see `processIdentity`. */
  readonly by?: string | undefined;
  /** When it was first begun, if another process has taken it up. */
  readonly since?: number | undefined;
}

export interface OrdersOptions {
  /** Milliseconds in which JetStream stores messages with the same key only once. */
  readonly duplicateWindow: number;
  readonly patience?: number;
}

export function orders(
  { jetstream, names, replicas }: Broker,
  { duplicateWindow, patience = PATIENCE }: OrdersOptions,
): Orders {
  const own: Kept = { by: processIdentity() };
  // a restarted server reads the keys from its messages, and settled ones are removed
  const decidable = Math.min(duplicateWindow, SETTLED_STAY) - CLOCKS;
  let opened: Promise<KV> | undefined;
  const open = (): Promise<KV> => {
    opened ??= new Kvm(jetstream).create(names.orders, { history: 1, ttl: KEEP, replicas });
    // the waiting callers get the error; the next call asks again
    opened.catch(() => {
      opened = undefined;
    });
    return opened;
  };
  return {
    async once(order, run, note) {
      const kv = await open();
      let waited = { revision: 0, limit: 0 };
      for (; ; await sleep(LOOK_EVERY)) {
        if (await isFirst(kv, order, JSON.stringify({ ...own, note })))
          return finished(kv, order, run);
        const entry = await kv.get(order);
        if (entry?.operation !== 'PUT') continue;
        const kept = entry.json<Kept>();
        if ('result' in kept) return kept.result as Awaited<ReturnType<typeof run>>;
        const { revision } = entry;
        if (waited.revision !== revision) waited = { revision, limit: Date.now() + patience };
        if (Date.now() <= waited.limit && !isGone(kept.by)) continue;
        const before = { ...kept, since: kept.since ?? entry.created.getTime() };
        if (Date.now() - before.since > decidable) throw uncertain();
        if (await isTaken(kv, entry, { ...before, ...own }))
          return finished(kv, order, run, before);
      }
    },
    batch: async () => orderBatch(await open(), Math.min(patience, BATCH_PATIENCE)),
    async alone(name, run) {
      const kv = await open();
      if (!(await isFirst(kv, name, JSON.stringify(own)))) {
        const entry = await kv.get(name);
        if (entry?.operation !== 'PUT') return undefined;
        const isDead =
          Date.now() - entry.created.getTime() >= DEAD || isGone(entry.json<Kept>().by);
        if (!isDead || !(await isTaken(kv, entry, own))) return undefined;
      }
      try {
        return await run();
      } finally {
        // the holder of the name is presumed dead after a while
        await kv.delete(name).catch(unless(isAway, 'releasing an order'));
      }
    },
  };
}

async function finished<Result>(
  kv: KV,
  order: string,
  run: (before: Begun | undefined) => Promise<Result>,
  before?: Kept,
): Promise<Result> {
  try {
    const result = await run(before);
    // the caller gets the result; only a repetition would not
    await kv.put(order, JSON.stringify({ result })).catch(unless(isAway, 'recording an order'));
    return result;
  } catch (error) {
    const isOpen = isEngineError(error) && error.code === 'ORDER_UNCERTAIN';
    const told = isOpen ? kv.put(order, JSON.stringify(before ?? {})) : kv.delete(order);
    await told.catch(unless(isAway, 'recording a failed order'));
    throw error;
  }
}

/** Takes over what another process had begun; false if somebody else was faster. */
async function isTaken(kv: KV, { key, revision }: KvEntry, by: Kept): Promise<boolean> {
  try {
    await kv.update(key, JSON.stringify(by), revision);
    return true;
  } catch (error) {
    const now = await kv.get(key);
    if (now?.revision === revision) throw error;
    return false;
  }
}
