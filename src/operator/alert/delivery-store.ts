import type { MetaDatabase, MetaRow } from '../../access/meta/meta-database.ts';
import type { OnCallOverride } from './on-call.ts';

/** `due`: to be sent. `sending`: a plane is at it. `sent`: a message of the production that has no outcome yet. */
export type DeliveryState = 'due' | 'sending' | 'sent' | 'delivered' | 'failed';

/** One try to tell somebody of something. */
export interface AlertDelivery {
  readonly id: number;
  /** 0 for a test. */
  readonly alert: number;
  readonly news: 'open' | 'over' | 'test';
  /** Which step of the escalation. */
  readonly step: number;
  readonly recipient: string;
  /** How many tries there were before it. */
  readonly tried: number;
  readonly channel: string;
  readonly at: number;
  readonly state: DeliveryState;
  readonly messageId: number | undefined;
  /** Why it failed. */
  readonly text: string | undefined;
}

export type NewDelivery = Omit<AlertDelivery, 'id' | 'messageId' | 'text'>;

/** Whom alerts were sent to, and who is on call by exception; shared by all planes of the database. */
export interface DeliveryStore {
  /** Of alerts, oldest first. */
  of(alerts: readonly number[]): Promise<readonly AlertDelivery[]>;
  /** Records a try before it is made; undefined if another plane already makes it. */
  claim(delivery: NewDelivery): Promise<number | undefined>;
  settle(
    id: number,
    how: Pick<AlertDelivery, 'state'> & Partial<Pick<AlertDelivery, 'messageId' | 'text'>>,
  ): Promise<void>;
  /** Those that are due or have no outcome yet, oldest first. */
  unsettled(limit: number): Promise<readonly AlertDelivery[]>;
  /** The latest outcome of each channel. */
  latest(): Promise<readonly AlertDelivery[]>;
  /** Who is on call by exception and ends after a time. */
  overrides(after: number): Promise<readonly OnCallOverride[]>;
  addOverride(override: Omit<OnCallOverride, 'id'>): Promise<OnCallOverride>;
  /** Whether there was one. */
  removeOverride(id: number): Promise<boolean>;
}

/** Of how many alerts the database is asked at once. */
const AT_ONCE = 500;

// oxlint-disable-next-line max-lines-per-function -- one object of small queries
export function deliveryStore(database: MetaDatabase): DeliveryStore {
  const read = async (sql: string, ...values: (number | string)[]): Promise<AlertDelivery[]> =>
    (await database.all(`SELECT * FROM alert_delivery ${sql}`, ...values)).map(deliveryOf);
  return {
    async of(alerts) {
      const found: AlertDelivery[] = [];
      for (let n = 0; n < alerts.length; n += AT_ONCE) {
        const ids = alerts.slice(n, n + AT_ONCE);
        const marks = ids.map(() => '?').join(', ');
        found.push(...(await read(`WHERE alert_id IN (${marks}) ORDER BY id`, ...ids)));
      }
      return found;
    },
    async claim({ alert, news, step, recipient, tried, channel, at, state }) {
      const row = await database.get<{ id: number }>(
        `INSERT INTO alert_delivery(alert_id, news, step, recipient, tried, channel, at, state)
           VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id`,
        alert,
        news,
        step,
        recipient,
        tried,
        channel,
        at,
        state,
      );
      return row?.id;
    },
    async settle(id, { state, messageId, text }) {
      await database.run(
        'UPDATE alert_delivery SET state = ?, message_id = coalesce(?, message_id), text = ? WHERE id = ?',
        state,
        messageId ?? null,
        text ?? null,
        id,
      );
    },
    unsettled: (limit) =>
      read(`WHERE state IN ('due', 'sending', 'sent') ORDER BY id LIMIT ?`, limit),
    latest: () =>
      read(
        `WHERE id IN (SELECT max(id) FROM alert_delivery WHERE state IN ('sent', 'delivered', 'failed') GROUP BY channel)`,
      ),
    overrides: async (after) =>
      (await database.all('SELECT * FROM on_call WHERE to_at > ? ORDER BY from_at, id', after)).map(
        overrideOf,
      ),
    async addOverride({ from, to, who, by, reason }) {
      const row = await database.get(
        'INSERT INTO on_call(from_at, to_at, who, by, reason) VALUES(?, ?, ?, ?, ?) RETURNING *',
        from,
        to,
        who,
        by,
        reason,
      );
      return overrideOf(row ?? {});
    },
    removeOverride: async (id) => (await database.run('DELETE FROM on_call WHERE id = ?', id)) > 0,
  };
}

const overrideOf = (row: MetaRow): OnCallOverride => ({
  id: Number(row['id']),
  from: Number(row['from_at']),
  to: Number(row['to_at']),
  who: String(row['who']),
  by: String(row['by']),
  reason: String(row['reason']),
});

function deliveryOf(row: MetaRow): AlertDelivery {
  const { message_id: messageId, text } = row;
  return {
    id: Number(row['id']),
    alert: Number(row['alert_id']),
    news: row['news'] as AlertDelivery['news'],
    step: Number(row['step']),
    recipient: String(row['recipient']),
    tried: Number(row['tried']),
    channel: String(row['channel']),
    at: Number(row['at']),
    state: row['state'] as DeliveryState,
    messageId: messageId === null || messageId === undefined ? undefined : Number(messageId),
    text: typeof text === 'string' ? text : undefined,
  };
}
