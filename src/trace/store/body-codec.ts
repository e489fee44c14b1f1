import {
  constants,
  deflateRawSync,
  inflateRawSync,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib';
import { EngineError } from '../../error/engine-error.ts';
import { openSealed, type TraceCipher } from './trace-cipher.ts';

/**
 * How the bytes of a body row are encoded. `reference`: the data is the object store's key.
 * `slice`: the data is the place in the row that it refers to, which contains many bodies.
 */
export const BODY_ENCODING = {
  raw: 0,
  deflate: 1,
  deflateDelta: 2,
  zstd: 3,
  zstdDelta: 4,
  reference: 5,
  slice: 6,
} as const;

/**
 * Added to the encoding if it is also encrypted. A reference and a slice are not: they name a body
 * without revealing its content.
 */
const SEALED = 16;

/**
 * Below this many bytes compression costs more than it saves, as for most acknowledgements, and a
 * body is not useful as a base.
 */
export const MINIMUM_BASE = 128;
/** How much of the first body of a session is used as dictionary: as far as deflate looks back. */
const DICTIONARY = 32 * 1024;
/**
 * Up to this size deflate, above it zstd. Measured at 1.1 KB: 16 to 21 µs against 47 to 65 µs to
 * write and 9 against 38 to read, at equal size, since zstd sets up its tables for each body; from
 * 16 KB on zstd is twice as fast and smaller.
 */
const DEFLATE_LIMIT = 8 * 1024;

const ZSTD = {
  [constants.ZSTD_c_compressionLevel]: 1,
  [constants.ZSTD_c_contentSizeFlag]: 0,
};

export interface EncodedBody {
  readonly encoding: number;
  readonly data: Uint8Array;
  /** Bytes of the body itself. */
  readonly size: number;
}

/**
 * Encodes a body compactly. `base` is the first stored body of its session, itself written without
 * one: the result of a transform shares nearly all of its bytes.
 */
export function encodeBody(
  bytes: Uint8Array,
  base: Uint8Array | undefined,
  cipher?: TraceCipher,
): EncodedBody {
  const encoded = written(bytes, base);
  if (cipher?.writes === undefined) return encoded;
  const { encoding, data, size } = encoded;
  return { encoding: encoding | SEALED, data: cipher.seal(data), size };
}

function written(bytes: Uint8Array, base: Uint8Array | undefined): EncodedBody {
  const size = bytes.byteLength;
  if (size < MINIMUM_BASE) return { encoding: BODY_ENCODING.raw, data: bytes, size };
  const [encoding, data] =
    size <= DEFLATE_LIMIT ? deflated(bytes, base) : compressedByZstd(bytes, base);
  return data.byteLength < size
    ? { encoding, data, size }
    : { encoding: BODY_ENCODING.raw, data: bytes, size };
}

function deflated(bytes: Uint8Array, base: Uint8Array | undefined): [number, Uint8Array] {
  const { byteLength } = bytes;
  const windowBits = windowFor(
    byteLength + (base === undefined ? 0 : dictionaryOf(base).byteLength),
  );
  const options = { level: 3, chunkSize: Math.max(64, byteLength), windowBits };
  return base === undefined
    ? [BODY_ENCODING.deflate, deflateRawSync(bytes, options)]
    : [
        BODY_ENCODING.deflateDelta,
        deflateRawSync(bytes, { ...options, dictionary: dictionaryOf(base) }),
      ];
}

/**
 * The base-two logarithm of a window that covers everything: with the usual 32 KB, setting up its
 * tables took a third of the time for a delta of 1.2 KB (19 instead of 13 µs, at equal size).
 * Decoding always uses the largest.
 */
const windowFor = (size: number): number => Math.min(15, Math.max(9, Math.ceil(Math.log2(size))));

function compressedByZstd(bytes: Uint8Array, base: Uint8Array | undefined): [number, Uint8Array] {
  return base === undefined
    ? [BODY_ENCODING.zstd, zstdCompressSync(bytes, { params: ZSTD })]
    : [
        BODY_ENCODING.zstdDelta,
        zstdCompressSync(bytes, { params: ZSTD, dictionary: dictionaryOf(base) }),
      ];
}

/** Whether the body is written as differences from another. */
export function isDelta(encoding: number): boolean {
  const kind = encoding & ~SEALED;
  return kind === BODY_ENCODING.deflateDelta || kind === BODY_ENCODING.zstdDelta;
}

/** Reads a body written by `encodeBody` or `slice`; `base` is only called if it was written with one. */
export function decodeBody(
  stored: EncodedBody,
  base: () => Uint8Array,
  cipher?: TraceCipher,
): Uint8Array {
  const { size } = stored;
  const encoding = stored.encoding & ~SEALED;
  const data = encoding === stored.encoding ? stored.data : openSealed(stored.data, cipher);
  const chunkSize = Math.max(64, size);
  switch (encoding) {
    case BODY_ENCODING.deflate:
      return inflateRawSync(data, { chunkSize });
    case BODY_ENCODING.deflateDelta:
      return inflateRawSync(data, { chunkSize, dictionary: dictionaryOf(base()) });
    case BODY_ENCODING.zstd:
      return zstdDecompressSync(data);
    case BODY_ENCODING.zstdDelta:
      return zstdDecompressSync(data, { dictionary: dictionaryOf(base()) });
    case BODY_ENCODING.slice:
      return sliceOf(base(), placeOf(data), size);
    default:
      return data;
  }
}

/** A body of `size` bytes that begins at `at` of a block. */
export function slice(at: number, size: number): EncodedBody {
  const data = Buffer.alloc(4);
  data.writeUInt32BE(at);
  return { encoding: BODY_ENCODING.slice, data, size };
}

const placeOf = (data: Uint8Array): number =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength).readUInt32BE();

function sliceOf(block: Uint8Array, at: number, size: number): Uint8Array {
  if (at + size > block.byteLength) {
    throw new EngineError(
      'STORE_UNAVAILABLE',
      'a body of the trace cannot be read, since the block that contains it is missing or cut: restore the file from a backup',
    );
  }
  return Uint8Array.from(block.subarray(at, at + size));
}

/** A copy of the part of a body used as dictionary, which can be kept without keeping the whole body. */
export function baseOf(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(dictionaryOf(bytes));
}

function dictionaryOf(base: Uint8Array): Uint8Array {
  return base.byteLength > DICTIONARY ? base.subarray(0, DICTIONARY) : base;
}
