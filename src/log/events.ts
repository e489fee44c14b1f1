import { describeError } from '../error/engine-error.ts';
import { described, type Unexpected } from '../error/unexpected.ts';
import type { Envelope } from '../message/message.ts';
import type { HostRecord, LostRange, RecordedError } from '../message/record.ts';
import type { Outcome } from '../message/status.ts';
import { unexpectedFields } from './log-unexpected.ts';
import type { HostLogs, Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';
import { Repeated } from './repeated.ts';

/**
 * Everything an engine reports: each event is a log line, a counter and, for hosts, a record of the
 * event log for operators, so that these always agree. Normal operation logs nothing above debug. A
 * message is logged by id, type and size only.
 */
export interface Events {
  accepted(host: string, message: Envelope, duplicate: boolean, took: number): void;
  refused(host: string, error: unknown): void;
  settled(
    host: string,
    message: Envelope,
    status: Outcome,
    times: { sending: number; total: number },
  ): void;
  /** A try failed and will be repeated; `event` is its name in the log if nothing was sent. */
  retrying(
    host: string,
    message: Envelope,
    failure: { attempt: number; error: RecordedError; event?: string },
  ): void;
  hostStarted(host: string): void;
  hostStopped(host: string, why: string, by?: string): void;
  /** The operation stopped itself; its message is back at the head. */
  hostDisabled(host: string, error: RecordedError): void;
  connected(host: string, detail: string | undefined): void;
  connectionLost(host: string, error: unknown, next: number): void;
  /** An event from an adapter through `lent.event`. */
  told(host: string, level: HostRecord['level'], event: string, text: string | PartlyLogged): void;
  /** NATS came back without messages that it had acknowledged; they were in the queue of `host`. */
  messagesLost(host: string | undefined, range: LostRange & { readonly isGone?: true }): void;
  configurationChanged(text: string, by?: string): void;
  brokerStatus(
    status: 'connected' | 'disconnected' | 'unreachable' | 'waiting' | 'refused' | 'denied',
    detail?: string,
  ): void;
  /** An unexpected error; see `hearUnexpected`. */
  unexpected(one: Unexpected): void;
}

/** A text with a part that is left out of the log but is in the event log for operators. */
export interface PartlyLogged {
  readonly text: string;
  readonly unlogged?: string | undefined;
}

export interface EventsOptions {
  readonly production: string;
  readonly log: Logger;
  readonly hosts: HostLogs;
  readonly metrics: Metrics;
  /** Stores a host event for operators; failures are left to the caller. */
  readonly record: (record: HostRecord) => void;
}

const describe = ({ id, sessionId, type, size }: Envelope): object => ({
  messageId: id,
  sessionId,
  type,
  size,
});

/** What to do if NATS no longer accepts the sign-in. */
export const SIGN_IN_REFUSED =
  'NATS refuses the user or password that it took before. Nothing is accepted or sent until it takes them again (tried every 2 s), or until this process is started with the new ones (--nats, WAYBILL_NATS).';

/** What a NATS server does not let a process do, by its own words. */
export const deniedText = (said: string): string =>
  `NATS refuses something that this process needs: ${said}. Permit it to its user, or raise the limit of its account, then start this process again if it does not go on.`;

/** The text for people. */
export function lostText(host: string | undefined, { stream, from, to }: LostRange): string {
  const count = to - from + 1;
  const why = 'NATS came back without them, after a power failure or with a damaged disk';
  if (host === undefined) {
    return `${count} records of ${stream} (${from} to ${to}) are gone: ${why}. What was sent shortly before may be sent again, marked as a possible duplicate.`;
  }
  const what = count === 1 ? 'message' : 'messages';
  return `${count} ${what} for ${host} (${from} to ${to}) are gone: ${why}. Those that the trace had read and that were not settled are errors there and can be resent; ask the senders for others.`;
}

// oxlint-disable-next-line max-lines-per-function -- one entry for each event
export function events({ production, log, hosts, metrics, record }: EventsOptions): Events {
  const hostEvent = (
    host: string,
    level: HostRecord['level'],
    event: string,
    {
      text,
      by,
      lost,
      unlogged,
      fields = {},
    }: {
      text: string;
      by?: string | undefined;
      lost?: LostRange;
      unlogged?: string | undefined;
      fields?: object;
    },
  ): void => {
    metrics.events.inc({ production, host, event });
    const logged =
      unlogged === undefined || unlogged === '' ? text : text.replaceAll(unlogged, '…');
    hosts.of(host)[level]({ event, text: logged, ...fields }, event);
    record({ kind: 'host', host, event, level, at: Date.now(), text, by, lost });
  };

  const refusals = new Repeated();

  return {
    accepted(host, message, duplicate, took) {
      metrics.accepted.inc({ production, host });
      if (duplicate) metrics.duplicates.inc({ production, host });
      metrics.acceptSeconds.observe({ production, host }, took / 1_000);
      hosts.of(host).debug({ event: 'message-accepted', duplicate, ...describe(message) });
    },
    refused(host, error) {
      metrics.refused.inc({ production, host });
      refusals.tell(`${describeError(error).code} ${host}`, (times) =>
        hosts.of(host).warn({ event: 'message-refused', times, err: error }, 'message-refused'),
      );
    },
    settled(host, message, status, { sending, total }) {
      metrics.settled.inc({ production, host, status });
      metrics.sendSeconds.observe({ production, host }, sending / 1_000);
      metrics.totalSeconds.observe({ production, host }, total / 1_000);
      // a rule that discards is normal operation
      if (status === 'completed' || status === 'discarded')
        hosts.of(host).debug({ event: 'message-settled', status, ...describe(message) });
      else
        hosts
          .of(host)
          .warn({ event: 'message-settled', status, ...describe(message) }, 'message-settled');
    },
    retrying(host, message, { attempt, error, event = 'send-failed' }) {
      metrics.retries.inc({ production, host });
      const logger = hosts.of(host);
      const level = attempt === 1 ? 'warn' : 'debug';
      logger[level]({ event, attempt, code: error.code, ...describe(message) }, event);
    },
    hostStarted(host) {
      metrics.hostUp.set({ production, host }, 1);
      hostEvent(host, 'info', 'host-started', { text: 'started' });
    },
    hostStopped(host, why, by) {
      metrics.hostUp.set({ production, host }, 0);
      metrics.connectionUp.set({ production, host }, 0);
      hostEvent(host, 'info', 'host-stopped', { text: why, by });
    },
    hostDisabled(host, error) {
      metrics.hostUp.set({ production, host }, 0);
      hostEvent(host, 'error', 'host-disabled', { text: error.text, fields: { code: error.code } });
    },
    connected(host, detail) {
      metrics.connectionUp.set({ production, host }, 1);
      hostEvent(host, 'info', 'connected', { text: detail ?? 'connected' });
    },
    connectionLost(host, error, next) {
      metrics.connectionUp.set({ production, host }, 0);
      const { code, text } = describeError(error);
      hostEvent(host, 'warn', 'connection-lost', {
        text,
        fields: { code, next: Math.round(next) },
      });
    },
    told(host, level, event, text) {
      hostEvent(host, level, event, typeof text === 'string' ? { text } : text);
    },
    messagesLost(host, { stream, from, to, isGone }) {
      const text = lostText(host, { stream, from, to });
      const fields = { stream, from, to, count: to - from + 1 };
      // of a stream that is gone other engines may know more
      const lost = { stream, from, to: isGone === true ? Number.MAX_SAFE_INTEGER : to };
      hostEvent(host ?? '', 'error', 'messages-lost', { text, lost, fields });
    },
    configurationChanged(text, by) {
      hostEvent('', 'info', 'configuration-changed', { text, by });
    },
    brokerStatus(status, detail = '') {
      if (status === 'denied')
        return hostEvent('', 'error', 'nats-denied', { text: deniedText(detail) });
      const event = `nats-${status}`;
      metrics.events.inc({ production, host: '', event });
      if (status === 'refused') log.error({ event, text: SIGN_IN_REFUSED }, event);
      else log.warn({ event, ...(detail === '' ? {} : { text: detail }) }, event);
    },
    unexpected(one) {
      hostEvent('', 'error', 'unexpected-error', {
        text: described(one),
        fields: unexpectedFields(one, log.level),
      });
    },
  };
}
