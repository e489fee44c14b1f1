import { timeOfId } from '../message/id.ts';
import { keyValue } from './key-value.ts';
import type { ScopeId } from './scope.ts';
import { openKeyTest, type ScopeReader } from './shown-to.ts';
import type { QuickHit } from './trace-query.ts';
import type { QuickFindOptions } from './trace-store.ts';
import { isVisible, type TracedMessage } from './traced-message.ts';

/** A scope that has a value in a search field. */
export interface KeyHit {
  readonly field: string;
  readonly scope: ScopeId;
}

/** Scopes of one value that are looked at, at most. */
const KEY_HITS = 100;

/** What is needed from a store to find a pasted text. */
export interface QuickFindStore extends ScopeReader {
  /** Newest first; of a file, or of the database, `most` at most. */
  scopesWith(value: string, most: number): Iterable<KeyHit> | AsyncIterable<KeyHit>;
}

/** Looks for an id, or the exact value of any search field. */
export async function quickFind(
  text: string,
  store: QuickFindStore,
  { visible, shown, limit = 20 }: QuickFindOptions = {},
): Promise<QuickHit[]> {
  const id = idIn(text);
  const found = id === undefined ? undefined : await store.message(id);
  const hits = found !== undefined && isVisible(found, visible) ? hitsOf(found) : [];
  const value = keyValue(text);
  if (value === '') return hits;
  for await (const { field, scope } of store.scopesWith(value, KEY_HITS)) {
    if (hits.length >= limit) break;
    const key = { name: field, value, prefix: false };
    const isOpen = openKeyTest([key], visible, { store, reader: shown?.keys });
    if (isOpen !== undefined && !(await isOpen(scope))) continue;
    hits.push({ kind: 'field', field, at: timeOfId(scope), ...(await placeOf(scope, store)) });
  }
  return hits;
}

/** A branch is shown in its session, by its first message. */
async function placeOf(
  scope: ScopeId,
  store: QuickFindStore,
): Promise<Pick<QuickHit, 'sessionId' | 'messageId'>> {
  const first = await store.message(scope);
  if (first?.branch !== scope || first.sessionId === scope) return { sessionId: scope };
  return { sessionId: first.sessionId, messageId: scope };
}

function hitsOf({ id, sessionId, created: at }: TracedMessage): QuickHit[] {
  const hit: QuickHit = { kind: 'message', sessionId, messageId: id, at };
  return id === sessionId ? [{ kind: 'session', sessionId, at }, hit] : [hit];
}

/** The message or session id that a pasted text may be: digits, perhaps with spaces or dots. */
export function idIn(text: string): number | undefined {
  const digits = text.trim().replace(/[\s.]/g, '');
  if (!/^\d{4,16}$/.test(digits)) return undefined;
  const id = Number(digits);
  return Number.isSafeInteger(id) ? id : undefined;
}
