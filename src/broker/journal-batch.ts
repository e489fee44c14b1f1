import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Explanation, JournalEntry, JournalRecord } from '../message/record.ts';

/**
 * A journal message contains many entries, each as: length of the record (u32), length of the body
 * plus one, or 0 for none (u32), the record as JSON, the body's bytes. Numbers are big-endian.
 */
const HEAD = 8;

export interface EncodedEntry {
  readonly record: Buffer;
  readonly body: Uint8Array | undefined;
  readonly size: number;
}

export function encodeEntry(entry: JournalEntry): EncodedEntry {
  const record = Buffer.from(recordText(entry.record));
  return {
    record,
    body: entry.body,
    size: HEAD + record.byteLength + (entry.body?.byteLength ?? 0),
  };
}

export function joinEntries(entries: readonly EncodedEntry[]): Buffer {
  const batch = Buffer.allocUnsafe(entries.reduce((sum, { size }) => sum + size, 0));
  let at = 0;
  for (const { record, body } of entries) {
    at = batch.writeUInt32BE(record.byteLength, at);
    at = batch.writeUInt32BE(body === undefined ? 0 : body.byteLength + 1, at);
    at += record.copy(batch, at);
    if (body !== undefined) {
      batch.set(body, at);
      at += body.byteLength;
    }
  }
  return batch;
}

/**
 * Messages that took the same path through the rules share one explanation, the longest part of a
 * record: it is written once, and compressed (base64 of DEFLATE, RFC 1951) if that is much shorter.
 */
const texts = new WeakMap<Explanation, string>();
const PACKED_FROM = 512;

function recordText(record: JournalRecord): string {
  if (!('explain' in record) || record.explain === undefined) return JSON.stringify(record);
  const { explain, ...rest } = record;
  let text = texts.get(explain);
  if (text === undefined) {
    text = JSON.stringify(explain);
    if (text.length >= PACKED_FROM) text = `"${deflateRawSync(text).toString('base64')}"`;
    texts.set(explain, text);
  }
  return `${JSON.stringify(rest).slice(0, -1)},"explain":${text}}`;
}

/** Explanations by their compressed text, so that those of equal messages are one object again. */
const unpacked = new Map<string, Explanation>();
const REMEMBERED = 1_000;

function parseRecord(text: string): JournalRecord {
  const record = JSON.parse(text) as JournalRecord;
  if (!('explain' in record) || typeof record.explain !== 'string') return record;
  return { ...record, explain: unpack(record.explain) };
}

function unpack(packed: string): Explanation {
  const known = unpacked.get(packed);
  if (known !== undefined) return known;
  const text = inflateRawSync(Buffer.from(packed, 'base64')).toString();
  const explanation = JSON.parse(text) as Explanation;
  if (unpacked.size >= REMEMBERED) unpacked.clear();
  unpacked.set(packed, explanation);
  return explanation;
}

/** The entries of a journal message; their bodies are views into its bytes. */
export function decodeBatch(batch: Uint8Array): JournalEntry[] {
  const bytes = Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength);
  const entries: JournalEntry[] = [];
  let at = 0;
  while (at < bytes.byteLength) {
    const recordSize = bytes.readUInt32BE(at);
    const bodySize = bytes.readUInt32BE(at + 4) - 1;
    at += HEAD;
    const record = parseRecord(bytes.toString('utf8', at, at + recordSize));
    at += recordSize;
    if (bodySize < 0) {
      entries.push({ record });
    } else {
      entries.push({ record, body: bytes.subarray(at, at + bodySize) });
      at += bodySize;
    }
  }
  return entries;
}
