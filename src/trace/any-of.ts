import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { EngineError } from '../error/engine-error.ts';
import { keyValue } from './key-value.ts';
import { idIn, type QuickFindStore } from './quick-find.ts';
import { openKeyTest } from './shown-to.ts';
import type { TracePage, TraceQuery } from './trace-query.ts';
import type { FindOptions } from './trace-store.ts';
import { isOpenTo, isVisible } from './traced-message.ts';

/** The most texts of one list. */
export const TEXTS_LIMIT = 2_000;
/** The most messages that a list may stand for, of all times. */
const MOST = 100_000;
/** Sessions that one text may stand for: more have it than an id has. */
const SESSIONS = 10_000;
const AT_ONCE = 50;

/**
 * Searches for a list that somebody pasted: each text is the id of a message, or the value of any search field, which
 * stands for the messages of its sessions. What no message has is told with the page.
 */
export async function findAnyOf(
  { anyOf, ...query }: TraceQuery,
  { store, shown, signal }: { readonly store: QuickFindStore } & FindOptions,
  find: (query: TraceQuery) => Promise<TracePage>,
): Promise<TracePage> {
  if (anyOf === undefined) return find(query);
  const ids = new Set<number>();
  const missing: string[] = [];
  for (const [n, text] of anyOf.entries()) {
    if (n % AT_ONCE === AT_ONCE - 1) {
      await yieldToOthers();
      signal?.throwIfAborted();
    }
    const found = await idsOf(text, query.visible, { store, shown });
    if (found.length === 0) missing.push(text);
    for (const id of found) ids.add(id);
    if (ids.size > MOST) throw tooMany(`the list stands for more than ${MOST} messages`);
  }
  return { ...(await find({ ...query, ids: [...ids] })), missing };
}

async function idsOf(
  text: string,
  visible: TraceQuery['visible'],
  { store, shown }: { readonly store: QuickFindStore } & Pick<FindOptions, 'shown'>,
): Promise<number[]> {
  const id = idIn(text);
  const message = id === undefined ? undefined : await store.message(id);
  const ids = message !== undefined && isVisible(message, visible) ? [message.id] : [];
  const value = keyValue(text);
  if (value === '') return ids;
  let sessions = 0;
  for await (const { field, sessionId } of store.sessionsWith(value, SESSIONS)) {
    if (++sessions >= SESSIONS)
      throw tooMany(`${text} stands for ${SESSIONS} sessions or more and is no id`);
    const key = { name: field, value, prefix: false };
    const isOpen = openKeyTest([key], visible, { store, reader: shown?.keys });
    if (isOpen !== undefined && !(await isOpen(sessionId))) continue;
    const { messages } = await store.messages(sessionId);
    for (const one of messages) if (isOpenTo(one, visible)) ids.push(one.id);
  }
  return ids;
}

const tooMany = (what: string): EngineError =>
  new EngineError('QUERY_INVALID', `${what}: search by a field and a time instead`);
