import type { Settlement } from '../../message-state.ts';
import type { ScopeId } from '../../scope.ts';
import { BODY_ENCODING } from '../body-codec.ts';
import type { Condition } from '../conditions.ts';
import type { TraceCipher } from '../trace-cipher.ts';
import { bucketOf } from './file-tables.ts';
import {
  readAttempts,
  readPast,
  readSessionStates,
  writeAttempt,
  writePast,
  writeState,
} from './message-table.ts';
import { TraceFile } from './trace-file.ts';

/**
 * `held.db`: the sessions that outlived their day because they are open or were put on hold.
 *
 * A session is copied here *staged*, while its day's file is still authoritative; when the whole
 * day is copied, one transaction makes its sessions *held* and the day *gone*. Then the day's file
 * is removed and the day forgotten. `recover` completes or undoes what a crash left in between.
 */
export class HeldFile extends TraceFile {
  #held: number;

  constructor(path: string, cipher?: TraceCipher) {
    super('held', path, cipher);
    this.#held = this.#count();
  }

  /** Whether the session's facts belong here and no longer in its day's file. */
  has(sessionId: number): boolean {
    if (this.#held === 0) return false;
    return (
      this.first('SELECT 1 FROM held_session WHERE session_id=? AND staged=0', sessionId) !==
      undefined
    );
  }

  count(): number {
    return this.#held;
  }

  /** Only within a transaction. */
  stage(sessionId: number, day: string): void {
    this.run('INSERT OR REPLACE INTO held_session VALUES(?, ?, 1)', sessionId, day);
  }

  /** What a search of this file must leave out: staged sessions are found in their day's file. */
  shown(): Condition[] {
    const staged = this.first('SELECT 1 FROM held_session WHERE staged=1 LIMIT 1');
    if (staged === undefined) return [];
    const sql = 'm.session_id NOT IN (SELECT session_id FROM held_session WHERE staged=1)';
    return [{ sql, values: [] }];
  }

  /** From here on the day's staged sessions are held and its file may be removed. Only within a transaction. */
  takeOver(day: string): void {
    this.run('UPDATE held_session SET staged=0 WHERE day=?', day);
    this.run('INSERT OR IGNORE INTO gone_day VALUES(?)', day);
  }

  /** Records that a large body lost a reference. Only within a transaction. */
  lostPointer(ref: string, at: number): void {
    this.run('INSERT OR REPLACE INTO gone_body VALUES(?, ?)', ref, at);
  }

  goneDays(): string[] {
    return this.all<{ day: string }>('SELECT day FROM gone_day').map(({ day }) => day);
  }

  forgetGoneDay(day: string): void {
    this.run('DELETE FROM gone_day WHERE day=?', day);
    this.recount();
  }

  /** Keys of large bodies that lost a reference until then. */
  goneBodies(until: number): string[] {
    return this.all<{ ref: string }>('SELECT ref FROM gone_body WHERE at <= ?', until).map(
      ({ ref }) => ref,
    );
  }

  forgetGoneBody(ref: string): void {
    this.run('DELETE FROM gone_body WHERE ref=?', ref);
  }

  /** Removes what was staged of a day that is not gone: its file still exists and is authoritative. */
  recover(): void {
    const staged = this.all<{ session_id: number }>(
      'SELECT session_id FROM held_session WHERE staged=1',
    );
    if (staged.length > 0) this.drop(staged.map(({ session_id }) => session_id));
  }

  /**
   * Removes sessions with everything that belongs to them, in one transaction; `goneAt`:
   * permanently, with their large bodies.
   */
  drop(sessionIds: readonly number[], goneAt?: number): void {
    this.transaction(() => {
      if (goneAt !== undefined) this.#loseBodies(sessionIds, goneAt);
      const scopes = scopesOf(this, sessionIds);
      for (const sessionId of sessionIds) this.#dropSession(sessionId);
      this.run(
        'DELETE FROM skey WHERE session_id IN (SELECT value FROM json_each(?))',
        JSON.stringify(scopes),
      );
    });
    this.bodies.forget();
    this.recount();
  }

  /** Only within a transaction. */
  #loseBodies(sessionIds: readonly number[], at: number): void {
    this.run(
      `INSERT OR REPLACE INTO gone_body SELECT DISTINCT CAST(data AS TEXT), ?1 FROM body
         WHERE encoding=?2 AND id IN (
           SELECT body FROM message WHERE session_id IN (SELECT value FROM json_each(?3))
           UNION ALL SELECT reply_body FROM message WHERE session_id IN (SELECT value FROM json_each(?3)))`,
      at,
      BODY_ENCODING.reference,
      JSON.stringify(sessionIds),
    );
  }

