import type { MetaDatabase } from '../../access/meta/meta-database.ts';
import { type AlertCondition, HOST_RULES, type Rule } from './condition.ts';

/** Planned work, during which nobody is told of what it is expected to cause. It ends by itself. */
export interface Maintenance {
  readonly id: number;
  /** Empty if it is about the whole production. */
  readonly hosts: readonly string[];
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  readonly reason: string;
  readonly by: string;
}

/** Planned work, shared by all planes of the database. */
export interface MaintenanceStore {
  /** What ends after a time, the earliest first. */
  after(time: number): Promise<readonly Maintenance[]>;
  /** What was over before a time, the latest first. */
  before(time: number, limit: number): Promise<readonly Maintenance[]>;
  find(id: number): Promise<Maintenance | undefined>;
  plan(work: Omit<Maintenance, 'id'>): Promise<Maintenance>;
  /** Changes when it ends. Resolves to false if it is over by `now`. */
  move(id: number, to: number, now: number): Promise<boolean>;
}

export function maintenanceStore(database: MetaDatabase): MaintenanceStore {
  const read = async (sql: string, ...values: number[]): Promise<Maintenance[]> =>
    (await database.all(`SELECT * FROM maintenance ${sql}`, ...values)).map(maintenanceOf);
  return {
    after: (time) => read('WHERE to_at > ? ORDER BY from_at, id', time),
    before: (time, limit) =>
      read('WHERE to_at <= ? ORDER BY to_at DESC, id DESC LIMIT ?', time, limit),
    find: async (id) => (await read('WHERE id = ?', id))[0],
    async plan({ hosts, from, to, reason, by }) {
      const row = await database.get(
        'INSERT INTO maintenance(hosts, from_at, to_at, reason, by) VALUES(?, ?, ?, ?, ?) RETURNING *',
        JSON.stringify(hosts),
        from,
        to,
        reason,
        by,
      );
      return maintenanceOf(row ?? {});
    },
    move: async (id, to, now) =>
      (await database.run(
        'UPDATE maintenance SET to_at = ? WHERE id = ? AND to_at > ?',
        to,
        id,
        now,
      )) > 0,
  };
}

const maintenanceOf = (row: Readonly<Record<string, unknown>>): Maintenance => ({
  id: Number(row['id']),
  hosts: JSON.parse(String(row['hosts'])) as string[],
  from: Number(row['from_at']),
  to: Number(row['to_at']),
  reason: String(row['reason']),
  by: String(row['by']),
});

const OF_HOSTS: ReadonlySet<Rule> = new Set(HOST_RULES);
/** What work on the whole production causes besides. */
const OF_ALL: ReadonlySet<Rule> = new Set<Rule>(['engine', 'differ', 'trace', 'behind', 'nats']);

const HOUR = 3_600_000;
/** Milliseconds that what comes of planned work is still seen after it: a sender has to come back, the hour compared is a past one. */
const LINGERS: Readonly<Partial<Record<Rule, number>>> = {
  silent: 300_000,
  fewer: 2 * HOUR + 300_000,
};
/** The longest of these. */
const LINGERING = 3 * HOUR;

/** The planned work by which an alert is explained now, if any. */
export type Planned = (alert: Pick<AlertCondition, 'rule' | 'host'>) => Maintenance | undefined;

/** Reads what is planned, as of now. */
export async function plannedNow(
  store: Pick<MaintenanceStore, 'after'>,
  now: number,
): Promise<Planned> {
  const begun = (await store.after(now - LINGERING)).filter(({ from }) => from <= now);
  return ({ rule, host }) => {
    const isHosts = OF_HOSTS.has(rule);
    if (!isHosts && !OF_ALL.has(rule)) return undefined;
    return (
      begun
        // one that was given up before it began ends before that
        .filter(({ from, to }) => from < to && now < to + (LINGERS[rule] ?? 0))
        .filter(({ hosts }) =>
          hosts.length === 0 ? true : isHosts && host !== undefined && hosts.includes(host),
        )
        .toSorted((a, b) => b.to - a.to)[0]
    );
  };
}

/** Whether somebody sees planned work: one of its hosts is theirs, or it is about everything. */
export const isWorkShown = (
  { hosts }: Pick<Maintenance, 'hosts'>,
  visible: readonly string[] | undefined,
): boolean =>
  visible === undefined || hosts.length === 0 || hosts.some((one) => visible.includes(one));
