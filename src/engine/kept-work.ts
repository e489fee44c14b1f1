import {
  keyIdOf,
  type Listed,
  type StateBrief,
  type StatesOf,
  type WaitBrief,
} from '../control/orders.ts';
import type { Mailbox } from '../flow/mailbox.ts';
import { current, type StoredState, statePlace } from '../flow/shared-state.ts';
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
