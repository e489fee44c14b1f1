import {
  type MetaDatabase,
  type MetaRow,
  type MetaSession,
  numberOf,
  textOf,
} from '../../access/meta/meta-database.ts';
import { noteStore } from '../note/note-store.ts';
import type { AlertCondition } from './condition.ts';
import { maintenanceStore, plannedNow } from './maintenance.ts';

export const ALERT_STATES = ['open', 'acknowledged', 'ended'] as const;
export type AlertState = (typeof ALERT_STATES)[number];

/** Something that a person should know about, from when it was first seen until it is over. */
export interface Alert extends AlertCondition {
  readonly id: number;
  readonly state: AlertState;
  readonly first: number;
  /** When it was last seen. */
  readonly last: number;
  readonly ended: number | undefined;
  /** Who has taken it on. */
  readonly owner: string | undefined;
  /** No notifications before this time. */
  readonly snoozed: number | undefined;
  /** People's comments, oldest first. */
  readonly comments: readonly AlertComment[];
}

export interface AlertComment {
  readonly at: number;
  readonly by: string;
  readonly text: string;
}

/** Alerts and what people did about them; kept across restarts. */
export interface AlertStore {
  /** Newest first. */
  list(query: { readonly ended: boolean; readonly limit: number }): Promise<readonly Alert[]>;
  find(id: number): Promise<Alert | undefined>;
  /** How many open alerts nobody has taken on or snoozed, and no planned work explains. */
  openCount(visible: readonly string[] | undefined): Promise<number>;
  /** The alert for the condition, opened if there is none; `opened` says whether it was opened now. */
  see(
    condition: AlertCondition,
    at: number,
  ): Promise<{ readonly alert: Alert; readonly opened: boolean }>;
  end(id: number, at: number): Promise<void>;
  /** Removes alerts that were over before a time, with their comments, and planned work that was. */
  purge(endedBefore: number): Promise<void>;
  /** When people were last notified of the same thing. */
  lastNotified(condition: AlertCondition): Promise<number | undefined>;
  notified(id: number, at: number): Promise<void>;
  /** Takes it on. Resolves to false if somebody else has, or it is over. */
  take(id: number, owner: string): Promise<boolean>;
  /** Assigns it to somebody. Resolves to false if it is over. */
  assign(id: number, owner: string): Promise<boolean>;
  comment(id: number, comment: AlertComment & { readonly via: string }): Promise<void>;
  /** Resolves to false if it is over. */
  snooze(id: number, until: number, by: string): Promise<boolean>;
}

const open = async (
  session: MetaSession,
  { rule, object }: AlertCondition,
): Promise<Alert | undefined> =>
  (await read(session, 'WHERE rule = ? AND object = ? AND ended IS NULL', rule, object))[0];

const read = async (
  session: MetaSession,
  sql: string,
  ...values: (number | string)[]
): Promise<Alert[]> =>
  withComments(session, await session.all(`SELECT * FROM alert ${sql}`, ...values));

