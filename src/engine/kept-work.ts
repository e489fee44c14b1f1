import type { Subscribers } from '../adapter/subscribers.ts';
import { records } from '../broker/records.ts';
import {
  type BatchBrief,
  type CloseBatch,
  keyIdOf,
  type Listed,
  type ListedOn,
  type RemoveState,
  type StateBrief,
  type StatesOf,
  type SubscriberBrief,
  type SubscribersOf,
  type TurnSubscriber,
  type WaitBrief,
} from '../control/orders.ts';
import type { Definition } from '../definition/definition.ts';
import { EngineError } from '../error/engine-error.ts';
import type { Batch, Batches, ClosedBatch } from '../flow/batch.ts';
import { countOf, firstOf, sizeOf } from '../flow/batch-pieces.ts';
import { wakeAtOnce } from '../flow/collect.ts';
import type { Mailbox } from '../flow/mailbox.ts';
import { current, type StoredState, statePlace } from '../flow/shared-state.ts';
import { changeBatches } from '../flow/stored-batches.ts';
import { systemClock } from '../time/clock.ts';
import { pause } from '../time/pause.ts';
import type { Engine } from './engine.ts';

type Kept = Pick<Engine, 'keyed'>;

/** Entries of one list: it has to fit into an answer. */
const LISTED = 1_000;

/** Messages that wait for others, and those that came too early. */
export async function waitsOf({ keyed }: Kept): Promise<Listed<WaitBrief>> {
  const items: WaitBrief[] = [];
  for await (const { value, place } of keyed.all<Mailbox>('mail')) {
    const { host, key } = place;
    for (const { message, when, until } of value.waiters)
      items.push({ host, key, message, state: 'waits', when, until });
    for (const { id, until } of value.early)
      items.push({ host, key, message: id, state: 'early', until });
    if (items.length > LISTED) return { items: items.slice(0, LISTED), cut: true };
  }
  return { items, cut: false };
}

/** What messages share: a key that was removed or whose time is over is not listed. */
export async function statesOf(
  { keyed }: Kept,
  { key, keyId }: StatesOf,
): Promise<Listed<StateBrief>> {
  if (key !== undefined) {
    const { value } = await keyed.read<StoredState>(statePlace(key));
    return { items: value === undefined ? [] : briefOf(key, value), cut: false };
  }
  const items: StateBrief[] = [];
  for await (const { value, place } of keyed.all<StoredState>('state')) {
    if (keyId !== undefined && keyIdOf(place.key) !== keyId) continue;
    if (items.length === LISTED) return { items, cut: true };
    items.push(...briefOf(place.key, value));
  }
  return { items, cut: false };
}

function briefOf(key: string, stored: StoredState): StateBrief[] {
  const value = current(stored);
  if (value === undefined) return [];
  const { at, until, by } = stored;
  return [{ key, bytes: Buffer.byteLength(JSON.stringify(value)), at, until, by }];
}

/** Without a value if there is none. */
export async function stateValue(
  { keyed }: Kept,
  key: string,
): Promise<{ readonly value?: unknown }> {
  const { value } = await keyed.read<StoredState>(statePlace(key));
  return { value: current(value) };
}

/** How often it is tried while messages change it. */
const TRIES = 10;

/** Removes shared state as a person ordered, and tells of it; the key may name a patient and is not told. */
export async function removeState(
  { keyed, outcomes }: Pick<Engine, 'keyed' | 'outcomes'>,
  { key, by }: RemoveState,
): Promise<{ readonly removed: boolean }> {
  const place = statePlace(key);
  for (let tries = 0; tries < TRIES; tries++) {
    const found = await keyed.read<StoredState>(place);
    if (found.value === undefined) return { removed: false };
    if (!(await keyed.replace(place, found, undefined))) continue;
    const { host } = found.value.by;
    const at = systemClock.now();
    const text = `shared state was removed by ${by}`;
    await outcomes.append({
      record: { kind: 'host', host, event: 'state-removed', level: 'info', at, text, by },
    });
    return { removed: true };
  }
  throw new EngineError('QUEUE_UNAVAILABLE', 'messages change this state all the time; try again', {
    retryable: true,
  });
}

/** What is collected and not made yet, by host and key. */
export async function batchesOf({ keyed }: Pick<Engine, 'keyed'>): Promise<BatchBrief[]> {
  const found: BatchBrief[] = [];
  for await (const { value, place } of keyed.all<Batches>('batch')) {
    const { host, key } = place;
    const open: (Batch & Partial<Pick<ClosedBatch, 'why'>>)[] =
      value.open === undefined ? [] : [value.open];
    for (const batch of [...value.closed, ...open]) {
      const { since, until, why: closed } = batch;
      const [parts, bytes] = [countOf(batch), sizeOf(batch)];
      found.push({ host, key, parts, bytes, since, until, closed });
    }
  }
  return found;
}

