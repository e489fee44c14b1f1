import type { CertificateReport } from '../../control/certificate-report.ts';
import type { HostReport, StatusReport } from '../../control/engine-report.ts';
import type {
  HostDescription,
  ProductionDescription,
} from '../../control/production-description.ts';
import { lostText } from '../../log/events.ts';
import type { DiskSpace } from '../../time/disk-space.ts';
import { describeDuration } from '../../time/duration.ts';
import type { ReplacedPackage } from '../../time/own-package.ts';
import { diskConditions, refusedCondition } from './room.ts';
import { silentFor } from './silence.ts';

/** What work on a host causes. A loss, a certificate and a look in an emergency are reported all the same. */
export const HOST_RULES = [
  'queue',
  'wait',
  'silent',
  'fewer',
  'disconnected',
  'failed',
  'suspended',
  'disabled',
  'delayed',
] as const;

export const RULES = [
  ...HOST_RULES,
  'refused',
  'certificate',
  'engine',
  'differ',
  'trace',
  'behind',
  'disk',
  'files',
  'program',
  'lost',
  'channel',
  'nats',
  'emergency',
] as const;

export type Rule = (typeof RULES)[number];

/** Something that is wrong. Equal `rule` and `object` mean the same thing. */
export interface AlertCondition {
  readonly rule: Rule;
  /** A host, a credential, a disk, or the production. */
  readonly object: string;
  readonly host: string | undefined;
  readonly level: 'warn' | 'error';
  readonly text: string;
}

/** What the watcher has found. */
export interface Seen {
  readonly description: Pick<ProductionDescription, 'name' | 'hosts'>;
  readonly reports: readonly StatusReport[];
  /** The package of the plane itself, if it was replaced while it runs. */
  readonly replaced?: ReplacedPackage | undefined;
  readonly certificates: readonly CertificateReport[];
  /** Host → how many messages failed or were suspended there within the last hour. */
  readonly failures: ReadonlyMap<string, number>;
  /** Host → what came in the last whole hour, and what is usual; only hosts that are watched for it. */
  readonly usual?: ReadonlyMap<string, UsualHour> | undefined;
  /** Host → when its latest message came, if no engine that runs has had one; only hosts that are watched for silence. */
  readonly latest?: ReadonlyMap<string, number> | undefined;
  /** Host → how many messages are suspended there, and since when the oldest has been. */
  readonly suspended?: ReadonlyMap<string, SuspendedMessages> | undefined;
  /** What the plane itself writes to. */
  readonly disks?: readonly Disk[] | undefined;
  /** Host → since when it has had no connection on any engine. */
  readonly disconnected: ReadonlyMap<string, number>;
  /** Host → since when it has refused messages that could not be stored. */
  readonly refusing?: ReadonlyMap<string, number> | undefined;
  /** Fewer engines answer than lately: how many did, and since when they do not. */
  readonly fewerEngines?: { readonly most: number; readonly since: number } | undefined;
  /** What engines do not agree on which files they run (see `differingFiles`) → since when. */
  readonly differing?: ReadonlyMap<string, number> | undefined;
  /** How many messages the trace has not read, and since when it has been that far behind. */
  readonly behind?: { readonly messages: number; readonly since: number } | undefined;
  /** How many messages the trace has not read, and since when it has read none of a stream. */
  readonly standing?: { readonly messages: number; readonly since: number } | undefined;
  /** Since when the trace store has been failing. */
  readonly failingSince: number | undefined;
  readonly now: number;
}

export interface UsualHour {
  /** Start of the hour. */
  readonly at: number;
  readonly in: number;
  /** The median of the same hour of the last four weeks. */
  readonly usual: number;
}

export interface SuspendedMessages {
  readonly count: number;
  /** Milliseconds since 1970. */
  readonly oldest: number;
}

/** Something that messages are written to, and that may become full. */
export interface Disk extends DiskSpace {
  /** For people: `the disk of engine 0`. */
  readonly name: string;
  /** The host whose queue it is. */
  readonly host?: string | undefined;
}

const DAY = 86_400_000;

