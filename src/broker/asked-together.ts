import { setImmediate as yieldToOthers } from 'node:timers/promises';

/**
 * Answers many questions with few requests: what is asked while a request runs, or in the same turn,
 * is asked together.
 */
export function askedTogether<Key, Value>(
  ask: (keys: readonly Key[]) => Promise<ReadonlyMap<Key, Value>>,
): (key: Key) => Promise<Value | undefined> {
  let collected: Key[] = [];
  let next: Promise<ReadonlyMap<Key, Value>> | undefined;
  let running: Promise<unknown> = Promise.resolve();
  const begin = async (before: Promise<unknown>): Promise<ReadonlyMap<Key, Value>> => {
    // those who asked before got its error
    await Promise.allSettled([before, yieldToOthers()]);
    const keys = collected;
    collected = [];
    next = undefined;
    return ask(keys);
  };
  return async (key) => {
    collected.push(key);
    next ??= running = begin(running);
    return (await next).get(key);
  };
}