/** How long a part that is just being stored is waited for, in milliseconds. */
const PATIENCE = 5_000;
const LOOK_EVERY = 100;

/** Makes the message of what is collected under a key now, or discards it. Throws NOT_FOUND if there is nothing. */
export async function closeBatch(
  { keyed, waiting, outcomes }: Pick<Engine, 'keyed' | 'waiting' | 'outcomes'>,
  { host, key, discard, by }: CloseBatch,
): Promise<{ readonly parts: number }> {
  const at = systemClock.now();
  let closer: number | undefined;
  let parts = 0;
  await changeBatches(keyed, { host, key }, (before) => {
    const { open } = before;
    closer = open && firstOf(open);
    parts = open === undefined ? 0 : countOf(open);
    if (open === undefined || closer === undefined) return before;
    const discardedBy = discard ? by : undefined;
    return { closed: [...before.closed, { ...open, closer, at, why: 'order', discardedBy }] };
  });
  if (closer === undefined) {
    throw new EngineError('NOT_FOUND', `${host} collects nothing under this key`);
  }
  const what = discard ? 'discarded' : 'released';
  const text = `${parts} collected messages were ${what} by ${by}`;
  await outcomes.append({
    record: { kind: 'host', host, event: `batch-${what}`, level: 'info', at, text, by },
  });
  for (const limit = performance.now() + PATIENCE; !(await wakeAtOnce(waiting, host, closer)); ) {
    if (performance.now() > limit) throw busy();
    await pause(LOOK_EVERY);
  }
  return { parts };
}

const busy = (): EngineError =>
  new EngineError(
    'QUEUE_UNAVAILABLE',
    'messages come for this key all the time, or their host is stopped; it is made within 20 minutes of being on',
    { retryable: true },
  );

/** Reading all of them takes as long as they are many. */
const LIMIT = 30_000;

/**
 * Who has subscribed to what, those in trouble first: a part of the list, from behind the one that an earlier part names as its
 * last. Who gets into trouble meanwhile moves forward, and may be missed or come twice. The operations that keep them need not run.
 */
export async function subscribersOf(
  { keyed }: Kept,
  definition: Definition,
  { host: only, hosts, after }: SubscribersOf = {},
): Promise<ListedOn<SubscriberBrief>> {
  const all: SubscriberBrief[] = [];
  for (const host of only === undefined ? definition.operations.keys() : [only]) {
    if (hosts?.includes(host) === false) continue;
    const found = await keptBy({ keyed }, definition, host)?.list();
    all.push(...(found ?? []).map((one) => ({ ...one, host })));
  }
  const sorted = all
    .map((one) => ({ one, place: placeOf(one) }))
    .toSorted((a, b) => (a.place < b.place ? -1 : 1));
  const rest = after === undefined ? sorted : sorted.filter(({ place }) => place > after);
  const items = rest.slice(0, LISTED);
  const cut = rest.length > LISTED;
  return { items: items.map(({ one }) => one), cut, next: cut ? items.at(-1)?.place : undefined };
}

/** Switches a subscriber off or on. Throws NOT_FOUND if it is not there any more. */
export async function turnSubscriber(
  { keyed, outcomes }: Pick<Engine, 'keyed' | 'outcomes'>,
  definition: Definition,
  { host, id, on, by }: TurnSubscriber,
): Promise<void> {
  const kept = keptBy({ keyed }, definition, host);
  if (kept === undefined) {
    throw new EngineError('NOT_FOUND', `no operation ${host} keeps subscribers`);
  }
  if (!(await kept.turn(id, on))) {
    throw new EngineError('NOT_FOUND', `${host} has no subscriber ${id} any more`);
  }
  const at = systemClock.now();
  const text = `subscriber ${id} was switched ${on ? 'on' : 'off'} by ${by}`;
  await outcomes.append({
    record: { kind: 'host', host, event: 'subscriber-switched', level: 'info', at, text, by },
  });
}

function keptBy(
  { keyed }: Kept,
  { operations }: Definition,
  host: string,
): Subscribers | undefined {
  const operation = operations.get(host);
  return operation?.adapter.subscribers?.({
    settings: operation.settings,
    records: (realm) => records(keyed, realm),
    signal: AbortSignal.timeout(LIMIT),
  });
}

/** By this text they are in order. */
const placeOf = (one: SubscriberBrief): string => [rank(one), one.host, one.id].join(' ');

function rank({ state, failures }: SubscriberBrief): number {
  if (state === 'error') return 0;
  if (failures > 0) return 1;
  return state === 'off' ? 3 : 2;
}
