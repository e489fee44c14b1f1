import { createHash, createHmac, randomBytes } from 'node:crypto';
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import {
  auditDatabase,
  type MetaDatabase,
  type MetaPlace,
  type MetaSession,
} from '../meta/meta-database.ts';
import type { Audit, AuditEntry } from './audit.ts';

/** A recorded act. */
export interface AuditRow {
  readonly seq: number;
  readonly at: number;
  readonly actor: string;
  readonly via: string;
  readonly ip: string;
  readonly action: string;
  readonly object: string;
  readonly outcome: AuditEntry['outcome'];
  /** JSON. */
  readonly detail: string;
  /** Hex, of this row and the hash before it. */
  readonly hash: string;
}

export interface AuditQuery {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly actor?: string | undefined;
  /** Of an action, or of its beginning: `message.` */
  readonly action?: string | undefined;
  readonly object?: string | undefined;
  /** A value that was searched for. */
  readonly searched?: string | undefined;
  /** Rows older than this one. */
  readonly before?: number | undefined;
  readonly limit?: number | undefined;
}

export interface AuditProof {
  readonly rows: number;
  /** The first row that is not as it was written; undefined if all are. */
  readonly broken: number | undefined;
  /** Hash of the last row. Kept elsewhere, it shows later that no row at the end was taken away. */
  readonly head: string;
}

/** The audit log in a file of its own: only ever appended to, each row chained to the one before by its hash. */
export interface AuditLog extends Audit, AsyncDisposable {
  /** Newest first. */
  list(query: AuditQuery): Promise<readonly AuditRow[]>;
  /** Oldest first, for an export. */
  rows(query: Pick<AuditQuery, 'from' | 'to'>): AsyncIterable<AuditRow>;
  /** Reads every row, in slices. Takes an end that was cut off since this process wrote it for broken, too. */
  verify(): Promise<AuditProof>;
  close(): Promise<void>;
}

/** The last row that this process wrote. */
type Written = Pick<AuditRow, 'seq' | 'hash'>;

const START = '0'.repeat(64);
/** Keys of details below which values may be of patients. */
const HASHED = new Set(['search', 'contains', 'text', 'error']);

/** Opens the audit log; the command line, and other operator planes, may write to it at the same time. */
export async function auditLog(place: MetaPlace, now: () => number = Date.now): Promise<AuditLog> {
  const database = await auditDatabase(place);
  const key = await keyOf(database).catch(async (error: unknown) => {
    await database.close();
    throw error;
  });
  const hashOf = (value: string): string =>
    createHmac('sha256', key).update(value.trim().toLowerCase()).digest('hex').slice(0, 32);
  let written: Written | undefined;
  const append = async (session: MetaSession, entry: AuditEntry): Promise<Written> => {
    const last = await session.get<Pick<AuditRow, 'seq' | 'hash'>>(
      'SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1',
    );
    const row = {
      seq: (last?.seq ?? 0) + 1,
      at: now(),
      actor: entry.actor.name,
      via: entry.actor.via,
      ip: entry.ip,
      action: entry.action,
      object: entry.object,
      outcome: entry.outcome,
      detail: JSON.stringify(hidden(entry.detail ?? {}, hashOf, false)),
    };
    const hash = chained(last?.hash ?? START, row);
    await session.run(
      'INSERT INTO audit(seq, at, actor, via, ip, action, object, outcome, detail, hash) VALUES (?,?,?,?,?,?,?,?,?,?)',
      ...Object.values(row),
      hash,
    );
    return { seq: row.seq, hash };
  };
  return {
    async record(entry) {
      // the row before must not change between being read and being built on, by another process either
      const row = await database.transaction((session) => append(session, entry));
      // two that are recorded at once may be told in any order
      if (row.seq > (written?.seq ?? 0)) written = row;
    },
    list: ({ searched, ...query }) =>
      select(database, query, searched === undefined ? undefined : hashOf(searched)),
    rows: ({ from = 0, to = Number.MAX_SAFE_INTEGER }) =>
      everyRow(database, 'at BETWEEN ? AND ?', from, to),
    verify: () => proofOf(database, written),
    close: () => database.close(),
    [Symbol.asyncDispose]: () => database.close(),
  };
}

/** Rows that are read at once: the log may be of years, and others get their turn. */
const PAGE = 1_000;

async function* everyRow(
  database: MetaDatabase,
  where: string,
  ...values: readonly number[]
): AsyncGenerator<AuditRow> {
  for (let after = Number.MIN_SAFE_INTEGER; ; ) {
    const rows = await database.all<AuditRow>(
      `SELECT * FROM audit WHERE seq > ? AND ${where} ORDER BY seq LIMIT ?`,
      after,
      ...values,
      PAGE,
    );
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = last.seq;
  }
}

function select(
  database: MetaDatabase,
  query: Omit<AuditQuery, 'searched'>,
  hash: string | undefined,
): Promise<readonly AuditRow[]> {
  const { from, to, actor, action, object, before, limit = 100 } = query;
  const conditions: readonly (readonly [string, string | number | undefined])[] = [
    ['at >= ?', from],
    ['at <= ?', to],
    ['lower(actor) = lower(?)', actor],
    ['substr(action, 1, length(?1)) = ?1'.replaceAll('?1', '?'), action],
    ['object = ?', object],
    ['detail LIKE ?', hash === undefined ? undefined : `%${hash}%`],
    ['seq < ?', before],
  ];
  const used = conditions.filter(([, value]) => value !== undefined);
  const where = used.length === 0 ? '' : `WHERE ${used.map(([text]) => text).join(' AND ')}`;
  const values = used.flatMap(([text, value = '']) =>
    text.startsWith('substr') ? [value, value] : [value],
  );
  return database.all<AuditRow>(
    `SELECT * FROM audit ${where} ORDER BY seq DESC LIMIT ?`,
    ...values,
    limit,
  );
}

async function proofOf(database: MetaDatabase, written: Written | undefined): Promise<AuditProof> {
  let last = START;
  let count = 0;
  for await (const { hash, ...row } of everyRow(database, 'true')) {
    count += 1;
    const cut = written?.seq === count && written.hash !== hash;
    if (row.seq !== count || cut || hash !== chained(last, row)) {
      return { rows: count, broken: row.seq, head: last };
    }
    last = hash;
    if (count % PAGE === 0) await yieldToOthers();
  }
  const cut = written !== undefined && written.seq > count;
  return { rows: count, broken: cut ? count + 1 : undefined, head: last };
}

function chained(before: string, row: Omit<AuditRow, 'hash'>): string {
  const { seq, at, actor, via, ip, action, object, outcome, detail } = row;
  const text = JSON.stringify([before, seq, at, actor, via, ip, action, object, outcome, detail]);
  return createHash('sha256').update(text).digest('hex');
}

function hidden(value: unknown, hashOf: (value: string) => string, inside: boolean): unknown {
  if (typeof value === 'string') return inside ? hashOf(value) : value;
  if (Array.isArray(value)) return value.map((one) => hidden(one, hashOf, inside));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key,
      hidden(one, hashOf, inside || HASHED.has(key)),
    ]),
  );
}

function keyOf(database: MetaDatabase): Promise<Uint8Array> {
  return database.transaction(async (session) => {
    const known = await session.get<{ key: Uint8Array }>('SELECT key FROM audit_key');
    if (known !== undefined) return known.key;
    const key = randomBytes(32);
    await session.run('INSERT INTO audit_key VALUES (?)', key);
    return key;
  });
}