  /** Only within a transaction. */
  #dropSession(sessionId: number): void {
    const count = this.first<{ n: number }>(
      'SELECT count(*) AS n FROM message WHERE session_id=?',
      sessionId,
    );
    if (count !== undefined && count.n > 0) this.countMessages(-count.n);
    const messages = 'SELECT id FROM message WHERE session_id=?';
    this.run(
      `DELETE FROM body WHERE id IN (
         SELECT body FROM message WHERE session_id=?1
         UNION ALL SELECT reply_body FROM message WHERE session_id=?1
         UNION ALL SELECT body FROM past WHERE message_id IN (SELECT id FROM message WHERE session_id=?1))`,
      sessionId,
    );
    this.run(`DELETE FROM attempt WHERE message_id IN (${messages})`, sessionId);
    this.run(`DELETE FROM past WHERE message_id IN (${messages})`, sessionId);
    this.run('DELETE FROM message WHERE session_id=?', sessionId);
    this.run('DELETE FROM held_session WHERE session_id=?', sessionId);
  }

  recount(): void {
    this.#held = this.#count();
  }

  #count(): number {
    const row = this.first<{ held: number }>(
      'SELECT count(*) AS held FROM held_session WHERE staged=0',
    );
    return row?.held ?? 0;
  }
}

const ALL = Number.MAX_SAFE_INTEGER;

/** Copies whole sessions of a day to held.db as staged, replacing what was staged of them before. One transaction. */
export function copySessions(from: TraceFile, to: HeldFile, sessionIds: readonly number[]): void {
  if (sessionIds.length === 0) return;
  to.drop(sessionIds);
  const keys = keysOf(from, new Set(scopesOf(from, sessionIds)));
  to.transaction(() => {
    for (const sessionId of sessionIds) copySession(from, to, sessionId);
    for (const { scope, name, value } of keys) to.keys.copy(scope, { name, value });
  });
}

/** The scopes of some sessions. */
function scopesOf(file: TraceFile, sessionIds: readonly number[]): ScopeId[] {
  const branches = file.all<{ branch: number }>(
    `SELECT DISTINCT branch FROM message INDEXED BY message_session
       WHERE session_id IN (SELECT value FROM json_each(?)) AND branch IS NOT NULL`,
    JSON.stringify(sessionIds),
  );
  return [...sessionIds, ...branches.map(({ branch }) => branch)];
}

function copySession(from: TraceFile, to: HeldFile, sessionId: number): void {
  const states = readSessionStates(from, sessionId, ALL);
  const body = bodyCopy(from, to, sessionId);
  for (const state of states) {
    writeState(to, {
      ...state,
      body: body(state.body),
      settlement: state.settlement && withBody(state.settlement, body),
    });
    for (const attempt of readAttempts(from, state.id, ALL)) {
      writeAttempt(to, { kind: 'attempt', id: state.id, sessionId, host: state.host, ...attempt });
    }
    for (const past of readPast(from, state.id)) writePast(to, state.id, withBody(past, body));
  }
  to.countMessages(states.length);
  to.stage(sessionId, from.name);
}

type BodyCopy = (id: number | undefined) => number | undefined;

function bodyCopy(from: TraceFile, to: HeldFile, sessionId: number): BodyCopy {
  return (id) => {
    const stored = id === undefined ? undefined : from.bodies.read(id);
    if (stored === undefined) return undefined;
    const { bytes, ref, size } = stored;
    if (bytes !== undefined) return to.bodies.put(sessionId, { bytes });
    return ref === undefined ? undefined : to.bodies.put(sessionId, { ref, size });
  };
}

function withBody(settlement: Settlement, body: BodyCopy): Settlement {
  const { reply } = settlement;
  return reply === undefined
    ? settlement
    : { ...settlement, reply: { ...reply, body: body(reply.body) } };
}

/** Keys are ordered by hour and value, not by scope: each affected hour is read once. */
function keysOf(
  from: TraceFile,
  scopes: ReadonlySet<ScopeId>,
): { scope: ScopeId; name: string; value: string }[] {
  return [...new Set([...scopes].map(bucketOf))].flatMap((bucket) =>
    from
      .all<{ name: number; value: string; session_id: number }>(
        'SELECT name, value, session_id FROM skey WHERE bucket=?',
        bucket,
      )
      .filter(({ session_id }) => scopes.has(session_id))
      .map(({ session_id, name, value }) => ({
        scope: session_id,
        name: from.words.text(name),
        value,
      })),
  );
}
