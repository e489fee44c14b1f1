/**
 * The bytes of a message. A small body is held in memory (`inline`); one above the production's
 * `inlineLimit` is in the object store and is read from there each time.
 */
export interface Body {
  /** Bytes. */
  readonly size: number;
  /** The bytes, if they are in memory. */
  readonly inline: Uint8Array | undefined;
  /** All bytes in memory. For a large body this is expensive: prefer `stream`. */
  bytes(): Promise<Uint8Array>;
  /** The bytes in order, in chunks, with back-pressure. */
  stream(): AsyncIterable<Uint8Array>;
}

/** A body in memory. */
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

/** At least so many bytes from the front, in whole chunks, or all of a shorter body. */
export async function frontOf(body: Body, enough: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body.stream()) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size >= enough) break;
  }
  return Buffer.concat(chunks);
}
