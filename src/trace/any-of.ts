import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { EngineError } from '../error/engine-error.ts';
import { type KeyMatch, keyValue } from './key-value.ts';
import { hasOwn, holdingOthers } from './others.ts';
import { idIn, type QuickFindStore } from './quick-find.ts';
import { isUnplacedPart, type ScopeId } from './scope.ts';
import { openKeyTest } from './shown-to.ts';
import type { TracePage, TraceQuery } from './trace-query.ts';
import type { FindOptions } from './trace-store.ts';
import { isOpenTo, isVisible, type TracedMessage } from './traced-message.ts';

/** The most texts of one list. */
export const TEXTS_LIMIT = 2_000;
/** The most messages that a list may stand for, of all times. */
const MOST = 100_000;
/** Scopes that one text may stand for: more have it than an id has. */
const SCOPES = 10_000;
const AT_ONCE = 50;

/**
 * Searches for a list that somebody pasted: each text is the id of a message, or the value of any search field, which
 * stands for the messages that are found by it. What no message has is told with the page.
 */
export async function findAnyOf(
  { anyOf, ...query }: TraceQuery,
  { store, shown, signal }: { readonly store: QuickFindStore } & FindOptions,
  find: (query: TraceQuery) => Promise<TracePage>,
): Promise<TracePage> {
  if (anyOf === undefined) return find(query);
  const ids = new Set<number>();
  const shared = new Set<number>();
  const missing: string[] = [];
  for (const [n, text] of anyOf.entries()) {
    if (n % AT_ONCE === AT_ONCE - 1) {
      await yieldToOthers();
      signal?.throwIfAborted();
    }
    const found = await foundBy(text, query.visible, { store, shown });
    if (found.ids.length === 0) missing.push(text);
    for (const id of found.ids) ids.add(id);
    for (const id of found.shared) shared.add(id);
    if (ids.size > MOST) throw tooMany(`the list stands for more than ${MOST} messages`);
  }
  const page = await find({ ...query, ids: [...ids] });
  const listed = page.items.flatMap(({ id }) => (shared.has(id) ? [id] : []));
  return { ...page, missing, ...(listed.length === 0 ? {} : { shared: listed }) };
}

interface FoundBy {
  readonly ids: readonly number[];
  /** Those that hold more than the value. */
  readonly shared: readonly number[];
}

async function foundBy(
  text: string,
  visible: TraceQuery['visible'],
  { store, shown }: { readonly store: QuickFindStore } & Pick<FindOptions, 'shown'>,
): Promise<FoundBy> {
  const ids = await idOf(text, visible, store);
  const shared: number[] = [];
  const value = keyValue(text);
  if (value === '') return { ids, shared };
  let scopes = 0;
  for await (const { field, scope } of store.scopesWith(value, SCOPES)) {
    if (++scopes >= SCOPES)
      throw tooMany(`${text} stands for ${SCOPES} sessions or more and is no id`);
    const keys = [{ name: field, value, prefix: false }];
    const isOpen = openKeyTest(keys, visible, { store, reader: shown?.keys });
    if (isOpen !== undefined && !(await isOpen(scope))) continue;
    const found = await messagesOf(scope, keys, { store, visible });
    ids.push(...found.map((one) => one.id));
    if (ids.length > MOST) break;
    shared.push(...(await holdingOthers(found, keys, store)));
  }
  return { ids, shared };
}

async function idOf(
  text: string,
  visible: TraceQuery['visible'],
  store: QuickFindStore,
): Promise<number[]> {
  const id = idIn(text);
  const message = id === undefined ? undefined : await store.message(id);
  return message !== undefined && isVisible(message, visible) ? [message.id] : [];
}

/** The messages that are found by a scope and its key. */
async function messagesOf(
  scope: ScopeId,
  keys: readonly KeyMatch[],
  { store, visible }: { readonly store: QuickFindStore } & Pick<TraceQuery, 'visible'>,
): Promise<readonly TracedMessage[]> {
  const { messages } = await store.messages(scope, MOST + 1);
  const found: TracedMessage[] = [];
  for (const one of messages) {
    const isHit = !isUnplacedPart(one) || (await hasOwn(one, keys, store));
    if (isHit && isOpenTo(one, visible)) found.push(one);
  }
  return found;
}

const tooMany = (what: string): EngineError =>
  new EngineError('QUERY_INVALID', `${what}: search by a field and a time instead`);
