import { BODY_ENCODING } from '../body-codec.ts';
import type { Condition } from '../conditions.ts';
import type { TraceCipher } from '../trace-cipher.ts';
import { countMessages } from './apply.ts';
import { TraceFile } from './trace-file.ts';

/**
 * `held.db`: the sessions that outlived their day because they are open or were put on hold.
 *
 * A session is copied here *staged*, while its day's file still counts; when the whole day is copied,
 * one transaction makes its sessions *held* and the day *gone*. Then the day's file is removed and the
 * day forgotten. `recover` completes or undoes what a crash left in between.
 */
export class HeldFile extends TraceFile {
  #held: number;

  constructor(path: string, cipher?: TraceCipher) {
    super('held', path, cipher);
    this.#held = this.#count();
  }

  /** Whether the session's facts belong here and no longer to its day's file. */
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

  /** What a search of this file must leave out: what is staged is found in its day's file. */
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

  /** Notes that a large body lost one that pointed to it. Only within a transaction. */
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

  /** Keys of large bodies that lost a pointer until then. */
  goneBodies(until: number): string[] {
    return this.all<{ ref: string }>('SELECT ref FROM gone_body WHERE at <= ?', until).map(
      ({ ref }) => ref,
    );
  }

  forgetGoneBody(ref: string): void {
    this.run('DELETE FROM gone_body WHERE ref=?', ref);
  }

  /** Removes what was staged of a day that is not gone: its file is still there and counts. */
  recover(): void {
    const staged = this.all<{ session_id: number }>(
      'SELECT session_id FROM held_session WHERE staged=1',
    );
    if (staged.length > 0) this.drop(staged.map(({ session_id }) => session_id));
  }

  /** Removes sessions with all that belongs to them, in one transaction; `goneAt`: for good, with their large bodies. */
  drop(sessionIds: readonly number[], goneAt?: number): void {
    this.transaction(() => {
      if (goneAt !== undefined) this.#loseBodies(sessionIds, goneAt);
      for (const sessionId of sessionIds) this.#dropSession(sessionId);
      this.run(
        'DELETE FROM skey WHERE session_id IN (SELECT value FROM json_each(?))',
        JSON.stringify(sessionIds),
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
    if (count !== undefined && count.n > 0) countMessages(this, -count.n);
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
