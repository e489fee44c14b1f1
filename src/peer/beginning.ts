/** The beginning of a stream of bytes. */
export interface Beginning {
  readonly head: Buffer;
  /** Whether the stream has no more than that. */
  readonly ended: boolean;
}

/**
 * Reads at least `enough` bytes of a stream, unless it ends before that. The rest can still be read
 * from `chunks`, unless this throws.
 */
export async function beginning(
  chunks: AsyncIterator<Uint8Array>,
  enough: number,
): Promise<Beginning> {
  const first: Uint8Array[] = [];
  let ended = false;
  try {
    for (let size = 0; size < enough && !ended; ) {
      const next = await chunks.next();
      ended = next.done === true;
      if (next.done === true) break;
      first.push(next.value);
      size += next.value.byteLength;
    }
  } catch (error) {
    await chunks.return?.();
    throw error;
  }
  return { head: Buffer.concat(first), ended };
}

/** The whole stream, of which the beginning has been read already. Stops reading if nobody wants the rest. */
export async function* continued(
  head: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield head;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
      yield next.value;
    }
  } finally {
    await rest.return?.();
  }
}
