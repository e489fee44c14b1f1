import { createHash, createHmac, randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as yieldToOthers } from 'node:timers/promises';
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
export interface AuditLog extends Audit, Disposable {
  /** Newest first. */
  list(query: AuditQuery): readonly AuditRow[];
  /** Oldest first, for an export. */
  rows(query: Pick<AuditQuery, 'from' | 'to'>): IteratorObject<AuditRow>;
  /** Reads every row, in slices. Takes an end that was cut off since this process wrote it for broken, too. */
  verify(): Promise<AuditProof>;
}

const SCHEMA = `
CREATE TABLE IF NOT EXISTS audit(
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, via TEXT NOT NULL, ip TEXT NOT NULL,
  action TEXT NOT NULL, object TEXT NOT NULL, outcome TEXT NOT NULL, detail TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS audit_actor ON audit(actor, seq);
CREATE INDEX IF NOT EXISTS audit_object ON audit(object, seq);
CREATE TABLE IF NOT EXISTS audit_key(key BLOB NOT NULL) STRICT;
CREATE TRIGGER IF NOT EXISTS audit_fixed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END;
CREATE TRIGGER IF NOT EXISTS audit_kept BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END;
`;

/** The last row that this process wrote. */
type Written = Pick<AuditRow, 'seq' | 'hash'>;

const START = '0'.repeat(64);
/** Rows proved before others get their turn. */
const SLICE = 2_000;
/** Keys of details below which values may be of patients. */
const HASHED = new Set(['search', 'contains', 'text', 'error']);

/** Opens `audit.db` of a data folder; the command line may write to it at the same time. */
export function auditLog(data: string, now: () => number = Date.now): AuditLog {
  mkdirSync(data, { recursive: true });
  const database = new DatabaseSync(join(data, 'audit.db'), { timeout: 5_000 });
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  database.exec(SCHEMA);
  const key = keyOf(database);
  const hashOf = (value: string): string =>
    createHmac('sha256', key).update(value.trim().toLowerCase()).digest('hex').slice(0, 32);
  const head = database.prepare('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1');
  const insert = database.prepare('INSERT INTO audit VALUES (?,?,?,?,?,?,?,?,?,?)');
  let written: Written | undefined;
  const append = (entry: AuditEntry): Written => {
    const last = head.get() as Pick<AuditRow, 'seq' | 'hash'> | undefined;
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
    insert.run(...Object.values(row), hash);
    return { seq: row.seq, hash };
  };
  return {
    async record(entry) {
      // the row before must not change between being read and being built on, by another process either
      database.exec('BEGIN IMMEDIATE');
      try {
        const made = append(entry);
        database.exec('COMMIT');
        written = made;
      } catch (error) {
        database.exec('ROLLBACK');
        throw error;
      }
    },
    list: ({ searched, ...query }) =>
      select(database, query, searched === undefined ? undefined : hashOf(searched)),
    rows: ({ from = 0, to = Number.MAX_SAFE_INTEGER }) =>
      database
        .prepare('SELECT * FROM audit WHERE at BETWEEN ? AND ? ORDER BY seq')
        .iterate(from, to) as unknown as IteratorObject<AuditRow>,
    verify: () => proofOf(database, written),
    [Symbol.dispose]: () => database.close(),
  };
}

function select(
  database: DatabaseSync,
  query: Omit<AuditQuery, 'searched'>,
  hash: string | undefined,
): readonly AuditRow[] {
  const { from, to, actor, action, object, before, limit = 100 } = query;
  const conditions: readonly (readonly [string, string | number | undefined])[] = [
    ['at >= ?', from],
    ['at <= ?', to],
    ['actor = ? COLLATE NOCASE', actor],
    ['substr(action, 1, length(?1)) = ?1'.replaceAll('?1', '?'), action],
    ['object = ?', object],
    ['instr(detail, ?) > 0', hash],
    ['seq < ?', before],
  ];
  const used = conditions.filter(([, value]) => value !== undefined);
  const where = used.length === 0 ? '' : `WHERE ${used.map(([text]) => text).join(' AND ')}`;
  const values = used.flatMap(([text, value = '']) =>
    text.startsWith('substr') ? [value, value] : [value],
  );
  return database
    .prepare(`SELECT * FROM audit ${where} ORDER BY seq DESC LIMIT ?`)
    .all(...values, limit) as unknown as AuditRow[];
}

async function proofOf(database: DatabaseSync, written: Written | undefined): Promise<AuditProof> {
  const read = database.prepare('SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT ?');
  let last = START;
  let count = 0;
  for (;;) {
    const rows = read.all(count, SLICE) as unknown as AuditRow[];
    for (const { hash, ...row } of rows) {
      count += 1;
      const cut = written?.seq === count && written.hash !== hash;
      if (row.seq !== count || cut || hash !== chained(last, row)) {
        return { rows: count, broken: row.seq, head: last };
      }
      last = hash;
    }
    if (rows.length < SLICE) break;
    await yieldToOthers();
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

function keyOf(database: DatabaseSync): Uint8Array {
  database
    .prepare('INSERT INTO audit_key SELECT ? WHERE NOT EXISTS (SELECT 1 FROM audit_key)')
    .run(randomBytes(32));
  return (database.prepare('SELECT key FROM audit_key').get() as { key: Uint8Array }).key;
}
