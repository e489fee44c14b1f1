import type { Alone } from '../../broker/while-held.ts';
import type { Logger } from '../../log/logger.ts';
import { pause } from '../../time/pause.ts';
import type { TraceReader } from '../../trace/trace-store.ts';
import type { Engines } from '../engines.ts';
import type { LiveStream } from '../live/live-stream.ts';
import { type Remembered, remembered } from '../remembered.ts';
import type { Alert, AlertStore } from './alert-store.ts';
import {
  conditions,
  type Disk,
  disconnectedHosts,
  FAR_BEHIND,
  type Seen,
  type SuspendedMessages,
} from './condition.ts';
import { Lasting } from './lasting.ts';

export interface WatcherOptions {
  readonly engines: Pick<Engines, 'describe' | 'status' | 'certificates' | 'notify'>;
  readonly store: AlertStore;
  readonly trace: Pick<TraceReader, 'statistics' | 'failures'>;
  /** What the plane and NATS write to. */
  readonly disks: () => Promise<readonly Disk[]>;
  readonly live: Pick<LiveStream, 'tell'>;
  /** One operator plane watches, however many there are. */
  readonly alone: Alone;
  readonly failingSince: () => number | undefined;
  /** How many messages the trace has not read. */
  readonly lag: () => Promise<number>;
  readonly log: Logger;
  /** Milliseconds between two checks. Default 10 s. */
  readonly every?: number | undefined;
}

const EVERY = 10_000;
const HOUR = 3_600_000;
/** How long past alerts are kept. */
const KEPT = 365 * 24 * HOUR;

/**
 * Checks the production regularly, opens an alert for what is wrong and ends it once it is over.
 * Those listed under the production's `alerts` are notified of a new one, through the production's
 * own operations, and not again about the same thing within `every`.
 */
export function startWatcher(parts: WatcherOptions): { stop(): Promise<void> } {
  const { alone, log, every = EVERY } = parts;
  const stopping = new AbortController();
  const lasting = lastingThings(parts);
  const watching = alone(async (held) => {
    while (!held.aborted) {
      try {
        await look(parts, lasting);
      } catch (error) {
        // NATS or the engines are away for the moment
        log.debug({ event: 'watch-failed', err: error }, 'watch-failed');
      }
      await pause(every, held, { ref: false });
    }
  }, stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await watching;
    },
  };
}

/** What is only wrong once it has lasted. */
interface LastingThings {
  readonly disconnected: Lasting;
  readonly behind: Lasting;
  /** Read less often than the rest: there may be many. */
  readonly suspended: Remembered<ReadonlyMap<string, SuspendedMessages>>;
}

const lastingThings = ({
  trace,
  every = EVERY,
}: Pick<WatcherOptions, 'trace' | 'every'>): LastingThings => ({
  disconnected: new Lasting(),
  behind: new Lasting(),
  suspended: remembered(6 * every, () => suspendedMessages(trace)),
});

async function suspendedMessages(
  trace: Pick<TraceReader, 'failures'>,
): Promise<ReadonlyMap<string, SuspendedMessages>> {
  const found = new Map<string, SuspendedMessages>();
  for (const { host, count, first } of await trace.failures({ status: ['suspended'] })) {
    const known = found.get(host) ?? { count: 0, oldest: first };
    found.set(host, { count: known.count + count, oldest: Math.min(known.oldest, first) });
  }
  return found;
}

