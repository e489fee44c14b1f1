import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';

/** How the bytes of a body row are written. `reference`: the data is the object store's key. */
export const BODY_ENCODING = { raw: 0, zstd: 1, delta: 2, reference: 3 } as const;

/** Below this many bytes compression costs more than it saves, as of most acknowledgements, and a body is no use as a base. */
export const MINIMUM_BASE = 128;
/** What of the first body of a session serves as dictionary; loading a longer one costs more than it saves. */
const DICTIONARY = 32 * 1024;

const FAST = {
  [constants.ZSTD_c_compressionLevel]: 1,
  [constants.ZSTD_c_contentSizeFlag]: 0,
};

export interface EncodedBody {
  readonly encoding: number;
  readonly data: Uint8Array;
}

/**
 * Writes a body small. `base` is the first body stored of its session, itself written without one:
 * what a transform made of a message shares nearly all of its bytes.
 */
export function encodeBody(bytes: Uint8Array, base: Uint8Array | undefined): EncodedBody {
  if (bytes.byteLength < MINIMUM_BASE) return { encoding: BODY_ENCODING.raw, data: bytes };
  if (base === undefined || base.byteLength < MINIMUM_BASE) {
    const data = zstdCompressSync(bytes, { params: FAST });
    return data.byteLength < bytes.byteLength
      ? { encoding: BODY_ENCODING.zstd, data }
      : { encoding: BODY_ENCODING.raw, data: bytes };
  }
  const data = zstdCompressSync(bytes, { params: FAST, dictionary: dictionaryOf(base) });
  return data.byteLength < bytes.byteLength
    ? { encoding: BODY_ENCODING.delta, data }
    : { encoding: BODY_ENCODING.raw, data: bytes };
}

/** Reads a body written by `encodeBody`; `base` is asked for only if it was written with one. */
export function decodeBody({ encoding, data }: EncodedBody, base: () => Uint8Array): Uint8Array {
  switch (encoding) {
    case BODY_ENCODING.zstd:
      return zstdDecompressSync(data);
    case BODY_ENCODING.delta:
      return zstdDecompressSync(data, { dictionary: dictionaryOf(base()) });
    default:
      return data;
  }
}

/** A copy of the part of a body that serves as dictionary, to be kept without keeping the whole. */
export function baseOf(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(dictionaryOf(bytes));
}

function dictionaryOf(base: Uint8Array): Uint8Array {
  return base.byteLength > DICTIONARY ? base.subarray(0, DICTIONARY) : base;
}
