import type { WaitingRoom } from '../broker/waiting-room.ts';
import type { CloseBatch } from '../control/orders.ts';
import type { Definition } from '../definition/definition.ts';
import { background } from '../error/background.ts';
import { EngineError, isEngineError } from '../error/engine-error.ts';
import { type Batches, withoutParts } from '../flow/batch.ts';
import { countOf, partsOf } from '../flow/batch-pieces.ts';
import { wakeAtOnce } from '../flow/collect.ts';
import { batchPlace, changeBatches, pieceReader } from '../flow/stored-batches.ts';
import type { Events } from '../log/events.ts';
import { systemClock } from '../time/clock.ts';
import type { Director } from './director.ts';
import { endQueued } from './end-queued.ts';
import type { Engine } from './engine.ts';

/*
 * What a process collected that no longer collects, since the production was changed: nobody makes a message of it. Its
 * parts come back one by one when their time comes, if the process is there, and otherwise wait.
 */

/** How many parts are looked for, woken or ended at once. */
const AT_ONCE = 32;
/** With more of them an order is carried out after it was answered. */
const SOON = 1_000;

type Kept = Pick<Engine, 'keyed' | 'waiting'>;

export const collects = ({ processes }: Definition, host: string): boolean =>
  processes.get(host)?.collect !== undefined;

/** Lets the parts that were collected under a key go on one by one, or discards them. Throws NOT_FOUND if there are none. */
export async function closeLeft(
  engine: Engine,
  director: Director,
  { host, key, discard, by }: CloseBatch,
): Promise<{ readonly parts: number }> {
  const { keyed, waiting, outcomes } = engine;
  const { value } = await keyed.read<Batches>(batchPlace(host, key));
  const ids = value === undefined ? [] : await idsIn(engine, host, value);
  if (ids.length === 0)
    throw new EngineError('NOT_FOUND', `${host} collects nothing under this key`);
  if (!discard && !director.hasQueue(host)) {
    throw new EngineError(
      'HOST_UNKNOWN',
      `the production has no process ${host} that could go on with what it collected: discard it, or give the production this process again`,
    );
  }
  const order = { status: 'discarded', by, reason: 'discarded with what was collected' } as const;
  const one = async (id: number): Promise<unknown> => {
    if (!discard) return wakeAtOnce(waiting, host, id);
    return endQueued(engine, director, { message: { id, target: host }, ...order }).catch(
      unlessGone,
    );
  };
  const carryOut = async (): Promise<void> => {
    for (let at = 0; at < ids.length; at += AT_ONCE)
      await Promise.all(ids.slice(at, at + AT_ONCE).map(one));
    // last: until then the order can be given again
    await forget(engine, { host, key }, ids);
    const what = discard ? 'discarded' : 'released';
    const text = `${ids.length} collected messages were ${what} by ${by}`;
    const at = systemClock.now();
    await outcomes.append({
      record: { kind: 'host', host, event: `batch-${what}`, level: 'info', at, text, by },
    });
  };
  const carrying = carryOut();
  if (ids.length > SOON) background(carrying, 'ending what was collected');
  else await carrying;
  return { parts: ids.length };
}

/** Removes lists of which no part waits any more. @returns how many */
export async function sweepLeft(
  kept: Kept,
  isCollecting: (host: string) => boolean,
  signal?: AbortSignal,
): Promise<number> {
  let removed = 0;
  for await (const { value, place } of kept.keyed.all<Batches>('batch', signal)) {
    if (isCollecting(place.host)) continue;
    const ids = await idsIn(kept, place.host, value);
    if (await anyWaits(kept.waiting, place.host, ids)) continue;
    await forget(kept, place, ids);
    removed += 1;
  }
  return removed;
}

/** Tells of what processes collected that are there and collect no longer; of what waits for others `queue-left` tells. */
export async function tellLeftBatches(
  { keyed }: Pick<Engine, 'keyed'>,
  {
    events,
    isLeft,
  }: { readonly events: Pick<Events, 'told'>; readonly isLeft: (host: string) => boolean },
): Promise<void> {
  const left = new Map<string, { parts: number; until: number }>();
  for await (const { value, place } of keyed.all<Batches>('batch')) {
    if (!isLeft(place.host)) continue;
    const of = left.get(place.host) ?? { parts: 0, until: 0 };
    for (const batch of [...value.closed, ...(value.open === undefined ? [] : [value.open])]) {
      of.parts += countOf(batch);
      of.until = Math.max(of.until, batch.until);
    }
    left.set(place.host, of);
  }
  for (const [host, { parts, until }] of left) {
    const text = `${parts} messages that ${host} collected are not made into one: it no longer collects. Each goes on by itself when its time comes, the last after ${new Date(until).toISOString()}. Release or discard them now with waybill batches, or in the console.`;
    events.told(host, 'warn', 'batch-left', text);
  }
}

async function idsIn(
  { keyed }: Pick<Engine, 'keyed'>,
  host: string,
  { open, closed }: Batches,
): Promise<number[]> {
  const lists = open === undefined ? closed : [...closed, open];
  const all = await Promise.all(lists.map((list) => partsOf(list, pieceReader(keyed, host))));
  return all.flat().map(({ id }) => id);
}

async function anyWaits(
  waiting: Pick<WaitingRoom, 'find'>,
  host: string,
  ids: readonly number[],
): Promise<boolean> {
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const some = ids.slice(at, at + AT_ONCE);
    const found = await Promise.all(some.map((id) => waiting.find(host, id)));
    if (found.some((one) => one !== undefined)) return true;
  }
  return false;
}

/** An engine that still collects may have added others meanwhile: those stay. */
async function forget(
  { keyed }: Pick<Engine, 'keyed'>,
  place: { readonly host: string; readonly key: string },
  ids: readonly number[],
): Promise<void> {
  const gone = new Set(ids);
  await changeBatches(keyed, place, (before, pieces) => withoutParts(before, gone, pieces));
}

/** Somebody else has ended it, or it went on. */
function unlessGone(error: unknown): void {
  if (!isEngineError(error) || error.code !== 'NOT_FOUND') throw error;
}