// oxlint-disable-next-line max-lines-per-function -- one object of small queries
export function alertStore(database: MetaDatabase): AlertStore {
  const run = async (sql: string, ...values: (number | string | null)[]): Promise<void> => {
    await database.run(sql, ...values);
  };
  const change = async (sql: string, ...values: (number | string)[]): Promise<boolean> =>
    (await database.run(sql, ...values)) > 0;
  return {
    list: ({ ended, limit }) =>
      read(database, `WHERE ended IS ${ended ? 'NOT' : ''} NULL ORDER BY id DESC LIMIT ?`, limit),
    find: async (id) => (await read(database, 'WHERE id = ?', id))[0],
    async openCount(visible) {
      const now = Date.now();
      const all = await read(
        database,
        "WHERE ended IS NULL AND state = 'open' AND coalesce(snoozed, 0) < ?",
        now,
      );
      const planned = await plannedNow(maintenanceStore(database), now);
      return all.filter((alert) => isShown(alert, visible) && planned(alert) === undefined).length;
    },
    see: (condition, at) =>
      database.transaction(async (session) => {
        const { rule, object, host, level, text } = condition;
        const known = await open(session, condition);
        if (known === undefined) {
          await session.run(
            `INSERT INTO alert(rule, object, host, level, text, state, first_at, last_at)
           VALUES(?, ?, ?, ?, ?, 'open', ?, ?)`,
            rule,
            object,
            host ?? null,
            level,
            text,
            at,
            at,
          );
        } else {
          await session.run(
            'UPDATE alert SET last_at = ?, text = ?, level = ? WHERE id = ?',
            at,
            text,
            level,
            known.id,
          );
        }
        const alert = await open(session, condition);
        if (alert === undefined) throw new Error('the alert was stored');
        return { alert, opened: known === undefined };
      }),
    end: (id, at) =>
      run("UPDATE alert SET ended = ?, state = 'ended' WHERE id = ? AND ended IS NULL", at, id),
    purge: (endedBefore) =>
      database.transaction(async (session) => {
        await session.run(
          "DELETE FROM note WHERE about = 'alert' AND object IN (SELECT CAST(id AS TEXT) FROM alert WHERE ended < ?)",
          endedBefore,
        );
        await session.run(
          'DELETE FROM alert_delivery WHERE at < ? AND alert_id NOT IN (SELECT id FROM alert WHERE ended IS NULL)',
          endedBefore,
        );
        await session.run('DELETE FROM alert WHERE ended < ?', endedBefore);
        await session.run('DELETE FROM maintenance WHERE to_at < ?', endedBefore);
      }),
    async lastNotified({ rule, object }) {
      const row = await database.get(
        'SELECT max(notified) AS at FROM alert WHERE rule = ? AND object = ?',
        rule,
        object,
      );
      return numberOf(row?.['at']);
    },
    notified: (id, at) => run('UPDATE alert SET notified = ? WHERE id = ?', at, id),
    take: (id, owner) =>
      change(
        `UPDATE alert SET state = 'acknowledged', owner = ?
         WHERE id = ? AND ended IS NULL AND (state = 'open' OR owner = ?)`,
        owner,
        id,
        owner,
      ),
    assign: (id, owner) =>
      change(
        "UPDATE alert SET state = 'acknowledged', owner = ? WHERE id = ? AND ended IS NULL",
        owner,
        id,
      ),
    async comment(id, { via, ...comment }) {
      const row = await database.get('SELECT host FROM alert WHERE id = ?', id);
      const host = textOf(row?.['host']);
      const hosts = host === undefined ? [] : [host];
      await noteStore(database).add({ about: 'alert', object: `${id}`, hosts, via, ...comment });
    },
    snooze: (id, until, by) =>
      change(
        'UPDATE alert SET snoozed = ?, owner = coalesce(owner, ?) WHERE id = ? AND ended IS NULL',
        until,
        by,
        id,
      ),
  };
}

/** Whether it is shown: an alert that concerns no host is shown only to those who see all hosts. */
export function isShown({ host }: AlertCondition, visible: readonly string[] | undefined): boolean {
  return visible === undefined || (host !== undefined && visible.includes(host));
}

async function withComments(session: MetaSession, rows: readonly MetaRow[]): Promise<Alert[]> {
  const ids = rows.map(({ id }) => Number(id));
  if (ids.length === 0) return [];
  const comments = await session.all<AlertComment & { readonly alert: string }>(
    `SELECT object AS alert, at, by, text FROM note
       WHERE about = 'alert' AND object IN (${ids.map(() => '?').join(',')}) ORDER BY id`,
    ...ids.map(String),
  );
  const ofAlert = Map.groupBy(comments, ({ alert }) => Number(alert));
  return rows.map((row, index) =>
    alertOf(
      row,
      (ofAlert.get(ids[index] ?? 0) ?? []).map(({ at, by, text }) => ({ at, by, text })),
    ),
  );
}

function alertOf(row: MetaRow, comments: readonly AlertComment[]): Alert {
  return {
    id: Number(row['id']),
    rule: row['rule'] as AlertCondition['rule'],
    object: String(row['object']),
    host: textOf(row['host']),
    level: row['level'] as AlertCondition['level'],
    text: String(row['text']),
    state: row['state'] as AlertState,
    first: Number(row['first_at']),
    last: Number(row['last_at']),
    ended: numberOf(row['ended']),
    owner: textOf(row['owner']),
    snoozed: numberOf(row['snoozed']),
    comments,
  };
}
