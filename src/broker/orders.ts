import { setTimeout as sleep } from 'node:timers/promises';
import { type KV, Kvm } from '@nats-io/kv';
import { EngineError } from '../error/engine-error.ts';
import { unless } from '../error/foreseen.ts';
import { isAway } from './away.ts';
import type { Broker } from './broker.ts';

/**
 * What the orders of people have led to, kept for a day over all engines: an order that comes again (a
 * second click, a request repeated after a time-out) is answered with what the first one did.
 */
export interface Orders {
  /**
   * Runs `run`, or gives what it gave when the same order came before; who comes while it runs waits for it.
   * An order that failed may be given again. Throws ORDER_UNCERTAIN for one of which the end is not known.
   */
  once<Result>(order: string, run: () => Promise<Result>): Promise<Result>;
  /** Runs `run` while nobody else does what has this name, on whichever engine; undefined if somebody does. */
  alone<Result>(name: string, run: () => Promise<Result>): Promise<Result | undefined>;
}

const KEEP = 86_400_000;
/** Milliseconds that a repetition waits for the first to end. */
const PATIENCE = 8_000;
const LOOK_EVERY = 100;
/** After this time who is alone is taken for dead. */
const DEAD = 60_000;

interface Kept {
  /** Left out while it is done. */
  readonly result?: unknown;
}

export function orders({ jetstream, names, replicas }: Broker, patience = PATIENCE): Orders {
  let opened: Promise<KV> | undefined;
  const open = (): Promise<KV> => {
    opened ??= new Kvm(jetstream).create(names.orders, { history: 1, ttl: KEEP, replicas });
    // who waits for it is told; the next asks anew
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
            'this order was begun before, and whether it was carried out is not known: look before you give it again',
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
        // who is alone is taken for dead after a while
        await kv.delete(name).catch(unless(isAway, 'letting go of an order'));
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
    // who gave the order is told; only a repetition would not learn of it
    await kv.put(order, JSON.stringify({ result })).catch(unless(isAway, 'noting an order'));
    return result;
  } catch (error) {
    await kv.delete(order).catch(unless(isAway, 'noting an order that failed'));
    throw error;
  }
}

/** Whether the order was not known. Rejects if that cannot be found out. */
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