/** One check of everything. */
export async function look(
  parts: Omit<WatcherOptions, 'alone' | 'every'>,
  lasting: LastingThings = lastingThings(parts),
): Promise<void> {
  const { engines, store, trace, live, failingSince } = parts;
  const now = Date.now();
  const reports = await engines.status();
  const description = await engines.describe();
  // what cannot be read now is checked next time
  const certificates = await engines.certificates().catch(() => []);
  // the same for the trace
  const failures = await recentFailures(trace, description, now).catch(() => new Map());
  const seen: Seen = {
    description,
    reports,
    certificates,
    failures,
    // what cannot be read now is read next time
    suspended: await lasting.suspended.get().catch(() => undefined),
    disks: await parts.disks(),
    disconnected: lasting.disconnected.see(disconnectedHosts(reports), now),
    behind: await behindNow(parts, lasting, now),
    failingSince: failingSince(),
    now,
  };
  const current = new Set<number>();
  for (const condition of conditions(seen)) {
    const { alert, opened } = await store.see(condition, now);
    current.add(alert.id);
    if (opened) live.tell({ alerts: [{ id: alert.id, state: alert.state, host: alert.host }] });
    await tellPeople(parts, alert, description);
  }
  for (const alert of await store.list({ ended: false, limit: 10_000 })) {
    const { id, host } = alert;
    if (current.has(id)) continue;
    await store.end(id, now);
    await tellOver(parts, alert, description);
    live.tell({ alerts: [{ id, state: 'ended', host }] });
  }
  await store.purge(now - KEPT);
}

async function behindNow(
  { lag }: Pick<WatcherOptions, 'lag'>,
  { behind }: LastingThings,
  now: number,
): Promise<Seen['behind']> {
  // what cannot be counted now is counted next time
  const messages = await lag().catch(() => 0);
  const since = behind.see(messages > FAR_BEHIND ? ['trace'] : [], now).get('trace');
  return since === undefined ? undefined : { messages, since };
}

/** Counted only if somebody wants to be notified. */
async function recentFailures(
  trace: Pick<TraceReader, 'statistics'>,
  { hosts }: Seen['description'],
  now: number,
): Promise<Map<string, number>> {
  const watched = hosts.filter(({ alert }) => alert?.failed !== undefined);
  const counts = new Map<string, number>();
  if (watched.length === 0) return counts;
  const names = watched.map(({ name }) => name);
  const query = { from: now - HOUR, to: now, step: HOUR, hosts: names };
  for (const { host, errors } of await trace.statistics(query))
    counts.set(host, (counts.get(host) ?? 0) + errors);
  return counts;
}

/** Those who were notified are also told that it is over. */
async function tellOver(
  { engines, store, log }: Pick<WatcherOptions, 'engines' | 'store' | 'log'>,
  alert: Alert,
  { alerts, title }: Seen['description'],
): Promise<void> {
  if (!alerts || alerts.to.length === 0) return;
  try {
    const told = await store.lastNotified(alert);
    if (told === undefined || told < alert.first) return;
    const since = new Date(alert.first).toISOString();
    const until = new Date().toISOString();
    await engines.notify({
      to: alerts.to,
      subject: `${title}: over: ${alert.text}`.slice(0, 200),
      text: `This is over: ${alert.text}\n\nFrom ${since} to ${until} (alert ${alert.id}, ${alert.rule}).`,
      key: `alert.${alert.rule}.${alert.object}.${alert.first}.over`,
    });
  } catch (error) {
    log.error({ event: 'alert-untold', err: error }, 'alert-untold');
  }
}

async function tellPeople(
  { engines, store, log }: Pick<WatcherOptions, 'engines' | 'store' | 'log'>,
  alert: Alert,
  { alerts, title }: Seen['description'],
): Promise<void> {
  if (!alerts || alerts.to.length === 0) return;
  const now = Date.now();
  if (alert.state !== 'open' || (alert.snoozed ?? 0) > now) return;
  const last = await store.lastNotified(alert);
  if (last !== undefined && (last >= alert.first || now - last < alerts.every)) return;
  try {
    await engines.notify({
      to: alerts.to,
      subject: `${title}: ${alert.text}`.slice(0, 200),
      text: `${alert.text}\n\nSince ${new Date(alert.first).toISOString()} (alert ${alert.id}, ${alert.rule}).`,
      key: `alert.${alert.rule}.${alert.object}.${alert.first}`,
    });
    await store.notified(alert.id, now);
  } catch (error) {
    log.error({ event: 'alert-untold', err: error }, 'alert-untold');
  }
}
