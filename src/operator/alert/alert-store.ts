import type { MetaDatabase } from '../meta/meta-database.ts';
import type { Condition } from './condition.ts';

export const ALERT_STATES = ['open', 'acknowledged', 'ended'] as const;
export type AlertState = (typeof ALERT_STATES)[number];

/** Something that a person should know of, from when it was first seen until it is over. */
export interface Alert extends Condition {
  readonly id: number;
  readonly state: AlertState;
  readonly first: number;
  /** When it was last seen. */
  readonly last: number;
  readonly ended: number | undefined;
  /** Who has taken it on. */
  readonly owner: string | undefined;
  /** Not told of before this time. */
  readonly snoozed: number | undefined;
  /** What people said of it, oldest first. */
  readonly comments: readonly AlertComment[];
}

export interface AlertComment {
  readonly at: number;
  readonly by: string;
  readonly text: string;
}

/** Alerts and what people did about them, over restarts. */
export interface AlertStore {
  /** Newest first. */
  list(query: { readonly ended: boolean; readonly limit: number }): readonly Alert[];
  find(id: number): Alert | undefined;
  /** Open ones that nobody has taken on or put off. */
  openCount(visible: readonly string[] | undefined): number;
  /** The alert of the condition, opened if there is none; `opened` if so. */
  see(condition: Condition, at: number): { readonly alert: Alert; readonly opened: boolean };
  end(id: number, at: number): void;
  /** Removes what was over before a time, with what people said of it. */
  purge(endedBefore: number): void;
  /** When people were last told of the same thing. */
  lastNotified(condition: Condition): number | undefined;
  notified(id: number, at: number): void;
  /** Gives it to somebody who then has it. */
  assign(id: number, owner: string): void;
  comment(id: number, comment: AlertComment): void;
  snooze(id: number, until: number, by: string): void;
}

type Row = Record<string, unknown>;

export function alertStore(database: MetaDatabase): AlertStore {
  const read = (sql: string, ...values: (number | string)[]): Alert[] =>
    withComments(database, database.all(`SELECT * FROM alert ${sql}`, ...values));
  const run = (sql: string, ...values: (number | string | null)[]): void => {
    database.run(sql, ...values);
  };
  const open = ({ rule, object }: Condition): Alert | undefined =>
    read('WHERE rule = ? AND object = ? AND ended IS NULL', rule, object)[0];
  return {
    list: ({ ended, limit }) =>
      read(`WHERE ended IS ${ended ? 'NOT' : ''} NULL ORDER BY id DESC LIMIT ?`, limit),
    find: (id) => read('WHERE id = ?', id)[0],
    openCount: (visible) =>
      read(
        "WHERE ended IS NULL AND state = 'open' AND coalesce(snoozed, 0) < ?",
        Date.now(),
      ).filter((alert) => isShown(alert, visible)).length,
    see(condition, at) {
      const { rule, object, host, level, text } = condition;
      const known = open(condition);
      if (known === undefined) {
        run(
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
        run(
          'UPDATE alert SET last_at = ?, text = ?, level = ? WHERE id = ?',
          at,
          text,
          level,
          known.id,
        );
      }
      const alert = open(condition);
      if (alert === undefined) throw new Error('the alert was stored');
      return { alert, opened: known === undefined };
    },
    end: (id, at) =>
      run("UPDATE alert SET ended = ?, state = 'ended' WHERE id = ? AND ended IS NULL", at, id),
    purge: (endedBefore) =>
      database.transaction(() => {
        run(
          'DELETE FROM alert_comment WHERE alert_id IN (SELECT id FROM alert WHERE ended < ?)',
          endedBefore,
        );
        run('DELETE FROM alert WHERE ended < ?', endedBefore);
      }),
    lastNotified({ rule, object }) {
      const row = database.get(
        'SELECT max(notified) AS at FROM alert WHERE rule = ? AND object = ?',
        rule,
        object,
      );
      return numberOf(row?.['at']);
    },
    notified: (id, at) => run('UPDATE alert SET notified = ? WHERE id = ?', at, id),
    assign: (id, owner) =>
      run(
        "UPDATE alert SET state = 'acknowledged', owner = ? WHERE id = ? AND ended IS NULL",
        owner,
        id,
      ),
    comment: (id, { at, by, text }) =>
      run('INSERT INTO alert_comment(alert_id, at, by, text) VALUES(?, ?, ?, ?)', id, at, by, text),
    snooze: (id, until, by) =>
      run(
        'UPDATE alert SET snoozed = ?, owner = coalesce(owner, ?) WHERE id = ? AND ended IS NULL',
        until,
        by,
        id,
      ),
  };
}

/** What concerns no host is shown to those who see all of them. */
export function isShown({ host }: Condition, visible: readonly string[] | undefined): boolean {
  return visible === undefined || (host !== undefined && visible.includes(host));
}

function withComments(database: MetaDatabase, rows: readonly Row[]): Alert[] {
  const ids = rows.map(({ id }) => Number(id));
  if (ids.length === 0) return [];
  const comments = database.all<AlertComment & { readonly alert: number }>(
    'SELECT alert_id AS alert, at, by, text FROM alert_comment WHERE alert_id BETWEEN ? AND ? ORDER BY id',
    Math.min(...ids),
    Math.max(...ids),
  );
  const ofAlert = Map.groupBy(comments, ({ alert }) => alert);
  return rows.map((row, index) =>
    alertOf(
      row,
      (ofAlert.get(ids[index] ?? 0) ?? []).map(({ at, by, text }) => ({ at, by, text })),
    ),
  );
}

function alertOf(row: Row, comments: readonly AlertComment[]): Alert {
  return {
    id: Number(row['id']),
    rule: row['rule'] as Condition['rule'],
    object: String(row['object']),
    host: textOf(row['host']),
    level: row['level'] as Condition['level'],
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

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined;
const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' ? value : undefined;
