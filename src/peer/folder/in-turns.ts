import { setImmediate as yieldToOthers } from 'node:timers/promises';

const AT_ONCE = 4_000;

/** Those that fit, in order, with the work of others in between: a folder may hold a million files. */
export async function filterInTurns<Item>(
  items: readonly Item[],
  fits: (item: Item) => boolean,
): Promise<Item[]> {
  const found: Item[] = [];
  for (let at = 0; at < items.length; at += AT_ONCE) {
    if (at > 0) await yieldToOthers();
    found.push(...items.slice(at, at + AT_ONCE).filter(fits));
  }
  return found;
}
