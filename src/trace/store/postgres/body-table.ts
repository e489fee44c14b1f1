import type { PostgresSession } from '../../../database/postgres.ts';
import type { BodySource } from '../../batch.ts';
import { BODY_ENCODING, MINIMUM_BASE } from '../body-codec.ts';
import {
  type BodyRow,
  baseBytes,
  forgetOldest,
  type ReadBody,
  readBody,
  rowOf,
  SessionBodies,
} from '../session-bodies.ts';
import type { TraceCipher } from '../trace-cipher.ts';

interface OwnedRow extends BodyRow {
  readonly session_id: number;
}

/**
 * The bodies of sessions: numbered from 1 in each session; equal ones are stored once, others as
 * differences from the first.
 */
export class BodyTable {
  readonly #cipher: TraceCipher | undefined;
  readonly #sessions = new Map<number, SessionBodies>();
  #added: OwnedRow[] = [];

  constructor(cipher?: TraceCipher) {
    this.#cipher = cipher;
  }

  /** Reads what is stored for these sessions, so that `put` can assign numbers without a query. */
  async prepare(session: PostgresSession, sessionIds: readonly number[]): Promise<void> {
    forgetOldest(this.#sessions);
    const unknown = [...new Set(sessionIds)].filter((id) => !this.#sessions.has(id));
    for (const id of unknown) this.#sessions.set(id, new SessionBodies());
    if (unknown.length === 0) return;
    const rows = await session.rows<OwnedRow>(
      `SELECT session_id, id, base, hash, encoding, size,
         CASE WHEN base IS NULL AND encoding <> ? AND size >= ? THEN data ELSE '' END AS data
       FROM body WHERE session_id = ANY(?) ORDER BY id`,
      BODY_ENCODING.reference,
      MINIMUM_BASE,
      unknown,
    );
    for (const row of rows) {
      this.#sessions.get(row.session_id)?.know(row, () => baseBytes(row, this.#cipher));
    }
  }

  /** Numbers a body; `flush` stores it. Only for a prepared session. */
  put(sessionId: number, source: BodySource): number {
    const session = this.#sessions.get(sessionId) ?? new SessionBodies();
    this.#sessions.set(sessionId, session);
    return session.put(source, this.#cipher, (body) => {
      const id = session.count + 1;
      this.#added.push({ session_id: sessionId, id, ...rowOf(body, this.#cipher) });
      return id;
    });
  }

  /** Stores the bodies given to `put`. */
  async flush(session: PostgresSession): Promise<void> {
    const rows = this.#added;
    this.#added = [];
    if (rows.length === 0) return;
    await session.run(
      `INSERT INTO body(session_id, id, base, hash, encoding, size, data)
       SELECT * FROM unnest(?::bigint[], ?::int[], ?::int[], ?::bytea[], ?::smallint[], ?::bigint[], ?::bytea[])`,
      rows.map((row) => row.session_id),
      rows.map(({ id }) => id),
      rows.map(({ base }) => base),
      rows.map(({ hash }) => hash),
      rows.map(({ encoding }) => encoding),
      rows.map(({ size }) => size),
      rows.map(({ data }) => data),
    );
  }

  forget(): void {
    this.#sessions.clear();
    this.#added = [];
  }
}

/** The bytes of a body, or the object store's key. */
export async function readStored(
  session: PostgresSession,
  sessionId: number,
  id: number,
  cipher?: TraceCipher,
): Promise<ReadBody | undefined> {
  const rows = await session.rows<OwnedRow>(
    `SELECT * FROM body WHERE session_id = ? AND id IN (?, (SELECT base FROM body WHERE session_id = ? AND id = ?))`,
    sessionId,
    id,
    sessionId,
    id,
  );
  const row = rows.find((one) => one.id === id);
  if (row === undefined) return undefined;
  const base = rows.find((one) => one.id === row.base);
  return readBody(row, () => baseBytes(base, cipher), cipher);
}
