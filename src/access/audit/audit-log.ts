import { createHash, createHmac, randomBytes } from 'node:crypto';
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { MetaDatabase, MetaPlace, MetaSession } from '../meta/meta-database.ts';
import { auditDatabase } from '../meta/open-meta.ts';
import type { Audit, AuditEntry } from './audit.ts';
import { auditMark, auditSeal, laterMark, type Mark, type Seal } from './audit-proof.ts';

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
  /** Hex; over this row and the hash before it. */
  readonly hash: string;
  /** Seals the hash with a key that is not in the log; null if the writer had none. */
  readonly seal: string | null;
}

export interface AuditQuery {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly actor?: string | undefined;
  /** An action, or its beginning: `message.` */
  readonly action?: string | undefined;
  readonly object?: string | undefined;
  /** A value that was searched for. */
  readonly searched?: string | undefined;
  /** Rows older than this one. */
  readonly before?: number | undefined;
  readonly limit?: number | undefined;
}

export interface AuditPerson {
  readonly actor: string;
  readonly via: string;
  readonly acts: number;
  readonly first: number;
  readonly last: number;
}

export interface AuditProof {
  readonly rows: number;
  /** The first row that was changed after it was written; undefined if none was. */
  readonly broken: number | undefined;
  /** Hash of the last row. Kept elsewhere, it later proves that no row was removed from the end. */
  readonly head: string;
  /** The last row sealed by the key known here: it, and all before it, were written by a holder of the key. */
  readonly sealed: number;
}

/** Rows that existed and are missing. */
export interface AuditCut {
  readonly from: number;
  readonly to: number;
}

export interface AuditOptions {
  readonly now?: (() => number) | undefined;
  /** Where to look for the master key. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** Called when the end of the log is found to be gone; this is also recorded in the log. */
  readonly onCut?: ((cut: AuditCut) => void) | undefined;
}

/** The audit log, in a file of its own: append-only, each row chained to the one before by its hash. */
export interface AuditLog extends Audit, AsyncDisposable {
  /** Newest first. */
  list(query: AuditQuery): Promise<readonly AuditRow[]>;
  /** Who did what matches, with how often; the latest first. */
  people(query: Omit<AuditQuery, 'before' | 'limit'>): Promise<readonly AuditPerson[]>;
  /** Oldest first, for an export. */
  rows(query: Pick<AuditQuery, 'from' | 'to'>): AsyncIterable<AuditRow>;
  /** Reads every row, in slices. An end that was cut off counts as broken too. */
  verify(): Promise<AuditProof>;
  /** The last row, to keep elsewhere. */
  anchor(): Promise<Mark | undefined>;
  close(): Promise<void>;
}

const START = '0'.repeat(64);
/** Keys of details whose values may be patient data. */
const HASHED = new Set(['search', 'contains', 'text', 'error', 'patient']);

