import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KV } from '@nats-io/kv';
import { isEngineError } from '../error/engine-error.ts';
import { unless } from '../error/foreseen.ts';
import { isAway } from './away.ts';
import { DEAD, isFirst, uncertain } from './order-entry.ts';

/**
 * Orders that are carried out together, such as a window of a job: their results are recorded in
 * one write, since each costs a sync of the disk. An order whose earlier run did not end, as its
 * engine was killed or NATS was away, is carried out again by a run that knows what to look for.
 */
export interface OrderBatch {
  /**
   * Runs `run`, or returns its result if the same order was given before, also to another batch.
   * `begin` tells what a later run needs to find what this one has stored; `run` gets it if there
   * was an earlier one. If it rejects with an error that may be retried, something may be stored.
   * An order is given once to a batch.
   */
  once<Result, Begun>(order: string, carriedOut: CarriedOut<Result, Begun>): Promise<Result>;
  /**
   * Like `alone` of single orders, for which it counts too: undefined if somebody else has the name.
   * An order that had it before gets it again at once. It is kept, and given back if the order fails
   * for good.
   */
  alone<Result>(
    name: string,
    order: string,
    run: () => Promise<Result>,
  ): Promise<Result | undefined>;
  /** Records the results. When all have ended. */
  end(): Promise<void>;
}

export interface CarriedOut<Result, Begun> {
  readonly begin: () => Promise<Begun>;
  readonly run: (before: Begun | undefined) => Promise<Result>;
}

/** What is kept of one order; `result` only of one that was given singly. */
interface Kept {
  readonly by?: string;
  readonly batch?: string;
  readonly begun?: unknown;
  readonly result?: unknown;
}

type Results = Readonly<Record<string, unknown>>;

const LOOK_EVERY = 200;

/** @param patience milliseconds until an order that another batch began counts as abandoned */
export function orderBatch(kv: KV, patience: number): OrderBatch {
  const batch = `batch.${randomUUID()}`;
  const results = new Map<string, unknown>();

  const orFree = async <Result>(name: string, run: () => Promise<Result>): Promise<Result> => {
    try {
      return await run();
    } catch (error) {
      // it may be given again; what may be stored is looked for by the next run
      if (isEngineError(error) && !error.retryable)
        await kv.delete(name).catch(unless(isAway, 'recording a failed order'));
      throw error;
    }
  };
  return {
    async once<Result, Begun>(order: string, { begin, run }: CarriedOut<Result, Begun>) {
      const found = await begunBefore<Result, Begun>(kv, { order, batch, patience }, begin);
      if ('result' in found) return found.result;
      return orFree(order, async () => {
        const result = await run(found.before);
        results.set(order, result);
        return result;
      });
    },
    alone: async (name, order, run) =>
      (await isMine(kv, name, order)) ? orFree(name, run) : undefined,
    async end() {
      const kept = JSON.stringify(Object.fromEntries(results));
      // the caller gets the results; a repetition looks for what is stored
      await kv.put(batch, kept).catch(unless(isAway, 'recording orders'));
    },
  };
}

/** Whether an order has a name alone. */
async function isMine(kv: KV, name: string, order: string): Promise<boolean> {
  const mine = { by: order } satisfies Kept;
  if (await isFirst(kv, name, JSON.stringify(mine))) return true;
  const entry = await kv.get(name);
  if (entry?.operation !== 'PUT') return false;
  const isFree = entry.json<Kept>().by === order || Date.now() - entry.created.getTime() >= DEAD;
  return isFree && isTaken(kv, name, mine, entry.revision);
}

interface Entry {
  readonly order: string;
  readonly batch: string;
  readonly patience: number;
}

type Found<Result, Begun> = { readonly result: Result } | { readonly before: Begun | undefined };

/** The result of an earlier run, or what an abandoned one began with; takes the order over. */
async function begunBefore<Result, Begun>(
  kv: KV,
  { order, batch, patience }: Entry,
  begin: () => Promise<Begun>,
): Promise<Found<Result, Begun>> {
  const mine = JSON.stringify({ batch, begun: await begin() } satisfies Kept);
  for (const limit = Date.now() + patience; ; await sleep(LOOK_EVERY)) {
    if (await isFirst(kv, order, mine)) return { before: undefined };
    const entry = await kv.get(order);
    if (entry?.operation !== 'PUT') continue;
    const kept = entry.json<Kept>();
    const end = await endOf(kv, kept, order);
    if (typeof end === 'object') return { result: end.result as Result };
    // what a batch that has ended did not do is over with it
    if (end === 'open' && Date.now() <= limit) continue;
    const before = begunOf(kept) as Begun;
    if (await isTaken(kv, order, { ...kept, batch }, entry.revision)) return { before };
  }
}

function begunOf(kept: Kept): unknown {
  if ('begun' in kept) return kept.begun;
  throw uncertain();
}

/** How an order ended, as far as is known. */
async function endOf(
  kv: KV,
  kept: Kept,
  order: string,
): Promise<{ readonly result: unknown } | 'open' | 'abandoned'> {
  if ('result' in kept) return { result: kept.result };
  const results = await resultsOf(kv, kept.batch);
  if (results === undefined) return 'open';
  return Object.hasOwn(results, order) ? { result: results[order] } : 'abandoned';
}

/** The results of a batch that has ended. */
async function resultsOf(kv: KV, batch: string | undefined): Promise<Results | undefined> {
  const entry = batch === undefined ? null : await kv.get(batch);
  return entry?.operation === 'PUT' ? entry.json<Results>() : undefined;
}

/** false: somebody else was faster. */
async function isTaken(kv: KV, name: string, value: Kept, revision: number): Promise<boolean> {
  try {
    await kv.update(name, JSON.stringify(value), revision);
    return true;
  } catch (error) {
    const entry = await kv.get(name);
    if (entry?.revision === revision) throw error;
    return false;
  }
}
