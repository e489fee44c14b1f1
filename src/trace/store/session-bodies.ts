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
  /** The row that this one refers to: the body used as dictionary, or the block that contains it. */
  readonly base: number | null;
  readonly hash: Uint8Array;
}

/** A body that its session does not contain yet. */
export interface NewBody {
  readonly source: BodySource;
  /** Its bytes, or those of its reference. */
  readonly content: Uint8Array;
  readonly hash: Uint8Array;
  /** The first body of the session, if it is remembered. */
  readonly base?: { readonly id: number; readonly bytes: Uint8Array } | undefined;
}

/** What is remembered about a session's bodies, to store equal ones once. */
export class SessionBodies {
  /** Kind and hash → id. */
  readonly #ids = new Map<string, number>();
  readonly #keepsBase: boolean;
  #base: NewBody['base'];

  /** @param keepsBase whether the first body is remembered, for others to be written as differences from it */
  constructor(keepsBase = true) {
    this.#keepsBase = keepsBase;
  }

  /** How many different ones there are. */
  get count(): number {
    return this.#ids.size;
  }

  /** The id of a body: that of an equal earlier one, otherwise the one from `add`, which stores it. */
  put(source: BodySource, cipher: TraceCipher | undefined, add: (body: NewBody) => number): number {
    const isBytes = 'bytes' in source;
    const content = isBytes ? source.bytes : Buffer.from(source.ref);
    const { digest, others } = digestsOf(content, cipher);
    for (const one of [digest, ...others]) {
      const known = this.#ids.get(nameOf(isBytes, one));
      if (known !== undefined) return known;
    }
    const id = add({ source, content, hash: digest, base: this.#base });
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
    if (!isBytes || base !== null || size < MINIMUM_BASE) return;
    if (!this.#keepsBase || this.#base !== undefined) return;
    const read = bytes();
    if (read !== undefined) this.#maybeBase(id, read);
  }

  #maybeBase(id: number, bytes: Uint8Array): void {
    if (!this.#keepsBase || this.#base !== undefined || bytes.byteLength < MINIMUM_BASE) return;
    this.#base = { id, bytes: baseOf(bytes) };
  }
}

/** The row of a body that is stored on its own or as the difference from its base. */
export function rowOf(
  { source, content, hash, base }: NewBody,
  cipher: TraceCipher | undefined,
): Omit<BodyRow, 'id'> {
  if (!('bytes' in source)) {
    const { size } = source;
    return { base: null, hash, encoding: BODY_ENCODING.reference, data: content, size };
  }
  const encoded = encodeBody(content, base?.bytes, cipher);
  return { base: isDelta(encoded.encoding) ? (base?.id ?? null) : null, hash, ...encoded };
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

/** @param base reads the bytes of the row that this one refers to */
export function readBody(
  row: Pick<BodyRow, keyof EncodedBody>,
  base: () => Uint8Array,
  cipher: TraceCipher | undefined,
): ReadBody {
  const { size, encoding, data } = row;
  if (encoding === BODY_ENCODING.reference) return { size, ref: Buffer.from(data).toString() };
  return { size, bytes: decodeBody(row, base, cipher) };
}

const NONE = new Uint8Array();

/** The bytes of a row that other rows refer to, which itself refers to none; none if it is missing. */
export function baseBytes(
  row: EncodedBody | undefined,
  cipher: TraceCipher | undefined,
): Uint8Array {
  return row === undefined ? NONE : decodeBody(row, () => NONE, cipher);
}
