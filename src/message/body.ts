/**
 * The bytes of a message. A small body is held in memory (`inline`); one above the production's
 * `inlineLimit` lies in the object store and is read from there each time it is asked for.
 */
export interface Body {
  /** Bytes. */
  readonly size: number;
  /** The bytes, where they are in memory. */
  readonly inline: Uint8Array | undefined;
  /** All bytes in memory. Of a large body this is costly: prefer `stream`. */
  bytes(): Promise<Uint8Array>;
  /** The bytes in order, in chunks, with back-pressure. */
  stream(): AsyncIterable<Uint8Array>;
}

/** A body held in memory. */
export function inlineBody(inline: Uint8Array): Body {
  return {
    size: inline.byteLength,
    inline,
    bytes: () => Promise.resolve(inline),
    async *stream() {
      yield inline;
    },
  };
}
