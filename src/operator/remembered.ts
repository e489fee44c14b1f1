import { background } from '../error/background.ts';
/** A value that is costly to get and may be some time old. */
export interface Remembered<Value> {
  /** The value, got anew if it is older than allowed; who comes meanwhile waits for the same. */
  get(): Promise<Value>;
  /** The next `get` asks anew. */
  forget(): void;
}

/** Keeps what `get` gave for `fresh` milliseconds. A failure is not kept. */
export function remembered<Value>(fresh: number, get: () => Promise<Value>): Remembered<Value> {
  let last: { readonly value: Promise<Value>; at: number } | undefined;
  const settle = async (asked: NonNullable<typeof last>): Promise<void> => {
    try {
      await asked.value;
      asked.at = performance.now();
    } catch {
      // who asked for it is told
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
