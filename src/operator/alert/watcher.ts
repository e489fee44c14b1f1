import type { Emergencies, Emergency } from '../../access/rights/emergency.ts';
import { isAway } from '../../broker/away.ts';
import { countOf, type Unread } from '../../broker/stream-reader.ts';
import type { Alone } from '../../broker/while-held.ts';
import { differingFiles } from '../../control/differing-files.ts';
import type { ProductionDescription } from '../../control/production-description.ts';
import { tolerate } from '../../error/foreseen.ts';
import type { Logger } from '../../log/logger.ts';
import { replacedPackage } from '../../time/own-package.ts';
import { pause } from '../../time/pause.ts';
import { type Remembered, remembered } from '../../time/remembered.ts';
import { type HourCounts, hourCounts, usualOf } from '../../trace/compared-hours.ts';
import type { TraceReader } from '../../trace/trace-store.ts';
import type { Engines } from '../engines.ts';
import type { LiveStream } from '../live/live-stream.ts';
import { isUnanswered } from '../unanswered.ts';
import type { Alert, AlertStore } from './alert-store.ts';
import {
  type AlertCondition,
  certificateObject,
  conditions,
  type Disk,
  disconnectedHosts,
  FAR_BEHIND,
  isShownByPeer,
  type Rule,
  type Seen,
  type SuspendedMessages,
  type UsualHour,
} from './condition.ts';
import type { Notifier } from './notifier.ts';
import { refusingHosts } from './room.ts';
import { LatestMessages } from './silence.ts';

export interface WatcherOptions {
  /** Its name. */
  readonly production: string;
  readonly engines: Pick<Engines, 'describe' | 'status' | 'certificates'>;
  readonly store: AlertStore;
  readonly notifier: Notifier;
  readonly emergencies: Pick<Emergencies, 'untold' | 'told'>;
  readonly trace: Pick<TraceReader, 'statistics' | 'hostHours' | 'failures' | 'find'>;
  /** What the plane itself writes to. */
  readonly disks: () => Promise<readonly Disk[]>;
  /** What NATS has room for. */
  readonly rooms: () => Promise<readonly Disk[]>;
  readonly live: Pick<LiveStream, 'tell'>;
  /** One operator plane watches, however many there are. */
  readonly alone: Alone;
  readonly failingSince: () => number | undefined;
  /** What the trace has not read, by stream. */
  readonly unread: () => Promise<readonly Unread[]>;
  readonly log: Logger;
  /** Milliseconds between two checks. Default 10 s. */
  readonly every?: number | undefined;
}

const EVERY = 10_000;
const HOUR = 3_600_000;
/** How long past alerts are kept. */
const KEPT = 365 * 24 * HOUR;

/**
 * Checks the production regularly, opens an alert for what is wrong, ends it once it is over, and
 * has people told of both.
 */