/** Opens the audit log; the command line and other operator planes may write to it at the same time. */
// oxlint-disable-next-line max-lines-per-function -- one object of small queries
export async function auditLog(
  place: MetaPlace,
  { now = Date.now, environment = process.env, onCut }: AuditOptions = {},
): Promise<AuditLog> {
  const seal = await auditSeal(environment);
  const mark = auditMark(place);
  const database = await auditDatabase(place);
  const key = await keyOf(database).catch(async (error: unknown) => {
    await database.close();
    throw error;
  });
  const hashOf = (value: string): string =>
    createHmac('sha256', key).update(value.trim().toLowerCase()).digest('hex').slice(0, 32);
  let written: Mark | undefined;
  const append = async (
    session: MetaSession,
    entry: AuditEntry,
    { last, gap = 0 }: { readonly last: Mark | undefined; readonly gap?: number },
  ): Promise<Mark> => {
    const hashes = new Set<string>();
    const noted = (value: string): string => {
      const hash = hashOf(value);
      hashes.add(hash);
      return hash;
    };
    const row = {
      seq: Math.max(last?.seq ?? 0, gap) + 1,
      at: now(),
      actor: entry.actor.name,
      via: entry.actor.via,
      ip: entry.ip,
      action: entry.action,
      object: entry.object,
      outcome: entry.outcome,
      detail: JSON.stringify(withHashes(entry.detail ?? {}, noted)),
    };
    const hash = chained(last?.hash ?? START, row);
    await session.run(
      'INSERT INTO audit(seq, at, actor, via, ip, action, object, outcome, detail, hash, seal) VALUES (?,?,?,?,?,?,?,?,?,?,?)',
      ...Object.values(row),
      hash,
      seal?.of(hash) ?? null,
    );
    await noteHashes(session, [...hashes], row.seq);
    return { seq: row.seq, hash };
  };
  return {
    async record(entry) {
      const known = laterMark(written, await mark.read());
      // the row before must not change between reading it and adding to it, not even by another process
      const { row, cut } = await database.transaction(async (session) => {
        const last = await session.get<Mark>(LAST);
        const missing = await cutOf(session, { last, known });
        if (missing === undefined)
          return { row: await append(session, entry, { last }), cut: undefined };
        // the skipped numbers show permanently that acts are missing
        const told = await append(session, cutEntry(missing), { last, gap: missing.to });
        return { row: await append(session, entry, { last: told }), cut: missing };
      });
      // two acts recorded at once may be reported in either order
      written = cut === undefined ? laterMark(written, row) : row;
      await mark.write(row);
      if (cut !== undefined) onCut?.(cut);
    },
    list: ({ searched, ...query }) =>
      select(database, query, searched === undefined ? undefined : hashOf(searched)),
    people: ({ searched, ...query }) =>
      peopleIn(database, query, searched === undefined ? undefined : hashOf(searched)),
    rows: ({ from = 0, to = Number.MAX_SAFE_INTEGER }) =>
      everyRow(database, 'at BETWEEN ? AND ?', from, to),
    verify: async () => proofOf(database, { known: laterMark(written, await mark.read()), seal }),
    anchor: () => database.get<Mark>(LAST),
    close: () => database.close(),
    [Symbol.asyncDispose]: () => database.close(),
  };
}

const LAST = 'SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1';

/** The rows that are missing from the end, if the last row written is gone. */
async function cutOf(
  session: MetaSession,
  { last, known }: { readonly last: Mark | undefined; readonly known: Mark | undefined },
): Promise<AuditCut | undefined> {
  if (known === undefined) return undefined;
  const { seq, hash } = known;
  const row = await session.get<Mark>('SELECT seq, hash FROM audit WHERE seq = ?', seq);
  if (row?.hash === hash) return undefined;
  const there = last?.seq ?? 0;
  // if other rows are in their place, it is not known where those begin
  return there < seq ? { from: there + 1, to: seq } : { from: seq, to: there + 1 };
}

function cutEntry({ from, to }: AuditCut): AuditEntry {
  return {
    actor: { name: 'waybill', via: 'audit' },
    ip: '',
    action: 'audit.cut',
    object: 'audit',
    outcome: 'failed',
    detail: { rows: `${from}-${to}` },
  };
}

/** Rows read at a time: the log may span years, and other requests need their turn. */
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

/** Bound parameters of one statement. */
const TOGETHER = 200;

async function noteHashes(
  session: MetaSession,
  hashes: readonly string[],
  seq: number,
): Promise<void> {
  for (let n = 0; n < hashes.length; n += TOGETHER) {
    const some = hashes.slice(n, n + TOGETHER);
    await session.run(
      `INSERT INTO audit_hash(hash, seq) VALUES ${some.map(() => '(?, ?)').join(', ')}`,
      ...some.flatMap((hash) => [hash, seq]),
    );
  }
}

type Asked = Omit<AuditQuery, 'searched' | 'limit'>;

