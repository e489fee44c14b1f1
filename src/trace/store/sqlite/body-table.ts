import type { BodySource } from '../../batch.ts';
import { BODY_ENCODING, type EncodedBody, encodeBody, slice } from '../body-codec.ts';
import {
  type BodyRow,
  baseBytes,
  forgetOldest,
  type NewBody,
  type ReadBody,
  readBody,
  rowOf,
  SessionBodies,
} from '../session-bodies.ts';
import type { TraceFile } from './trace-file.ts';

/**
 * A block's bytes before compression. Measured with the public HL7 messages and zstd: 12 µs and 912
 * bytes for each of 3.9 KB in blocks of 64 KB, 37 µs and 1,174 bytes in blocks of 16 KB, 64 µs and
 * 1,367 bytes on their own; reading one costs 0.1 ms.
 */
const BLOCK = 64 * 1024;
/** Larger bodies are stored on their own. */
const LARGEST_IN_BLOCK = BLOCK / 2;
/** Decompressed blocks that are kept: searches and sessions read neighbours. */
const BLOCKS_KEPT = 4;

/**
 * The bodies of one file; within a session equal ones are stored once. In a day's file those of one
 * transaction are compressed together in blocks, since messages of different sessions are alike
 * too. A block goes when its file does, so `held.db`, whose sessions are removed one by one, stores
 * each on its own, as the difference from its session's first.
 */
export class BodyTable {
  readonly #file: TraceFile;
  readonly #inBlocks: boolean;
  readonly #sessions = new Map<number, SessionBodies>();
  /** The next id, once it is known; only with blocks. */
  #next: number | undefined;
  /** What the next block will contain. */
  #waiting: (NewBody & { readonly id: number })[] = [];
  #waitingBytes = 0;
  readonly #blocks = new Map<number, Uint8Array>();

  constructor(file: TraceFile, inBlocks: boolean) {
    this.#file = file;
    this.#inBlocks = inBlocks;
  }

  /** Numbers a body, or returns the id of an equal earlier one. Only within a transaction, which `flush` ends. */
  put(sessionId: number, source: BodySource): number {
    return this.#session(sessionId).put(source, this.#file.cipher, (body) => this.#add(body));
  }

  /** Stores what `put` has numbered. */
  flush(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    this.#waitingBytes = 0;
    const [first, second] = waiting;
    if (first !== undefined && second === undefined) {
      this.#insert(first.id, rowOf(first, this.#file.cipher));
      return;
    }
    const block = this.#nextId();
    const bytes = Buffer.concat(waiting.map(({ content }) => content));
    const encoded = encodeBody(bytes, undefined, this.#file.cipher);
    this.#insert(block, { base: null, hash: NO_HASH, ...encoded });
    let at = 0;
    for (const { id, hash, content } of waiting) {
      this.#insert(id, { base: block, hash, ...slice(at, content.byteLength) });
      at += content.byteLength;
    }
  }

  /** The bytes, or the object store's key. */
  read(id: number): ReadBody | undefined {
    const row = this.#row(id);
    if (row === undefined) return undefined;
    return readBody(row, () => this.#base(row), this.#file.cipher);
  }

  /** Whether any body is the large one with that key. */
  pointsTo(ref: string): boolean {
    const row = this.#file.first(
      `SELECT 1 FROM body INDEXED BY body_reference WHERE encoding = ${BODY_ENCODING.reference} AND data = ?`,
      Buffer.from(ref),
    );
    return row !== undefined;
  }

  forget(): void {
    this.#sessions.clear();
    this.#blocks.clear();
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#next = undefined;
  }

  #add(body: NewBody): number {
    if (!this.#inBlocks) return this.#insert(null, rowOf(body, this.#file.cipher));
    const id = this.#nextId();
    const size = body.content.byteLength;
    if (!('bytes' in body.source) || size > LARGEST_IN_BLOCK) {
      this.#insert(id, rowOf(body, this.#file.cipher));
      return id;
    }
    if (this.#waitingBytes + size > BLOCK) this.flush();
    this.#waiting.push({ ...body, id });
    this.#waitingBytes += size;
    return id;
  }

  #insert(id: number | null, { base, hash, encoding, size, data }: Omit<BodyRow, 'id'>): number {
    return this.#file.insert(
      'INSERT INTO body(id, base, hash, encoding, size, data) VALUES(?, ?, ?, ?, ?, ?)',
      id,
      base,
      hash,
      encoding,
      size,
      data,
    );
  }

  /** Ids are given before the rows are written; only one process writes the file. */
  #nextId(): number {
    const next =
      this.#next ??
      this.#file.first<{ next: number }>('SELECT coalesce(max(id), 0) + 1 AS next FROM body')
        ?.next ??
      1;
    this.#next = next + 1;
    return next;
  }

  #session(sessionId: number): SessionBodies {
    const known = this.#sessions.get(sessionId);
    if (known !== undefined) return known;
    const session = this.#load(sessionId);
    this.#sessions.set(sessionId, session);
    forgetOldest(this.#sessions);
    return session;
  }

  #load(sessionId: number): SessionBodies {
    const session = new SessionBodies(!this.#inBlocks);
    // most sessions are new, and then one seek says so
    const isKnown = this.#file.first(
      'SELECT 1 FROM message INDEXED BY message_session WHERE session_id=? LIMIT 1',
      sessionId,
    );
    if (isKnown === undefined) return session;
    const rows = this.#file.all<Omit<BodyRow, 'data'>>(
      `SELECT id, base, hash, encoding, size FROM body WHERE id IN (
         SELECT body FROM message WHERE session_id=?1
         UNION ALL SELECT reply_body FROM message WHERE session_id=?1
         UNION ALL SELECT past.body FROM message CROSS JOIN past ON past.message_id=message.id
           WHERE message.session_id=?1) ORDER BY id`,
      sessionId,
    );
    for (const row of rows) session.know(row, () => this.read(row.id)?.bytes);
    return session;
  }

  #row(id: number): BodyRow | undefined {
    return this.#file.first<BodyRow>('SELECT * FROM body WHERE id=?', id);
  }

  /** The bytes of the row that another refers to. */
  #base({ base, encoding }: BodyRow): Uint8Array {
    const kept = base === null ? undefined : this.#blocks.get(base);
    if (kept !== undefined) return kept;
    const row: EncodedBody | undefined = base === null ? undefined : this.#row(base);
    const bytes = baseBytes(row, this.#file.cipher);
    if (base !== null && encoding === BODY_ENCODING.slice) this.#keep(base, bytes);
    return bytes;
  }

  #keep(block: number, bytes: Uint8Array): void {
    this.#blocks.set(block, bytes);
    for (const oldest of this.#blocks.keys()) {
      if (this.#blocks.size <= BLOCKS_KEPT) return;
      this.#blocks.delete(oldest);
    }
  }
}

/** Of a block: nothing is found by it. */
const NO_HASH = new Uint8Array();
