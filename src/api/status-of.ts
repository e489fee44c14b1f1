import { isAway } from '../broker/away.ts';
import type { Broker } from '../broker/broker.ts';
import { unless } from '../error/foreseen.ts';
import { FAR_BEHIND } from '../operator/alert/condition.ts';
import { isWorkShown } from '../operator/alert/maintenance.ts';
import { isUnanswered } from '../operator/unanswered.ts';
import type { HostStatistics } from '../trace/traced-message.ts';
import { within } from '../web/within.ts';
import { visibleCertificates } from './certificate-users.ts';
import type { ApiContext } from './context.ts';
import type { Host } from './contract/host.ts';
import type { Status } from './contract/status.ts';
import { failuresOf } from './failures-of.ts';
import { hostsOf } from './hosts-of.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** Milliseconds that the dashboard waits for a store: the state of the hosts, from the engines, is more urgent. */
const STORE_LIMIT = 2_000;
/** How many certificates the dashboard names if they expire soon, earliest first. */
const CERTIFICATES = 5;

/** The dashboard for somebody who sees some or all hosts. */
export async function statusOf(
  context: ApiContext,
  visible: readonly string[] | undefined,
): Promise<Status> {
  const { engines, trace, alerts, alerting } = context;
  const now = Date.now();
  const minute = Math.floor(now / MINUTE) * MINUTE;
  const [description, reports, traced, openAlerts, work, lag, certificates, suspended] =
    await Promise.all([
      engines.describe(),
      engines.status(),
      within(
        STORE_LIMIT,
        Promise.all([
          trace.statistics({ from: now - 60 * MINUTE, to: now, step: MINUTE, hosts: visible }),
          failuresOf(context, { from: minute - DAY, visible, status: ['error'] }),
          failuresOf(context, { visible, status: ['suspended'] }),
        ]),
      ),
      within(STORE_LIMIT, alerts.openCount(visible)),
      within(STORE_LIMIT, alerting.maintenance.after(now)),
      context.lag().catch(unless(isUnanswered, 'measuring how far the trace is behind')),
      engines.certificates().catch(unless(isUnanswered, 'asking what expires')),
      suspendedCount(context.broker, visible),
    ]);
  const hosts = hostsOf(description, reports, visible);
  const kinds = new Map(hosts.map(({ name, kind }) => [name, kind]));
  const [hour, failed, waiting] = traced ?? [];
  return {
    production: description.name,
    title: description.title,
    at: now,
    engines: reports.map(({ engine, started }) => ({ engine, started })),
    hosts: hostCounts(hosts),
    queued: queuedOf(hosts),
    lastMinutes:
      hour &&
      rate(
        hour.filter(({ at }) => at >= minute - 5 * MINUTE && at < minute),
        kinds,
      ),
    lastHour: hour && rate(hour, kinds),
    suspended: suspendedOf(suspended, waiting && countOf(waiting), lag),
    errorsToday: failed && countOf(failed),
    openAlerts,
    plannedWork: work?.filter((one) => one.from <= now && isWorkShown(one, visible)).length,
    certificates: visibleCertificates(certificates ?? [], description, visible)
      .flatMap(({ kind, name, ends }) =>
        ends === undefined || ends.warn > now ? [] : [{ kind, name, ends: ends.at }],
      )
      .toSorted((a, b) => a.ends - b.ends)
      .slice(0, CERTIFICATES),
    trace: { lag, failingSince: context.failingSince() ?? silentSince(context, traced, now) },
  };
}

/** Since when the trace is missing from the dashboard. */
const silences = new WeakMap<ApiContext, number>();

function silentSince(context: ApiContext, traced: unknown, now: number): number | undefined {
  if (traced !== undefined) {
    silences.delete(context);
    return undefined;
  }
  const since = silences.get(context) ?? now;
  silences.set(context, since);
  return since;
}

/**
 * How many messages wait for a person: those in their stream, or those that the trace knows if these are more, since NATS
 * may have come back without them. A trace that is far behind shows some that were settled long ago.
 */
function suspendedOf(
  stored: number | undefined,
  traced: number | undefined,
  lag: number | undefined,
): number | undefined {
  if (stored === undefined || traced === undefined) return stored ?? traced;
  return lag === undefined || lag > FAR_BEHIND ? stored : Math.max(stored, traced);
}

const countOf = (groups: readonly { readonly count: number }[]): number =>
  sum(groups.map(({ count }) => count));

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

export function hostCounts(hosts: readonly Host[]): Status['hosts'] {
  const count = (...words: readonly Host['health'][]): number =>
    hosts.filter(({ health }) => words.includes(health)).length;
  return {
    total: hosts.length,
    running: count('running', 'inline'),
    retrying: count('retrying'),
    disconnected: count('disconnected'),
    stopped: count('stopped'),
    off: count('off'),
  };
}

export function queuedOf(hosts: readonly Host[]): Status['queued'] {
  const [first] = hosts
    .flatMap(({ name, queue }) => (queue?.oldest ? [{ host: name, at: queue.oldest }] : []))
    .toSorted((a, b) => a.at - b.at);
  return { messages: sum(hosts.map(({ queue }) => queue?.depth ?? 0)), oldest: first };
}

/** Messages in at services and out at operations; errors anywhere. */
function rate(
  parts: readonly HostStatistics[],
  kinds: ReadonlyMap<string, Host['kind']>,
): NonNullable<Status['lastHour']> {
  const of = (kind: Host['kind']): readonly HostStatistics[] =>
    parts.filter(({ host }) => kinds.get(host) === kind);
  return {
    in: sum(of('service').map((one) => one.in)),
    out: sum(of('operation').map(({ out }) => out)),
    errors: sum(parts.map(({ errors }) => errors)),
  };
}

/** Messages waiting for a person, counted in their own stream, however old, so without the trace; undefined without NATS. */
async function suspendedCount(
  { manager, names }: Broker,
  visible: readonly string[] | undefined,
): Promise<number | undefined> {
  const { stream, subjects } = names.suspended;
  const info = await manager.streams
    .info(stream, visible === undefined ? {} : { subjects_filter: subjects })
    .catch(unless(isAway, 'counting the suspended messages'));
  if (info === undefined) return undefined;
  if (visible === undefined) return info.state.messages;
  const counts = info.state.subjects ?? {};
  return visible.reduce((all, host) => all + (counts[names.suspended.subject(host)] ?? 0), 0);
}
