import type { Session } from '../../../database/postgres.ts';
import type { BodySource } from '../../batch.ts';
import {
  BODY_ENCODING,
  baseOf,
  decodeBody,
  encodeBody,
  isDelta,
  MINIMUM_BASE,
} from '../body-codec.ts';
import { digestsOf, type TraceCipher } from '../trace-cipher.ts';

interface BodyRow {
  readonly session_id: number;
  readonly id: number;
  readonly base: number | null;
  readonly hash: Uint8Array;
  readonly encoding: number;
  readonly size: number;
  readonly data: Uint8Array;
}

interface SessionBodies {
  /** Hash in hex → id. */
  readonly ids: Map<string, number>;
  base?: { readonly id: number; readonly bytes: Uint8Array } | undefined;
}

const REMEMBERED = 2_000;

/** The bodies of sessions: numbered from 1 in each, an equal one stored once, others as differences from the first. */
export class BodyTable {
  readonly #cipher: TraceCipher | undefined;
  readonly #sessions = new Map<number, SessionBodies>();
  #added: BodyRow[] = [];

  constructor(cipher?: TraceCipher) {
    this.#cipher = cipher;
  }

  /** Reads what is stored of these sessions, so that `put` can number without asking. */
  async prepare(session: Session, sessionIds: readonly number[]): Promise<void> {
    while (this.#sessions.size > REMEMBERED) {
      for (const oldest of this.#sessions.keys()) {
        this.#sessions.delete(oldest);
        break;
      }
    }
    const unknown = [...new Set(sessionIds)].filter((id) => !this.#sessions.has(id));
    for (const id of unknown) this.#sessions.set(id, { ids: new Map() });
    if (unknown.length === 0) return;
    const rows = await session.rows<BodyRow>(
      `SELECT session_id, id, base, hash, encoding, size,
         CASE WHEN base IS NULL AND encoding <> ? AND size >= ? THEN data ELSE '' END AS data
       FROM body WHERE session_id = ANY(?) ORDER BY id`,
      BODY_ENCODING.reference,
      MINIMUM_BASE,
      unknown,
    );
    for (const row of rows) this.#know(row);
  }

  /** Numbers a body; `flush` stores it. Only of a session that was prepared. */
  put(sessionId: number, source: BodySource): number {
    const session = this.#sessions.get(sessionId) ?? { ids: new Map<string, number>() };
    this.#sessions.set(sessionId, session);
    const isBytes = 'bytes' in source;
    const content = isBytes ? source.bytes : Buffer.from(source.ref);
    const { digest, others } = digestsOf(content, this.#cipher);
    const known = [digest, ...others]
      .map((one) => session.ids.get(nameOf(isBytes, one)))
      .find((one) => one !== undefined);
    if (known !== undefined) return known;
    const id = session.ids.size + 1;
    session.ids.set(nameOf(isBytes, digest), id);
    const encoded = isBytes
      ? encodeBody(source.bytes, session.base?.bytes, this.#cipher)
      : { encoding: BODY_ENCODING.reference, data: content, size: source.size };
    const base = isDelta(encoded.encoding) ? (session.base?.id ?? null) : null;
    this.#added.push({ session_id: sessionId, id, base, hash: digest, ...encoded });
    if (isBytes && session.base === undefined && encoded.size >= MINIMUM_BASE) {
      session.base = { id, bytes: baseOf(source.bytes) };
    }
    return id;
  }

  /** Stores what was put. */
  async flush(session: Session): Promise<void> {
    const rows = this.#added;
    this.#added = [];
    if (rows.length === 0) return;
    await session.run(
      `INSERT INTO body(session_id, id, base, hash, encoding, size, data)
       SELECT * FROM unnest(?::bigint[], ?::int[], ?::int[], ?::bytea[], ?::smallint[], ?::bigint[], ?::bytea[])`,
      rows.map((row) => row.session_id),
      rows.map(({ id }) => id),
      rows.map(({ base }) => base),
      rows.map((row) => Buffer.from(row.hash)),
      rows.map(({ encoding }) => encoding),
      rows.map(({ size }) => size),
      rows.map(({ data }) => Buffer.from(data)),
    );
  }

  forget(): void {
    this.#sessions.clear();
    this.#added = [];
  }

  #know({ session_id, id, base, hash: digest, encoding, size, data }: BodyRow): void {
    const session = this.#sessions.get(session_id);
    if (session === undefined) return;
    session.ids.set(nameOf(encoding !== BODY_ENCODING.reference, digest), id);
    if (session.base === undefined && base === null && data.byteLength > 0) {
      const bytes = decodeBody({ encoding, data, size }, () => new Uint8Array(), this.#cipher);
      session.base = { id, bytes: baseOf(bytes) };
    }
  }
}

/** A body may consist of the text of a reference: the kind belongs to the name. */
function nameOf(isBytes: boolean, digest: Uint8Array): string {
  return `${isBytes ? 'b' : 'r'}${Buffer.from(digest).toString('hex')}`;
}

const none = (): Uint8Array => new Uint8Array();

/** The bytes of a body, or the object store's key. */
export async function readStored(
  session: Session,
  sessionId: number,
  id: number,
  cipher?: TraceCipher,
): Promise<{ readonly size: number; bytes?: Uint8Array; ref?: string } | undefined> {
  const rows = await session.rows<BodyRow>(
    `SELECT * FROM body WHERE session_id = ? AND id IN (?, (SELECT base FROM body WHERE session_id = ? AND id = ?))`,
    sessionId,
    id,
    sessionId,
    id,
  );
  const row = rows.find((one) => one.id === id);
  if (row === undefined) return undefined;
  if (row.encoding === BODY_ENCODING.reference) {
    return { size: row.size, ref: Buffer.from(row.data).toString() };
  }
  const base = rows.find((one) => one.id === row.base);
  const bytes = decodeBody(
    row,
    () => (base === undefined ? none() : decodeBody(base, none, cipher)),
    cipher,
  );
  return { size: row.size, bytes };
}