export function startWatcher(parts: WatcherOptions): { stop(): Promise<void> } {
  const { alone, log, every = EVERY } = parts;
  const stopping = new AbortController();
  const lasting = lastingThings(parts);
  const watching = alone(async (held) => {
    while (!held.aborted) {
      try {
        await look(parts, lasting, held);
      } catch (error) {
        tolerate(error, isUnanswered, 'looking for what is wrong');
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
  readonly standing: Lasting;
  readonly refusing: Lasting;
  readonly differing: Lasting;
  /** Read less often than the rest: there may be many. */
  readonly suspended: Remembered<ReadonlyMap<string, SuspendedMessages>>;
  readonly hours: HourCounts;
  readonly latest: LatestMessages;
  readonly engines: EngineCount;
}

const lastingThings = ({
  trace,
  every = EVERY,
}: Pick<WatcherOptions, 'trace' | 'every'>): LastingThings => ({
  disconnected: new Lasting(),
  behind: new Lasting(),
  standing: new Lasting(),
  refusing: new Lasting(),
  differing: new Lasting(),
  suspended: remembered(6 * every, () => suspendedMessages(trace)),
  hours: hourCounts(trace),
  latest: new LatestMessages(trace),
  engines: new EngineCount(),
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

/** One check of everything. What cannot be looked at now is neither wrong nor over: it stays as it was. */
async function look(
  parts: WatcherOptions,
  lasting: LastingThings,
  signal: AbortSignal,
): Promise<void> {
  const { store, live, notifier, production } = parts;
  const now = Date.now();
  const known = await described(parts);
  const description = known ?? UNKNOWN(production);
  const { seen, unseen } = await seenNow(parts, lasting, { description, now });
  const current = new Set<number>();
  const open: Alert[] = [];
  const inEmergency = await parts.emergencies.untold();
  const all = [
    ...conditions(seen),
    ...(await notifier.conditions(description)),
    ...inEmergency.map(emergencyCondition),
  ];
  for (const condition of all) {
    const { alert, opened } = await store.see(condition, now);
    current.add(alert.id);
    open.push(alert);
    if (opened) live.tell({ alerts: [{ id: alert.id, state: alert.state, host: alert.host }] });
  }
  for (const alert of await store.list({ ended: false, limit: 10_000 })) {
    const { id, host, rule } = alert;
    // without a description nothing is known of the hosts
    if (current.has(id) || unseen.has(rule) || known === undefined) continue;
    if (isUntold(alert, seen)) continue;
    await store.end(id, now);
    await notifier.over(alert);
    live.tell({ alerts: [{ id, state: 'ended', host }] });
  }
  await notifier.tell(open, description, signal);
  await parts.emergencies.told(inEmergency.map(({ id }) => id));
  await notifier.settle(description, signal);
  await store.purge(now - KEPT);
}

/** Milliseconds for which a peer's certificate that no engine reports stays as it was last reported. */
const UNTOLD = 24 * HOUR;

/**
 * Whether no engine reports a peer's certificate: the one that knew it is away, or has restarted and the
 * peer has not shown it again.
 */
function isUntold(alert: Alert, { certificates, description, now }: Seen): boolean {
  if (!isShownByPeer(alert) || now - alert.last > UNTOLD) return false;
  const { host, object } = alert;
  if (host !== undefined && !description.hosts.some(({ name }) => name === host)) return false;
  return !certificates.some((one) => certificateObject(one) === object);
}

/** What only engines know. */
const TOLD_BY_ENGINES: readonly Rule[] = [
  'queue',
  'wait',
  'silent',
  'disconnected',
  'disabled',
  'delayed',
  'refused',
  'certificate',
  'differ',
  'disk',
  'files',
  'program',
  'lost',
];

/** What can be seen now, and the rules about which nothing can be said. */
async function seenNow(
  parts: WatcherOptions,
  lasting: LastingThings,
  { description, now }: Pick<Seen, 'description' | 'now'>,
): Promise<{ readonly seen: Seen; readonly unseen: ReadonlySet<Rule> }> {
  const { engines, trace, unread: unreadNow, disks, rooms, failingSince } = parts;
  const reports = await engines.status();
  const noneAnswers = reports.length === 0;
  const unseen = new Set<Rule>(noneAnswers ? TOLD_BY_ENGINES : []);
  const ifRead = async <Value>(rule: Rule, reading: Promise<Value>): Promise<Value | undefined> => {
    try {
      return await reading;
    } catch (error) {
      tolerate(error, isUnanswered, `looking at ${rule}`);
      unseen.add(rule);
      return undefined;
    }
  };
  const unread = await ifRead('behind', unreadNow());
  const seen: Seen = {
    description,
    reports,
    replaced: await replacedPackage(),
    certificates: (await ifRead('certificate', engines.certificates())) ?? [],
    failures: (await ifRead('failed', recentFailures(trace, description, now))) ?? new Map(),
    usual: await ifRead('fewer', usualHours(lasting.hours, description, now)),
    latest: await ifRead('silent', lasting.latest.of(description, reports, now)),
    suspended: await ifRead('suspended', lasting.suspended.get()),
    disks: [...(await disks()), ...((await ifRead('disk', rooms())) ?? [])],
    disconnected: lasting.disconnected.see(
      noneAnswers ? undefined : disconnectedHosts(reports),
      now,
    ),
    refusing: lasting.refusing.see(noneAnswers ? undefined : refusingHosts(reports, now), now),
    differing: lasting.differing.see(
      noneAnswers ? undefined : [differingFiles(reports) ?? []].flat(),
      now,
    ),
    fewerEngines: lasting.engines.see(reports.length, now),
    behind: behindNow(lasting, unread, now),
    standing: standingNow(lasting.standing, unread, now),
    failingSince: failingSince(),
    now,
  };
  return { seen, unseen };
}

function emergencyCondition({ id, name, until, reason }: Emergency): AlertCondition {
  return {
    rule: 'emergency',
    object: `${name} ${id}`,
    host: undefined,
    level: 'warn',
    text: `${name} sees patient data unmasked in an emergency until ${new Date(until).toISOString()}: ${reason}`,
  };
}

/** Undefined if no engine has answered since this plane started. */
async function described({
  engines,
}: Pick<WatcherOptions, 'engines'>): Promise<ProductionDescription | undefined> {
  try {
    return await engines.describe();
  } catch (error) {
    tolerate(error, isAway, 'asking what the production consists of');
    return undefined;
  }
}

/** No answer from any engine is an alert even if none has ever answered. */
const UNKNOWN = (
  name: string,
): Pick<ProductionDescription, 'name' | 'title' | 'hosts' | 'alerts'> => ({
  name,
  title: name,
  hosts: [],
  alerts: undefined,
});

/** @param unread what the trace has not read; undefined if it cannot be counted */
function behindNow(
  { behind }: LastingThings,
  unread: readonly Unread[] | undefined,
  now: number,
): Seen['behind'] {
  const messages = unread === undefined ? 0 : countOf(unread);
  const names = messages > FAR_BEHIND ? ['trace'] : [];
  const since = behind.see(unread === undefined ? undefined : names, now).get('trace');
  return since === undefined ? undefined : { messages, since };
}

/** Streams of which something is unread, and nothing has been read for a while: each is named by where it stands. */
export function standingNow(
  standing: Lasting,
  unread: readonly Unread[] | undefined,
  now: number,
): Seen['standing'] {
  const still = unread?.filter((one) => one.unread > 0);
  const names = still?.map(({ stream, floor }) => `${stream} ${floor}`);
  const since = Math.min(...standing.see(names, now).values());
  return Number.isFinite(since) ? { messages: countOf(still ?? []), since } : undefined;
}

/** Counted only if somebody wants to be notified. */
async function recentFailures(
  trace: Pick<TraceReader, 'statistics'>,
  { hosts }: Pick<Seen['description'], 'hosts'>,
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

/** Milliseconds after which the trace is presumed to have the last message of an hour. */
const TRACED = 300_000;

/** The last whole hour of the hosts that are watched for fewer messages than usual, by this machine's clock. */
async function usualHours(
  counts: HourCounts,
  { hosts }: Pick<Seen['description'], 'hosts'>,
  now: number,
): Promise<Map<string, UsualHour>> {
  const at = Math.floor((now - TRACED) / HOUR) * HOUR - HOUR;
  const usual = new Map<string, UsualHour>();
  for (const { name, alert } of hosts) {
    if (alert?.fewer === undefined) continue;
    const found = await usualOf(counts, { at, zone: undefined, host: name });
    if (found !== undefined) usual.set(name, { at, ...found });
  }
  return usual;
}

/** How many engines answered lately. One that is taken away for good is forgotten after a day. */
export class EngineCount {
  #most = 0;
  /** When as many answered. */
  #at = 0;

  /** Undefined if no fewer answer than before. */
  see(count: number, now: number): Seen['fewerEngines'] {
    if (count >= this.#most || now - this.#at > 24 * HOUR) {
      this.#most = count;
      this.#at = now;
      return undefined;
    }
    return { most: this.#most, since: this.#at };
  }
}

/** Since when things have been as they are, as far as anyone looked: what one look does not find starts anew. */
export class Lasting {
  readonly #since = new Map<string, number>();

  /** Everything that is so now, and since when. Without names nobody could look, so it stays as it was. */
  see(names: readonly string[] | undefined, now: number): ReadonlyMap<string, number> {
    if (names === undefined) return new Map(this.#since);
    for (const known of this.#since.keys()) if (!names.includes(known)) this.#since.delete(known);
    for (const name of names) if (!this.#since.has(name)) this.#since.set(name, now);
    return new Map(this.#since);
  }
}
