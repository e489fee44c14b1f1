import { background } from '../error/background.ts';

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

/**
 * Keeps the result of `get`. One older than `renewed` milliseconds is still given, at once, while it is fetched again,
 * up to an age of `atMost`: only the first caller waits, or one after a long time. A failure is not kept.
 */
export function lately<Value>(
  { renewed, atMost }: { readonly renewed: number; readonly atMost: number },
  get: () => Promise<Value>,
): Remembered<Value> {
  let known: { readonly value: Value; readonly at: number } | undefined;
  let asking: { readonly value: Promise<Value> } | undefined;
  const settle = async (asked: NonNullable<typeof asking>): Promise<void> => {
    // what was asked for before `forget` is not kept
    const isCurrent = (): boolean => asking === asked;
    try {
      const value = await asked.value;
      if (isCurrent()) known = { value, at: performance.now() };
    } catch {
      // the caller gets the error; where nobody waits, whoever asks next
      if (isCurrent()) known = undefined;
    } finally {
      if (isCurrent()) asking = undefined;
    }
  };
  const ask = (): NonNullable<typeof asking> => {
    if (asking !== undefined) return asking;
    asking = { value: get() };
    background(settle(asking), 'remembering an answer');
    return asking;
  };
  return {
    async get() {
      const age = known === undefined ? Number.POSITIVE_INFINITY : performance.now() - known.at;
      if (known === undefined || age >= atMost) return ask().value;
      if (age >= renewed) ask();
      return known.value;
    },
    forget() {
      known = undefined;
      asking = undefined;
    },
  };
}
