import { createHash, randomUUID } from 'node:crypto';
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
  remember(key: string, entry: Remembered): void;
}

/**
 * Keys accepted within the window, in this engine. It only saves work and gives a repetition the
 * same ids; JetStream ensures through Nats-Msg-Id that a repetition is stored once, across restarts
 * and engines.
 */
export function duplicateMemory(window: number, limit = 100_000): DuplicateMemory {
  const entries = new Map<string, Remembered & { readonly at: number }>();
  return {
    find(key) {
      const entry = entries.get(key);
      return entry !== undefined && Date.now() - entry.at <= window ? entry : undefined;
    },
    remember(key, entry) {
      entries.delete(key);
      entries.set(key, Object.assign(entry, { at: Date.now() }));
      for (const [old, { at }] of entries) {
        if (entries.size <= limit && Date.now() - at <= window) break;
        entries.delete(old);
      }
    },
  };
}

/**
 * The key that JetStream stores only once: a hash of the service, the sender's own id and the body.
 * Without an id from the sender, two equal bodies are two messages, so the key is random.
 */
export function firstKey(service: string, dedupeKey: string | undefined, body: Uint8Array): string {
  if (dedupeKey === undefined) return randomUUID();
  return createHash('sha256')
    .update(`${service}\0${dedupeKey}\0`)
    .update(body)
    .digest('base64url')
    .slice(0, 24);
}
