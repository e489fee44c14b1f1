import type { Message } from '../message/message.ts';

/** Called for a message that this engine has just stored in the stream. */
export type HandedOver = (sequence: number, message: Message) => void;

/**
 * Messages that this engine stored in a strict line which it works on itself: the worker gets them
 * here as soon as they are stored, instead of waiting until the server delivers them. What others
 * stored, and what does not fit, it gets from the server.
 */
export interface HandOffs {
  /** Call it when a message is stored, before anything else happens. */
  offer(stream: string, sequence: number, message: Message): void;
  /** @returns ends it */
  join(stream: string, take: HandedOver): () => void;
  /** Whether so many bytes may be held in memory until they are settled; give them back with `free`. */
  hold(bytes: number): boolean;
  free(bytes: number): void;
}

/** Bytes of all lines together: a line whose receiver is away must not fill the memory. */
const LIMIT = 16 * 1024 * 1024;

export function handOffs(limit = LIMIT): HandOffs {
  const lines = new Map<string, HandedOver>();
  let held = 0;
  return {
    offer: (stream, sequence, message) => lines.get(stream)?.(sequence, message),
    join(stream, take) {
      lines.set(stream, take);
      return () => {
        if (lines.get(stream) === take) lines.delete(stream);
      };
    },
    hold(bytes) {
      if (held + bytes > limit) return false;
      held += bytes;
      return true;
    },
    free(bytes) {
      held -= bytes;
    },
  };
}
