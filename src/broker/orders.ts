import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KV } from '@nats-io/kv';
import { EngineError, isEngineError } from '../error/engine-error.ts';
import { unless } from '../error/foreseen.ts';
import { isAway } from './away.ts';
import type { Broker } from './broker.ts';
import { openBucket } from './bucket.ts';
import { isGone, processIdentity } from './process-identity.ts';

/**
 * The results of people's orders, kept for a day across all engines: a repeated order (a second
 * click, a request repeated after a timeout, a job that goes on) gets the result of the first. An
 * order whose engine died before its receipt is decided by what is stored: its next run is told
 * what to look for.
 */
export interface Orders {
  /**
   * One order, or many that are carried out together, such as a window of a job: their results are
   * recorded in one write, since each costs a sync of the disk.
   */
  batch(): Promise<OrderBatch>;
}

export interface OrderBatch {
  /**
   * Runs `run`, or returns its result if the same order was given before; while another batch has
   * it, that one is waited for until its process is gone or `patience` is over. If `run` rejects
   * with an error that may be retried, something may be stored. An order is given once to a batch.
   */
  once<Result, Begun>(order: string, carriedOut: CarriedOut<Result, Begun>): Promise<Result>;
  /**
   * Runs `run` for an order that has `name` alone; undefined if another order has it. The name is
   * kept, so that the order gets it again at once, and given back if nothing was done.
   */
  alone<Result>(
    name: string,
    order: string,
    run: () => Promise<Result>,
  ): Promise<Result | undefined>;
  /** How the order ended, or what its last run began with; undefined if it was not given before. Changes nothing. */
  known(order: string): Promise<Known | undefined>;
  /** Records the results. When all have ended. */
  end(): Promise<void>;
}

export type Known = { readonly result: unknown } | { readonly begun: unknown };

export interface CarriedOut<Result, Begun> {
  /** Tells what a later run needs to find what this one has stored. */
  readonly begin: () => Promise<Begun>;
  /**
   * @param before what an earlier run began with, which may have stored something
   * @param hold to be called right before something is stored; rejects if another has taken the
   * order over, as after this process stood still
   */
  readonly run: (before: Begun | undefined, hold: () => Promise<void>) => Promise<Result>;
}

/** An error after which everything is as before: the order is new again. */
export class Untouched extends EngineError {}

/** What is kept of one order, or of a name. */
interface Kept {
  /** The process that carries it out (see `processIdentity`); of a name, the order that has it. */
  readonly by?: string | undefined;
  readonly batch?: string;
  readonly begun?: unknown;
  /** Of an order that was given alone. */
  readonly result?: unknown;
}

type Results = Readonly<Record<string, unknown>>;

const KEEP = 86_400_000;
/** Milliseconds until an order that another batch has begun counts as abandoned. */
const PATIENCE = 3_000;
/** Milliseconds after which the holder of a name is presumed dead. */
const DEAD = 60_000;
const LOOK_EVERY = 200;

/** @param patience see `PATIENCE` */
export function orders(
  broker: Broker,
  { patience = PATIENCE }: { readonly patience?: number } = {},
): Orders {
  let opened: Promise<KV> | undefined;
  const open = (): Promise<KV> => {
    opened ??= openBucket(broker, broker.names.orders, { age: KEEP });
    // the waiting callers get the error; the next call asks again
    opened.catch(() => {
      opened = undefined;
    });
    return opened;
  };
  return { batch: async () => orderBatch(await open(), patience) };
}

/** An order of a batch; `revision` is undefined once another may have taken it over. */
interface Claim {
  revision: number | undefined;
  /** When it was taken or renewed. */
  since: number;
  readonly value: Kept;
}

function orderBatch(kv: KV, patience: number): OrderBatch {
  const batch = `batch.${randomUUID()}`;
  const given = new Map<string, Claim>();
  const results = new Map<string, unknown>();
  return {
    async once<Result, Begun>(order: string, { begin, run }: CarriedOut<Result, Begun>) {
      const found = await taken<Result, Begun>(kv, { order, batch, patience }, begin);
      if ('result' in found) return found.result;
      const { claim, before } = found;
      given.set(order, claim);
      try {
        const result = await run(before, () => held(kv, { order, claim, patience }));
        results.set(order, result);
        return result;
      } catch (error) {
        const isNew = error instanceof Untouched ? before === undefined : isFinal(error);
        if (isNew) await freed(kv, order, claim.revision);
        throw error;
      }
    },
    async alone(name, order, run) {
      const revision = await own(kv, name, order);
      if (revision === undefined) return undefined;
      try {
        return await run();
      } catch (error) {
        // otherwise it may be given again, and what is stored is looked for then
        if (error instanceof Untouched || isFinal(error)) await freed(kv, name, revision);
        throw error;
      }
    },
    async known(order) {
      const looks = lookout(kv, { order, patience });
      for (; ; await sleep(LOOK_EVERY)) {
        const seen = await looks();
        if (seen === undefined) return undefined;
        if ('result' in seen) return seen;
        if (seen.isOver) return { begun: begunOf(seen.kept) };
      }
    },
    async end() {
      const [only, ...others] = given;
      const done = only !== undefined && others.length === 0 && results.has(only[0]);
      const writing = done
        ? ended(kv, only, results.get(only[0]))
        : kv.put(batch, JSON.stringify(Object.fromEntries(results)));
      // the caller gets the results; a repetition looks for what is stored
      await writing.catch(unless(isAway, 'recording orders'));
    },
  };
}

/** Whether nothing was done, and trying again would not help. */
export const isFinal = (error: unknown): boolean =>
  isEngineError(error) && !error.retryable && error.code !== 'ORDER_UNCERTAIN';