/** Everything that a person should know about now. */
export function conditions(seen: Seen): AlertCondition[] {
  const { description, reports, certificates, failures, failingSince, now } = seen;
  const { name } = description;
  const whole = (rule: Rule, text: string): AlertCondition => ({
    rule,
    object: name,
    host: undefined,
    level: 'error',
    text,
  });
  return [
    ...(reports.length === 0 ? [whole('engine', `no engine of ${name} answers`)] : []),
    ...enginesCondition(seen),
    ...differCondition(seen, whole),
    ...(failingSince === undefined
      ? []
      : [
          whole(
            'trace',
            `the trace store has been failing for ${describeDuration(now - failingSince)}`,
          ),
        ]),
    ...behindCondition(seen, whole),
    ...description.hosts.flatMap((host) => [
      ...hostConditions(host, seen),
      ...disconnectedCondition(host, seen),
      ...refusedCondition(host.name, seen),
      ...fewerCondition(host, seen.usual?.get(host.name)),
      ...failureCondition(host, failures.get(host.name) ?? 0),
      ...suspendedCondition(host, seen),
    ]),
    ...diskConditions(seen),
    ...filesConditions(reports),
    ...programConditions(reports, seen.replaced),
    ...certificates.flatMap((one) => certificateConditions(one, now)),
    ...lostConditions(reports, name),
  ];
}

/** Milliseconds (2 minutes) that an engine may be away: it is restarted within that. */
const ENGINE_AWAY = 120_000;

/** Some answer and some no longer: what runs on one engine has moved, and the next failure is nearer. */
function enginesCondition({
  description: { name },
  reports,
  fewerEngines,
  now,
}: Seen): AlertCondition[] {
  const answer = reports.length;
  if (fewerEngines === undefined || answer === 0 || now - fewerEngines.since < ENGINE_AWAY)
    return [];
  const away = describeDuration(now - fewerEngines.since);
  const text = `${answer} of ${fewerEngines.most} engines of ${name} ${answer === 1 ? 'answers' : 'answer'}, for ${away}`;
  return [{ rule: 'engine', object: `engines of ${name}`, host: undefined, level: 'warn', text }];
}

/** Milliseconds (2 minutes) that engines may run different files: they are started and changed one after another. */
const DIFFER_FOR = 120_000;

function differCondition(
  { differing, now, description: { name } }: Seen,
  whole: (rule: Rule, text: string) => AlertCondition,
): AlertCondition[] {
  return [...(differing ?? [])].flatMap(([what, since]) => {
    if (now - since < DIFFER_FOR) return [];
    const text = `engines of ${name} have run different files for ${describeDuration(now - since)} (${what}), so it depends on the engine what becomes of a message. Apply the same files to all of them; an engine of a copy needs another name of its production, or another NATS`;
    return [whole('differ', text)];
  });
}

/** Milliseconds (5 minutes) that a trace may be far behind: a burst is caught up with. */
const BEHIND_FOR = 300_000;
/** As many messages are read within a moment. */
export const FAR_BEHIND = 1_000;

function behindCondition(
  { behind, standing, now }: Seen,
  whole: (rule: Rule, text: string) => AlertCondition,
): AlertCondition[] {
  if (standing !== undefined && now - standing.since >= BEHIND_FOR) {
    const still = describeDuration(now - standing.since);
    const text = `the trace has stood still for ${still}, with messages that it has not read (${standing.messages}): what came since then is not found, and still shown as it was. Start the operator plane again`;
    return [whole('behind', text)];
  }
  if (behind === undefined || now - behind.since < BEHIND_FOR) return [];
  const { messages, since } = behind;
  const text = `the trace has been behind for ${describeDuration(now - since)}, by ${messages} messages now: what is searched for may not be there yet`;
  return [whole('behind', text)];
}

/** Milliseconds (10 minutes) without a connection, where a host does not say otherwise. */
const DISCONNECTED_FOR = 600_000;

function disconnectedCondition(
  { name, alert }: HostDescription,
  { disconnected, reports, now }: Seen,
): AlertCondition[] {
  const since = disconnected.get(name);
  if (since === undefined || now - since < (alert?.disconnected ?? DISCONNECTED_FOR)) return [];
  const error = reports
    .flatMap(({ hosts }) => hosts)
    .find((one) => one.host === name && one.lastError !== undefined)?.lastError;
  const why = error === undefined ? '' : `: ${error.text}`;
  const text = `${name} has had no connection for ${describeDuration(now - since)}${why}`;
  return [{ rule: 'disconnected', object: name, host: name, level: 'error', text }];
}

/** Hosts that run, of which no engine has a connection. */
export function disconnectedHosts(reports: readonly StatusReport[]): string[] {
  const all = reports.flatMap(({ hosts }) => hosts).filter(({ state }) => state === 'running');
  const lost = all.filter(({ connection }) => connection === 'disconnected');
  return [...new Set(lost.map(({ host }) => host))].filter(
    (name) =>
      !all.some(
        ({ host, connection }) =>
          host === name && (connection === 'connected' || connection === 'listening'),
      ),
  );
}

