import type { BodySource } from '../batch.ts';
import {
  BODY_ENCODING,
  baseOf,
  decodeBody,
  type EncodedBody,
  encodeBody,
  isDelta,
  MINIMUM_BASE,
} from './body-codec.ts';
import { digestsOf, type TraceCipher } from './trace-cipher.ts';

/** A body as stored by both stores. */
export interface BodyRow extends EncodedBody {
  readonly id: number;
  /** The body used as dictionary. */
  readonly base: number | null;
  readonly hash: Uint8Array;
}

/** What is remembered about a session's bodies, to store equal ones once and similar ones compactly. */
export class SessionBodies {
  /** Kind and hash → id. */
  readonly #ids = new Map<string, number>();
  #base: { readonly id: number; readonly bytes: Uint8Array } | undefined;

  /** How many different ones there are. */
  get count(): number {
    return this.#ids.size;
  }

  /** The id of a body: that of an equal earlier one, otherwise the one from `add`, which stores it. */
  put(
    source: BodySource,
    cipher: TraceCipher | undefined,
    add: (body: Omit<BodyRow, 'id'>) => number,
  ): number {
    const isBytes = 'bytes' in source;
    const content = isBytes ? source.bytes : Buffer.from(source.ref);
    const { digest, others } = digestsOf(content, cipher);
    for (const one of [digest, ...others]) {
      const known = this.#ids.get(nameOf(isBytes, one));
      if (known !== undefined) return known;
    }
    const encoded = isBytes
      ? encodeBody(content, this.#base?.bytes, cipher)
      : { encoding: BODY_ENCODING.reference, data: content, size: source.size };
    const base = isDelta(encoded.encoding) ? (this.#base?.id ?? null) : null;
    const id = add({ base, hash: digest, ...encoded });
    this.#ids.set(nameOf(isBytes, digest), id);
    if (isBytes) this.#maybeBase(id, content);
    return id;
  }

  /** Remembers a stored body; `bytes` reads it if it may be a base. Oldest first. */
  know(
    { id, base, hash, encoding, size }: Omit<BodyRow, 'data'>,
    bytes: () => Uint8Array | undefined,
  ): void {
    const isBytes = encoding !== BODY_ENCODING.reference;
    this.#ids.set(nameOf(isBytes, hash), id);
    if (!isBytes || base !== null || size < MINIMUM_BASE || this.#base !== undefined) return;
    const read = bytes();
    if (read !== undefined) this.#maybeBase(id, read);
  }

  #maybeBase(id: number, bytes: Uint8Array): void {
    if (this.#base !== undefined || bytes.byteLength < MINIMUM_BASE) return;
    this.#base = { id, bytes: baseOf(bytes) };
  }
}

/** A body may consist of the text of a reference, so the kind is part of the name. */
function nameOf(isBytes: boolean, digest: Uint8Array): string {
  const bytes = Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength);
  return `${isBytes ? 'b' : 'r'}${bytes.toString('hex')}`;
}

/** How many sessions are remembered at once. */
const REMEMBERED = 2_000;

/** Forgets the oldest if there are too many sessions, since it is the least likely to continue. */
export function forgetOldest(sessions: Map<number, SessionBodies>): void {
  for (const oldest of sessions.keys()) {
    if (sessions.size <= REMEMBERED) return;
    sessions.delete(oldest);
  }
}

/** The location of a body's bytes: here, or in the object store under a key. */
export interface ReadBody {
  readonly size: number;
  readonly bytes?: Uint8Array;
  readonly ref?: string;
}

const NONE = new Uint8Array();

/** @param base reads the row used as dictionary, if there is one */
export function readBody(
  row: Pick<BodyRow, keyof EncodedBody>,
  base: () => EncodedBody | undefined,
  cipher: TraceCipher | undefined,
): ReadBody {
  const { size, encoding, data } = row;
  if (encoding === BODY_ENCODING.reference) return { size, ref: Buffer.from(data).toString() };
  const dictionary = (): Uint8Array => {
    const stored = base();
    return stored === undefined ? NONE : decodeBody(stored, () => NONE, cipher);
  };
  return { size, bytes: decodeBody(row, dictionary, cipher) };
}
