import { setTimeout as sleep } from 'node:timers/promises';
import { type KV, Kvm } from '@nats-io/kv';
import { EngineError } from '../error/engine-error.ts';
import { unless } from '../error/foreseen.ts';
import { isAway } from './away.ts';
import type { Broker } from './broker.ts';

/**
 * The results of people's orders, kept for a day across all engines: a repeated order (a second
 * click, a request repeated after a timeout) gets the result of the first.
 */
export interface Orders {
  /**
   * Runs `run`, or returns its result if the same order was given before; a repetition during the
   * run waits for it. A failed order may be given again. Throws ORDER_UNCERTAIN if it is not known
   * how the first one ended.
   */
  once<Result>(order: string, run: () => Promise<Result>): Promise<Result>;
  /** Runs `run` unless any engine is already running something under this name; returns undefined if one is. */
  alone<Result>(name: string, run: () => Promise<Result>): Promise<Result | undefined>;
}

const KEEP = 86_400_000;
/** Milliseconds that a repetition waits for the first to end. */
const PATIENCE = 8_000;
const LOOK_EVERY = 100;
/** Milliseconds after which the holder of a name for `alone` is presumed dead. */
const DEAD = 60_000;

interface Kept {
  /** Missing while the order is being carried out. */
  readonly result?: unknown;
}

export function orders({ jetstream, names, replicas }: Broker, patience = PATIENCE): Orders {
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
    async once<Result>(order: string, run: () => Promise<Result>): Promise<Result> {
      const kv = await open();
      for (const limit = Date.now() + patience; ; await sleep(LOOK_EVERY)) {
        if (await isFirst(kv, order)) return finished(kv, order, run);
        const entry = await kv.get(order);
        const kept = entry?.operation === 'PUT' ? entry.json<Kept>() : undefined;
        if (kept !== undefined && 'result' in kept) return kept.result as Result;
        if (kept !== undefined && Date.now() > limit) {
          throw new EngineError(
            'ORDER_UNCERTAIN',
            'this order was started before, and it is not known whether it was carried out: check before giving it again',
          );
        }
      }
    },
    async alone(name, run) {
      const kv = await open();
      if (!(await isFirst(kv, name))) {
        const entry = await kv.get(name);
        if (entry?.operation !== 'PUT' || Date.now() - entry.created.getTime() < DEAD)
          return undefined;
        await kv.update(name, '{}', entry.revision);
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
  run: () => Promise<Result>,
): Promise<Result> {
  try {
    const result = await run();
    // the caller gets the result; only a repetition would not
    await kv.put(order, JSON.stringify({ result })).catch(unless(isAway, 'recording an order'));
    return result;
  } catch (error) {
    await kv.delete(order).catch(unless(isAway, 'recording a failed order'));
    throw error;
  }
}

/** Whether the order is new. Rejects if that cannot be determined. */
async function isFirst(kv: KV, order: string): Promise<boolean> {
  try {
    await kv.create(order, '{}');
    return true;
  } catch (error) {
    const known = await kv.get(order);
    if (known === null) throw error;
    return false;
  }
}
