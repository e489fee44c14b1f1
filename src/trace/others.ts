import type { KeyMatch } from './key-value.ts';
import { isUnplacedPart } from './scope.ts';
import { missingIn, type ScopeReader } from './shown-to.ts';
import type { TracedMessage } from './traced-message.ts';

/** The longest way up from a branch. */
const STEPS = 100;

/**
 * Which of the found messages hold more than what was searched for: a file with many patients, of which one was
 * meant. Who acts on what was found must not act on the others: these messages were split into branches
 * that do not have the keys, or several messages were made into them.
 */
export async function holdingOthers(
  items: readonly TracedMessage[],
  keys: readonly KeyMatch[],
  store: ScopeReader,
): Promise<readonly number[]> {
  if (keys.length === 0) return [];
  const wholes = items.filter((one) => !isUnplacedPart(one));
  const sessions = new Map<number, number>();
  for (const { id, sessionId } of wholes)
    sessions.set(sessionId, Math.min(id, sessions.get(sessionId) ?? id));
  const branches = await store.branchesWithout(keys, sessions);
  const sources = new Set<number>();
  for (const { parentId } of branches) await addWay(sources, parentId, store);
  const split = new Set(branches.map(({ sessionId }) => sessionId));
  const found: number[] = [];
  for (const one of wholes) {
    const { id, joins = 1, branch, sessionId } = one;
    const isWhole = joins > 1 || sources.has(id);
    if (isWhole) found.push(id);
    else if (branch === undefined && split.has(sessionId) && (await hasSeveral(one, keys, store)))
      found.push(id);
  }
  return found;
}

/** The message and those it was made from. */
async function addWay(sources: Set<number>, from: number, store: ScopeReader): Promise<void> {
  let at: number | undefined = from;
  for (let step = 0; step < STEPS && at !== undefined && !sources.has(at); step++) {
    sources.add(at);
    at = (await store.message(at))?.parentId;
  }
}

/** Whether its own body has another value of such a search field. */
async function hasSeveral(
  { id, hasBody }: TracedMessage,
  keys: readonly KeyMatch[],
  store: ScopeReader,
): Promise<boolean> {
  const body = hasBody ? await store.body(id) : undefined;
  if (body === undefined) return false;
  const own = await store.ownKeys(body);
  return keys.some(({ name }) => own.filter((one) => one.name === name).length > 1);
}

/** Whether the own body of a part has all keys; those of its session say nothing about it. */
export async function hasOwn(
  { id, hasBody }: TracedMessage,
  keys: readonly KeyMatch[],
  store: ScopeReader,
): Promise<boolean> {
  const body = hasBody ? await store.body(id) : undefined;
  return body !== undefined && missingIn(await store.ownKeys(body), keys).length === 0;
}
