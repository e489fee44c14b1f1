import { background } from '../error/background.ts';
import { toldElsewhere } from '../error/foreseen.ts';

/** A value that is costly to get and may be somewhat old. */
export interface Remembered<Value> {
  /** The value, fetched again if it is older than allowed; concurrent callers share one fetch. */
  get(): Promise<Value>;
  /** Makes the next `get` fetch again. */
  forget(): void;
}

/** Keeps the result of `get` for `fresh` milliseconds. A failure is not kept. */
export function remembered<Value>(fresh: number, get: () => Promise<Value>): Remembered<Value> {
  let last: { readonly value: Promise<Value>; at: number } | undefined;
  const settle = async (asked: NonNullable<typeof last>): Promise<void> => {
    try {
      await asked.value;
      asked.at = performance.now();
    } catch {
      // the caller gets the error
      if (last === asked) last = undefined;
    }
  };
  return {
    get() {
      if (last !== undefined && performance.now() - last.at < fresh) return last.value;
      const asked = { value: get(), at: Number.POSITIVE_INFINITY };
      last = asked;
      background(settle(asked), 'remembering an answer');
      return asked.value;
    },
    forget() {
      last = undefined;
    },
  };
}

/** How much older than allowed a value may be that is given while a newer one is fetched. */
const AT_MOST = 10;

/**
 * Keeps the result of `get`. An older one than `fresh` milliseconds is still given, at once, while it is fetched again:
 * only the first caller waits, or one after a long time. A failure is not kept.
 */
export function lately<Value>(fresh: number, get: () => Promise<Value>): () => Promise<Value> {
  let known: { readonly value: Value; readonly at: number } | undefined;
  let asking: Promise<Value> | undefined;
  const asked = async (): Promise<Value> => {
    try {
      const value = await get();
      known = { value, at: performance.now() };
      return value;
    } catch (error) {
      known = undefined;
      throw error;
    } finally {
      asking = undefined;
    }
  };
  const ask = (): Promise<Value> => (asking ??= asked());
  return async () => {
    const age = known === undefined ? Number.POSITIVE_INFINITY : performance.now() - known.at;
    if (known === undefined || age >= AT_MOST * fresh) return ask();
    // the next caller gets the error
    if (age >= fresh) background(ask().catch(toldElsewhere), 'fetching what was asked for lately');
    return known.value;
  };
}
