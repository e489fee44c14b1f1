import type { BodySource } from '../../batch.ts';
import {
  BODY_ENCODING,
  baseOf,
  decodeBody,
  encodeBody,
  isDelta,
  MINIMUM_BASE,
} from '../body-codec.ts';
import { digestsOf } from '../trace-cipher.ts';
import type { TraceFile } from './trace-file.ts';

interface BodyRow {
  readonly id: number;
  readonly base: number | null;
  readonly hash: Uint8Array;
  readonly encoding: number;
  readonly size: number;
  readonly data: Uint8Array;
}

/** What is remembered of a session's bodies, to store an equal one once and a similar one small. */
interface SessionBodies {
  /** Hash in hex → id. */
  readonly ids: Map<string, number>;
  base?: { readonly id: number; readonly bytes: Uint8Array } | undefined;
}

const REMEMBERED = 2_000;

/** The bodies of one file. Within a session an equal body is stored once, and others as differences from the first. */
export class BodyTable {
  readonly #file: TraceFile;
  readonly #sessions = new Map<number, SessionBodies>();

  constructor(file: TraceFile) {
    this.#file = file;
  }

  /** Stores a body and gives its id: an earlier one's if it is equal. Only within a transaction. */
  put(sessionId: number, source: BodySource): number {
    const session = this.#session(sessionId);
    const content = 'bytes' in source ? source.bytes : Buffer.from(source.ref);
    // the kind belongs to the name: a body may consist of the text of a reference
    const kind = 'bytes' in source ? 'b' : 'r';
    const { digest, others } = digestsOf(content, this.#file.cipher);
    const name = `${kind}${digest.toString('hex')}`;
    for (const one of [digest, ...others]) {
      const known = session.ids.get(`${kind}${one.toString('hex')}`);
      if (known !== undefined) return known;
    }
    const id =
      'bytes' in source
        ? this.#insertBytes(session, digest, source.bytes)
        : this.#insert(null, digest, {
            encoding: BODY_ENCODING.reference,
            size: source.size,
            data: content,
          });
    session.ids.set(name, id);
    return id;
  }

  /** The bytes, or the object store's key. */
  read(id: number): { readonly size: number; bytes?: Uint8Array; ref?: string } | undefined {
    const row = this.#row(id);
    if (row === undefined) return undefined;
    if (row.encoding === BODY_ENCODING.reference) {
      return { size: row.size, ref: Buffer.from(row.data).toString() };
    }
    return { size: row.size, bytes: this.#decode(row) };
  }

  /** Whether some body is the large one of that key. */
  pointsTo(ref: string): boolean {
    const row = this.#file.first(
      `SELECT 1 FROM body INDEXED BY body_reference WHERE encoding = ${BODY_ENCODING.reference} AND data = ?`,
      Buffer.from(ref),
    );
    return row !== undefined;
  }

  forget(): void {
    this.#sessions.clear();
  }

  #insertBytes(session: SessionBodies, digest: Uint8Array, bytes: Uint8Array): number {
    const encoded = encodeBody(bytes, session.base?.bytes, this.#file.cipher);
    const base = isDelta(encoded.encoding) ? (session.base?.id ?? null) : null;
    const id = this.#insert(base, digest, encoded);
    if (session.base === undefined && bytes.byteLength >= MINIMUM_BASE) {
      session.base = { id, bytes: baseOf(bytes) };
    }
    return id;
  }

  #insert(
    base: number | null,
    digest: Uint8Array,
    { encoding, size, data }: { encoding: number; size: number; data: Uint8Array },
  ): number {
    return this.#file.insert(
      'INSERT INTO body(base, hash, encoding, size, data) VALUES(?, ?, ?, ?, ?)',
      base,
      digest,
      encoding,
      size,
      data,
    );
  }

  #session(sessionId: number): SessionBodies {
    const known = this.#sessions.get(sessionId);
    if (known !== undefined) return known;
    if (this.#sessions.size >= REMEMBERED) {
      // the oldest remembered session is the least likely to go on
      for (const oldest of this.#sessions.keys()) {
        this.#sessions.delete(oldest);
        break;
      }
    }
    const session = this.#load(sessionId);
    this.#sessions.set(sessionId, session);
    return session;
  }

  #load(sessionId: number): SessionBodies {
    const rows = this.#file.all<Omit<BodyRow, 'data'>>(
      `SELECT id, base, hash, encoding, size FROM body WHERE id IN (
         SELECT body FROM message WHERE session_id=?1
         UNION ALL SELECT reply_body FROM message WHERE session_id=?1
         UNION ALL SELECT past.body FROM message CROSS JOIN past ON past.message_id=message.id
           WHERE message.session_id=?1) ORDER BY id`,
      sessionId,
    );
    const session: SessionBodies = { ids: new Map() };
    for (const { id, hash: digest, encoding } of rows) {
      const kind = encoding === BODY_ENCODING.reference ? 'r' : 'b';
      session.ids.set(`${kind}${Buffer.from(digest).toString('hex')}`, id);
    }
    const first = rows.find(
      ({ base, encoding, size }) =>
        base === null && encoding !== BODY_ENCODING.reference && size >= MINIMUM_BASE,
    );
    const bytes = first === undefined ? undefined : this.read(first.id)?.bytes;
    if (first !== undefined && bytes !== undefined) {
      session.base = { id: first.id, bytes: baseOf(bytes) };
    }
    return session;
  }

  #decode(row: BodyRow): Uint8Array {
    const base = (): Uint8Array => {
      const stored = row.base === null ? undefined : this.#row(row.base);
      return stored === undefined ? new Uint8Array() : this.#decode(stored);
    };
    return decodeBody(row, base, this.#file.cipher);
  }

  #row(id: number): BodyRow | undefined {
    return this.#file.first<BodyRow>('SELECT * FROM body WHERE id=?', id);
  }
}