/** Gives an order or a name back, unless somebody else has it by now. */
async function freed(kv: KV, name: string, revision: number | undefined): Promise<void> {
  if (revision === undefined) return;
  await kv
    .delete(name, { previousSeq: revision })
    .catch(unless(isAway, 'recording a failed order'));
}

/** The result of an order that was given alone stands in its own entry. */
async function ended(kv: KV, [order, claim]: [string, Claim], result: unknown): Promise<void> {
  if (claim.revision === undefined) return;
  await replaced(kv, order, { result }, claim.revision);
}

interface Entry {
  readonly order: string;
  readonly batch: string;
  readonly patience: number;
}

type Taken<Result, Begun> =
  | { readonly result: Result }
  | { readonly claim: Claim; readonly before: Begun | undefined };

/** The result of an earlier run, or the order itself, with what an abandoned run began with. */
async function taken<Result, Begun>(
  kv: KV,
  { order, batch, patience }: Entry,
  begin: () => Promise<Begun>,
): Promise<Taken<Result, Begun>> {
  const mine = { batch, by: processIdentity() } satisfies Kept;
  const first: Kept = { ...mine, begun: await begin() };
  const looks = lookout(kv, { order, patience });
  for (; ; await sleep(LOOK_EVERY)) {
    let since = Date.now();
    const revision = await created(kv, order, first);
    if (revision !== undefined)
      return { claim: { revision, since, value: first }, before: undefined };
    const seen = await looks();
    if (seen === undefined) continue;
    if ('result' in seen) return { result: seen.result as Result };
    if (!seen.isOver) continue;
    const before = begunOf(seen.kept) as Begun;
    const value: Kept = { ...seen.kept, ...mine };
    since = Date.now();
    const next = await replaced(kv, order, value, seen.revision);
    if (next !== undefined) return { claim: { revision: next, since, value }, before };
  }
}

/** Rejects if the order may be another's by now. A process that stood still finds this out here. */
async function held(
  kv: KV,
  { order, claim, patience }: { order: string; claim: Claim; patience: number },
): Promise<void> {
  const now = Date.now();
  if (claim.revision !== undefined && Math.abs(now - claim.since) <= patience / 2) return;
  claim.since = now;
  claim.revision = claim.revision && (await replaced(kv, order, claim.value, claim.revision));
  if (claim.revision !== undefined) return;
  throw new EngineError('QUEUE_UNAVAILABLE', 'another engine has taken this order over', {
    retryable: true,
  });
}

/** What is seen of an order that was given before. */
type Seen =
  | { readonly result: unknown }
  /** `isOver`: nobody is at it any more. */
  | { readonly kept: Kept; readonly revision: number; readonly isOver: boolean };

/** Looks at an order again and again; who is at it keeps it by renewing its entry. */
function lookout(
  kv: KV,
  { order, patience }: Pick<Entry, 'order' | 'patience'>,
): () => Promise<Seen | undefined> {
  let waited = { revision: 0, limit: 0 };
  return async () => {
    const entry = await kv.get(order);
    if (entry?.operation !== 'PUT') return undefined;
    const { revision } = entry;
    const kept = entry.json<Kept>();
    if ('result' in kept) return { result: kept.result };
    const results = await resultsOf(kv, kept.batch);
    if (results !== undefined && Object.hasOwn(results, order)) return { result: results[order] };
    if (waited.revision !== revision) waited = { revision, limit: performance.now() + patience };
    // what a batch that has ended did not do is over with it
    const isOver = results !== undefined || isGone(kept.by) || performance.now() > waited.limit;
    return { kept, revision, isOver };
  };
}

/** The results of a batch that has ended. */
async function resultsOf(kv: KV, batch: string | undefined): Promise<Results | undefined> {
  const entry = batch === undefined ? null : await kv.get(batch);
  return entry?.operation === 'PUT' ? entry.json<Results>() : undefined;
}

function begunOf(kept: Kept): unknown {
  if ('begun' in kept) return kept.begun;
  // of an older version
  throw uncertain();
}

/** The revision under which an order has a name alone, if it has. */
async function own(kv: KV, name: string, order: string): Promise<number | undefined> {
  const mine = { by: order } satisfies Kept;
  const revision = await created(kv, name, mine);
  if (revision !== undefined) return revision;
  const entry = await kv.get(name);
  if (entry?.operation !== 'PUT') return undefined;
  const isFree =
    entry.json<Kept>().by === order || (await timeOf(kv)) - entry.created.getTime() >= DEAD;
  return isFree ? replaced(kv, name, mine, entry.revision) : undefined;
}

/** The server's clock, by which entries are dated, since those of engines differ; milliseconds since 1970, NaN if it does not say. */
async function timeOf(kv: KV): Promise<number> {
  const { streamInfo } = await kv.status();
  return streamInfo.ts === undefined ? Number.NaN : new Date(streamInfo.ts).getTime();
}

/** The revision of a new entry; undefined if there is one. Rejects if that cannot be determined. */
async function created(kv: KV, name: string, value: Kept): Promise<number | undefined> {
  try {
    return await kv.create(name, JSON.stringify(value));
  } catch (error) {
    const known = await kv.get(name);
    if (known === null) throw error;
    return undefined;
  }
}

/** The new revision of an entry; undefined if somebody else was faster. */
async function replaced(
  kv: KV,
  name: string,
  value: Kept,
  revision: number,
): Promise<number | undefined> {
  try {
    return await kv.update(name, JSON.stringify(value), revision);
  } catch (error) {
    const entry = await kv.get(name);
    if (entry?.revision === revision) throw error;
    return undefined;
  }
}

export const uncertain = (): EngineError =>
  new EngineError(
    'ORDER_UNCERTAIN',
    'this order was started before, and it is not known whether it was carried out: check before giving it again',
  );