/** The condition for a query, and its values. */
function matching(
  { from, to, actor, action, object, before }: Asked,
  hash: string | undefined,
): { readonly where: string; readonly values: readonly (string | number)[] } {
  const conditions: readonly (readonly [string, ...(string | number | undefined)[]])[] = [
    ['at >= ?', from],
    ['at <= ?', to],
    ['lower(actor) = lower(?)', actor],
    ['substr(action, 1, length(?)) = ?', action, action],
    ['object = ?', object],
    [OF_HASH, hash, hash === undefined ? undefined : `%${hash}%`],
    ['seq < ?', before],
  ];
  const used = conditions.filter(([, value]) => value !== undefined);
  return {
    where: used.length === 0 ? '' : `WHERE ${used.map(([text]) => text).join(' AND ')}`,
    values: used.flatMap(([, ...values]) => values.filter((value) => value !== undefined)),
  };
}

const OF_HASH = `(seq IN (SELECT seq FROM audit_hash WHERE hash = ?)
  OR (seq <= (SELECT max(seq) FROM audit_hash WHERE hash = '') AND detail LIKE ?))`;

function select(
  database: MetaDatabase,
  { limit = 100, ...query }: Omit<AuditQuery, 'searched'>,
  hash: string | undefined,
): Promise<readonly AuditRow[]> {
  const { where, values } = matching(query, hash);
  return database.all<AuditRow>(
    `SELECT * FROM audit ${where} ORDER BY seq DESC LIMIT ?`,
    ...values,
    limit,
  );
}

async function peopleIn(
  database: MetaDatabase,
  query: Asked,
  hash: string | undefined,
): Promise<readonly AuditPerson[]> {
  const { where, values } = matching(query, hash);
  const rows = await database.all(
    `SELECT actor, via, count(*) AS acts, min(at) AS first, max(at) AS last FROM audit ${where}
       GROUP BY actor, via ORDER BY max(at) DESC LIMIT 1000`,
    ...values,
  );
  return rows.map(({ actor, via, acts, first, last }) => ({
    actor: String(actor),
    via: String(via),
    acts: Number(acts),
    first: Number(first),
    last: Number(last),
  }));
}

async function proofOf(
  database: MetaDatabase,
  { known, seal }: { readonly known: Mark | undefined; readonly seal: Seal | undefined },
): Promise<AuditProof> {
  let head = START;
  let rows = 0;
  let sealed = 0;
  for await (const row of everyRow(database, 'true')) {
    rows += 1;
    const { seq, hash } = row;
    const state = seal?.check(hash, row.seal);
    const isAsWritten = seq === rows && hash === chained(head, row) && state !== false;
    if (!isAsWritten || isOther(row, known)) return { rows, broken: seq, head, sealed };
    if (state === true) sealed = seq;
    head = hash;
    if (rows % PAGE === 0) await yieldToOthers();
  }
  const cut = (known?.seq ?? 0) > rows;
  return { rows, broken: cut ? rows + 1 : undefined, head, sealed };
}

/** Whether a different row is in the place of the last one written. */
function isOther({ seq, hash }: AuditRow, known: Mark | undefined): boolean {
  return known?.seq === seq && known.hash !== hash;
}

function chained(before: string, row: Omit<AuditRow, 'hash' | 'seal'>): string {
  const { seq, at, actor, via, ip, action, object, outcome, detail } = row;
  const text = JSON.stringify([before, seq, at, actor, via, ip, action, object, outcome, detail]);
  return createHash('sha256').update(text).digest('hex');
}

/** The details of an act, with the hash of each text below a key that may tell of a patient. */
function withHashes(value: unknown, hashOf: (value: string) => string): unknown {
  return withParts(value, (part, key) =>
    HASHED.has(key) ? hashed(part, hashOf) : withHashes(part, hashOf),
  );
}

function hashed(value: unknown, hashOf: (value: string) => string): unknown {
  if (typeof value === 'string') return hashOf(value);
  return withParts(value, (part) => hashed(part, hashOf));
}

/** The same with each item or entry changed; unchanged if it has none. */
function withParts(value: unknown, change: (part: unknown, key: string) => unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => change(one, ''));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, change(one, key)]));
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