/** What NATS has lost, reported for as long as the engine that detected it runs. */
function lostConditions(reports: readonly StatusReport[], production: string): AlertCondition[] {
  const lost = reports.flatMap((report) => report.lost ?? []);
  return lost.map(({ host, ...range }) => ({
    rule: 'lost',
    object: `${range.stream} ${range.from}-${range.to}`,
    host,
    level: 'error',
    text: `${host === undefined ? `${production}: ` : ''}${lostText(host, range)}`,
  }));
}

function hostConditions(
  host: HostDescription,
  { reports, latest, now }: Pick<Seen, 'reports' | 'latest' | 'now'>,
): AlertCondition[] {
  const { name, alert } = host;
  const told = reports.flatMap((report) =>
    report.hosts
      .filter((one) => one.host === name)
      .map((one) => ({ ...one, started: report.started })),
  );
  const condition = (rule: Rule, level: AlertCondition['level'], text: string): AlertCondition => ({
    rule,
    object: name,
    host: name,
    level,
    text,
  });
  const silence = isQuiet(alert?.quiet, now)
    ? undefined
    : silentFor(host, told, { now, before: latest?.get(name) });
  const off = told.find(({ switchedOff }) => switchedOff?.by === 'waybill')?.switchedOff;
  return [
    ...(off ? [condition('disabled', 'error', `${name} stopped itself: ${off.reason}`)] : []),
    ...delayTexts(host, told, now).map((text) => condition('delayed', 'error', text)),
    ...queueTexts(host, told.find((one) => one.queue)?.queue, now).map(([rule, text]) =>
      condition(rule, 'warn', text),
    ),
    ...(silence === undefined
      ? []
      : [
          condition(
            'silent',
            'warn',
            `${name} has had no message for ${describeDuration(silence)}`,
          ),
        ]),
  ];
}

/** Milliseconds allowed for something that should be immediate. */
const DELAY = 30_000;

/** What the host is waiting for, on the engines that run it. */
function delayTexts({ name }: HostDescription, told: readonly HostReport[], now: number): string[] {
  const [delay] = told
    .flatMap(({ delayed }) => delayed ?? [])
    .toSorted((a, b) => a.since - b.since);
  if (delay === undefined || now - delay.since < DELAY) return [];
  return [`${name} has waited ${describeDuration(now - delay.since)}: ${delay.text}`];
}

function fewerCondition({ name, alert }: HostDescription, hour?: UsualHour): AlertCondition[] {
  const { fewer, quiet } = alert ?? {};
  if (fewer === undefined || hour === undefined || isQuiet(quiet, hour.at)) return [];
  if (hour.in >= (hour.usual * fewer) / 100) return [];
  const came = hour.in === 1 ? '1 message' : `${hour.in === 0 ? 'no' : hour.in} messages`;
  const text = `${came} arrived at ${name} in the hour from ${new Date(hour.at).toISOString()}, usual are ${Math.round(hour.usual)} (the median of that hour in the last four weeks)`;
  return [{ rule: 'fewer', object: name, host: name, level: 'warn', text }];
}

function failureCondition({ name, alert }: HostDescription, count: number): AlertCondition[] {
  const most = alert?.failed;
  if (most === undefined || count <= most) return [];
  const limit = most === 0 ? '' : `, more than ${most}`;
  const what = count === 1 ? 'message was' : 'messages were';
  const text = `${count} ${what} suspended or failed at ${name} within an hour${limit}`;
  return [{ rule: 'failed', object: name, host: name, level: 'error', text }];
}

/** Milliseconds (4 hours) that a message may wait for a person, where a host does not say otherwise. */
const SUSPENDED_FOR = 14_400_000;

function suspendedCondition(
  { name, alert }: HostDescription,
  { suspended, now }: Seen,
): AlertCondition[] {
  const waiting = suspended?.get(name);
  if (waiting === undefined || now - waiting.oldest < (alert?.suspended ?? SUSPENDED_FOR))
    return [];
  const { count, oldest } = waiting;
  const what = count === 1 ? '1 message waits' : `${count} messages wait`;
  const text = `${what} for a person at ${name}, the oldest for ${describeDuration(now - oldest)}`;
  return [{ rule: 'suspended', object: name, host: name, level: 'warn', text }];
}

/** Shares of what the system allows a process to have open. */
const MANY_FILES = 0.8;
const ALL_FILES = 0.95;

/** Without it nobody is told: the system cuts off who connects then, and the engine does not hear of it. */
function filesConditions(reports: readonly StatusReport[]): AlertCondition[] {
  return reports.flatMap(({ engine, opened }) => {
    if (opened === undefined) return [];
    const { open, most } = opened;
    if (open < MANY_FILES * most) return [];
    const text = `engine ${engine} has ${open} of ${most} files and connections open: beyond that, who connects is cut off, and nothing is sent. Raise the limit of its process (ulimit -n, LimitNOFILE), or lower maxConnections`;
    const level = open < ALL_FILES * most ? 'warn' : 'error';
    return [{ rule: 'files', object: `engine ${engine}`, host: undefined, level, text }];
  });
}

