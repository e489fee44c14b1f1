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
