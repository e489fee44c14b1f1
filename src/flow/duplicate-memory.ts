import type { Answer } from '../broker/answers.ts';

/** What is remembered about a recently accepted message. */
export interface Remembered {
  readonly sessionId: number;
  readonly messageId: number;
  /** Whether all of it is stored; while false, a repetition uses its ids and stores what is missing. */
  stored: boolean;
  /** The answer it got, if no queue gave it. */
  answer?: Answer | undefined;
}

export interface DuplicateMemory {
  find(key: string): Remembered | undefined;
  /** Begins the key's time anew. */
  remember(key: string, entry: Remembered): void;
  /** What was remembered is stored by now, and has the answer that it will have. */
  stored(key: string, entry: Remembered): void;
}

/**
 * Keys accepted within the window, in this engine. It only saves work and gives a repetition the
 * same ids; JetStream ensures through Nats-Msg-Id that a repetition is stored once, across restarts
 * and engines.
 *
 * In a flood it holds all of its keys: an object for each would be 17 MB, so of what is stored only three numbers are kept.
 */
export function duplicateMemory(window: number, limit = 100_000): DuplicateMemory {
  /** Oldest first: what is not stored yet or has an answer of its own, else its place among the numbers. */
  const entries = new Map<string, (Remembered & { readonly at: number }) | number>();
  const numbers = numberRows();
  const timeOf = (value: number | { readonly at: number }): number =>
    typeof value === 'number' ? numbers.row(value).at : value.at;
  const isOver = (value: number | { readonly at: number }): boolean =>
    performance.now() - timeOf(value) > window;
  const forget = (key: string): void => {
    const value = entries.get(key);
    if (typeof value === 'number') numbers.remove(value);
    entries.delete(key);
  };
  return {
    find(key) {
      const value = entries.get(key);
      if (value === undefined || isOver(value)) return undefined;
      return typeof value === 'number' ? { ...numbers.row(value), stored: true } : value;
    },
    remember(key, entry) {
      forget(key);
      entries.set(key, Object.assign(entry, { at: performance.now() }));
      for (const [old, value] of entries) {
        if (entries.size <= limit && !isOver(value)) break;
        forget(old);
      }
    },
    stored(key, entry) {
      entry.stored = true;
      const value = entries.get(key);
      // forgotten or replaced meanwhile, or not to be said with numbers
      if (value !== entry || entry.answer !== undefined || typeof value === 'number') return;
      entries.set(key, numbers.add(value.messageId, value.sessionId, value.at));
    },
  };
}

interface Row {
  readonly messageId: number;
  readonly sessionId: number;
  readonly at: number;
}

const FIRST = 3 * 256;

/** Three numbers a row, 24 bytes; the place of one that was removed is used again. */
function numberRows(): {
  add(messageId: number, sessionId: number, at: number): number;
  row(place: number): Row;
  remove(place: number): void;
} {
  let free: number[] = [];
  let rows = new Float64Array(FIRST);
  let count = 0;
  return {
    add(messageId, sessionId, at) {
      const place = free.pop() ?? count++;
      if (3 * place === rows.length) {
        const more = new Float64Array(2 * rows.length);
        more.set(rows);
        rows = more;
      }
      rows[3 * place] = messageId;
      rows[3 * place + 1] = sessionId;
      rows[3 * place + 2] = at;
      return place;
    },
    row: (place) => ({
      messageId: rows[3 * place] ?? 0,
      sessionId: rows[3 * place + 1] ?? 0,
      at: rows[3 * place + 2] ?? 0,
    }),
    remove(place) {
      free.push(place);
      if (free.length < count) return;
      // a flood is over, and so is what it needed
      free = [];
      count = 0;
      rows = new Float64Array(FIRST);
    },
  };
}
