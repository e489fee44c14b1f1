import { LRUCache } from 'lru-cache';
import type { HostReport, StatusReport } from '../../control/engine-report.ts';
import type {
  HostDescription,
  ProductionDescription,
} from '../../control/production-description.ts';
import { isInTurns, readSchedule, type Schedule } from '../../time/schedule.ts';
import type { TraceReader } from '../../trace/trace-store.ts';

/** What engines say of one host. */
export type Told = HostReport & { readonly started: number };

/** Milliseconds that senders have to come back once an engine has started. */
const COMING_BACK = 300_000;
const DAY = 86_400_000;

/**
 * For how long a host has had no message, if that is longer than its `silent` allows. The latest may have come to an
 * engine that was ended since (`before`, from the trace). By a schedule of days and times only the time since it was
 * switched on counts. Times given by cron are moments in which something has to come, so the time between them counts.
 */
export function silentFor(
  host: HostDescription,
  told: readonly Told[],
  { now, before }: { readonly now: number; readonly before: number | undefined },
): number | undefined {
  const { alert, enabled, schedule } = host;
  if (alert?.silent === undefined) return undefined;
  const inTurns = enabled && schedule !== undefined && isInTurns(schedule);
  const watched = told.filter(
    ({ state, switchedOff }) => state === 'running' || (inTurns && switchedOff === undefined),
  );
  if (watched.length === 0) return undefined;
  const activity = watched.flatMap(({ lastActivity }) => lastActivity ?? []);
  const started = Math.min(...watched.map((one) => one.started));
  if (activity.length === 0 && now - started < Math.min(alert.silent, COMING_BACK)) {
    return undefined;
  }
  const last = latestOf(activity, before) ?? started;
  // most are not: looking through schedules takes time
  if (now - last <= alert.silent) return undefined;
  const silence = now - Math.max(last, inTurns ? 0 : onSinceOf(schedule, now));
  return silence > alert.silent ? silence : undefined;
}

const latestOf = (activity: readonly number[], before: number | undefined): number | undefined =>
  activity.length === 0 ? before : Math.max(...activity, before ?? 0);

/** Schedules switch on the minute. */
const MINUTE = 60_000;
const switched = new LRUCache<string, { readonly minute: number; readonly since: number }>({
  max: 1_000,
});

/**
 * Since when a host has been on by its schedule; 0 if always, or for longer than a week. Kept for a minute: a look takes
 * up to a tenth of a second, and many hosts may have the same schedule.
 */
function onSinceOf(schedule: string | undefined, now: number): number {
  if (schedule === undefined) return 0;
  const minute = Math.floor(now / MINUTE);
  const before = switched.get(schedule);
  if (before?.minute === minute) return before.since;
  const read = readSchedule(schedule);
  const since =
    'problem' in read ? 0 : onSince(read, now - DAY, now) || onSince(read, now - 8 * DAY, now);
  switched.set(schedule, { minute, since });
  return since;
}

function onSince(read: Schedule, from: number, now: number): number {
  let since = 0;
  let at = from;
  let wasOn = read.isOn(at);
  for (
    let next = read.nextSwitch(at);
    next !== undefined && next <= now;
    next = read.nextSwitch(at)
  ) {
    at = next;
    const isOn = read.isOn(at);
    if (isOn && !wasOn) since = at;
    wasOn = isOn;
  }
  return since;
}

/** Milliseconds for which the latest message of a host in the trace is trusted: its engine reports a newer one. */
const BELIEVED = 60_000;

/** When the latest message came to hosts that are watched for silence, and for which no running engine reports one. */
export class LatestMessages {
  readonly #trace: Pick<TraceReader, 'find'>;
  readonly #known = new Map<string, { readonly at: number | undefined; readonly asked: number }>();

  constructor(trace: Pick<TraceReader, 'find'>) {
    this.#trace = trace;
  }

  async of(
    { hosts }: Pick<ProductionDescription, 'hosts'>,
    reports: readonly StatusReport[],
    now: number,
  ): Promise<ReadonlyMap<string, number>> {
    const active = new Set(
      reports.flatMap((report) =>
        report.hosts.flatMap(({ host, lastActivity }) => (lastActivity === undefined ? [] : host)),
      ),
    );
    const found = new Map<string, number>();
    for (const { name, kind, alert } of hosts) {
      if (alert?.silent === undefined || active.has(name)) continue;
      const at = await this.#latest(name, kind, now);
      if (at !== undefined) found.set(name, at);
    }
    return found;
  }

  async #latest(
    host: string,
    kind: HostDescription['kind'],
    now: number,
  ): Promise<number | undefined> {
    const known = this.#known.get(host);
    if (known !== undefined && now - known.asked < BELIEVED) return known.at;
    const page = await this.#trace.find({
      ...(kind === 'service' ? { source: host } : { target: host }),
      limit: 1,
    });
    const at = page.items[0]?.created;
    this.#known.set(host, { at, asked: now });
    return at;
  }
}
