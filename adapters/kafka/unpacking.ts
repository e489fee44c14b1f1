import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { KafkaLibrary } from './broker.ts';

/** A batch of a few hundred KB may be packed to become gigabytes: the engine would end. */
const MOST_UNPACKED = 256 * 1024 * 1024;

const LIMITED = new WeakSet<object>();

/** Has the library stop unpacking a batch that becomes too large; it has no setting for it. */
export function limitUnpacking({ compressionsAlgorithms: algorithms }: KafkaLibrary): void {
  if (LIMITED.has(algorithms)) return;
  LIMITED.add(algorithms);
  const limits = { maxOutputLength: MOST_UNPACKED };
  const { gzip, zstd } = algorithms as Record<string, { decompressSync: Unpack }>;
  if (gzip !== undefined) gzip.decompressSync = (data) => gunzipSync(bytesOf(data), limits);
  if (zstd !== undefined) zstd.decompressSync = (data) => zstdDecompressSync(bytesOf(data), limits);
}

type Packed = Buffer | { readonly buffer: Buffer };
type Unpack = (data: Packed) => Buffer;

const bytesOf = (data: Packed): Buffer => (Buffer.isBuffer(data) ? data : data.buffer);