const ofProgram = (object: string, text: string): AlertCondition => ({
  rule: 'program',
  object,
  host: undefined,
  level: 'warn',
  text,
});

const foundText = ({ installed }: ReplacedPackage): string =>
  installed === undefined ? 'is gone' : `is of version ${installed} now`;

/** What is loaded on first use is then missing, or of another version: messages are retried, and nobody would know why. */
function programConditions(
  reports: readonly StatusReport[],
  own: ReplacedPackage | undefined,
): AlertCondition[] {
  const engines = reports.flatMap(({ engine, replaced }) =>
    replaced === undefined
      ? []
      : ofProgram(
          `engine ${engine}`,
          `engine ${engine} runs version ${replaced.runs}, and the program on its disk ${foundText(replaced)}: what it has not loaded yet fails. Start the engine again`,
        ),
  );
  // an engine and its plane in one process are started again together
  if (own === undefined || engines.length > 0) return engines;
  return [
    ofProgram(
      'plane',
      `the operator plane runs version ${own.runs}, and the program on its disk ${foundText(own)}: what it has not loaded yet fails. Start it again`,
    ),
  ];
}

function queueTexts(
  { name, alert }: HostDescription,
  queue: HostReport['queue'],
  now: number,
): ['queue' | 'wait', string][] {
  if (!queue) return [];
  const { depth, oldest } = queue;
  const texts: ['queue' | 'wait', string][] = [];
  if (alert?.queue !== undefined && depth > alert.queue) {
    texts.push(['queue', `${depth} messages are waiting for ${name}, more than ${alert.queue}`]);
  }
  if (alert?.wait !== undefined && oldest && now - oldest > alert.wait) {
    const waited = describeDuration(now - oldest);
    texts.push(['wait', `the oldest message for ${name} has waited ${waited}`]);
  }
  return texts;
}

/** What an alert about it is about. */
export const certificateObject = ({
  kind,
  name,
  hosts,
}: Pick<CertificateReport, 'kind' | 'name' | 'hosts'>): string =>
  kind === 'own' ? name : [kind, name, ...hosts].join(' ');

/**
 * Whether an alert is about what a peer showed: only engines that have seen it since they started know
 * of it.
 */
export const isShownByPeer = ({ rule, object }: Pick<AlertCondition, 'rule' | 'object'>): boolean =>
  rule === 'certificate' && object.startsWith('peer ');

function certificateConditions(report: CertificateReport, now: number): AlertCondition[] {
  const { kind, hosts, ends, problem } = report;
  const about = {
    rule: 'certificate',
    object: certificateObject(report),
    host: hosts.length === 1 && !hosts[0]?.includes(' ') ? hosts[0] : undefined,
  } as const;
  if (problem !== undefined) {
    return [{ ...about, level: 'error', text: `${WHOSE[kind](report)}: ${problem}` }];
  }
  if (ends === undefined || ends.warn > now) return [];
  const days = Math.floor((ends.at - now) / DAY);
  const when = days < 0 ? `expired ${-days} days ago` : `expires in ${days} days`;
  const subject = kind === 'revocation-list' ? '' : ` (${ends.subject})`;
  const level = ends.urgent <= now ? 'error' : 'warn';
  return [{ ...about, level, text: `${WHOSE[kind](report)}${subject} ${when}` }];
}

const WHOSE: Readonly<Record<CertificateReport['kind'], (report: CertificateReport) => string>> = {
  own: ({ name }) => `the certificate of ${name}`,
  authority: ({ name }) => `an authority that ${name} trusts`,
  peer: ({ name, hosts }) => `the certificate that ${name} shows to ${hosts.join(', ')}`,
  'revocation-list': ({ name, hosts }) => `the revocation list ${name} of ${hosts.join(', ')}`,
};

/** Whether a time of day, in this machine's zone, lies in `22:00-06:00`; such a span may cross midnight. */
export function isQuiet(span: string | undefined, at: number): boolean {
  const [, ...digits] = /^(\d\d?):(\d\d)-(\d\d?):(\d\d)$/.exec(span ?? '') ?? [];
  if (digits.length === 0) return false;
  const [fromHour = 0, fromMinute = 0, toHour = 0, toMinute = 0] = digits.map(Number);
  const [from, to] = [fromHour * 60 + fromMinute, toHour * 60 + toMinute];
  const time = new Date(at);
  const minute = time.getHours() * 60 + time.getMinutes();
  return from <= to ? minute >= from && minute < to : minute >= from || minute < to;
}
