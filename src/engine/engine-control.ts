import type { TestStep } from '../adapter/test-step.ts';
import type { CutStream } from '../broker/cut-streams.ts';
import type { Override } from '../broker/overrides.ts';
import { queueStates } from '../broker/queue-survey.ts';
import { type ControlServer, serveControl } from '../control/control.ts';
import type { RehearsalRequest } from '../definition/rehearsal.ts';
import type { HostStatus } from '../host/host.ts';
import type { CertificateReport, ShownCertificate } from './certificate-report.ts';
import { describeProduction } from './describe-production.ts';
import type { Director } from './director.ts';
import { type EndRequest, endInHand, endQueued } from './end-queued.ts';
import type { Engine } from './engine.ts';
import { type LeftQueue, leftQueues } from './left-queues.ts';
import { type Notification, notify } from './notify.ts';
import type { ReloadOrder } from './reloaded.ts';
import { type Discard, discardSuspended, type Resend, resendOnce } from './resend.ts';
import type { WaitingMessages } from './sleeper-line.ts';
import { sendTestMessage, type TestMessage } from './test-message.ts';

export interface QueueReport {
  readonly depth: number;
  /** When the oldest was stored; milliseconds since 1970. */
  readonly oldest: number | undefined;
}

/** One host as `waybill status` and the console show it. */
export interface HostReport extends HostStatus {
  /** Messages waiting in its queue; undefined for a host without one. */
  readonly queue: QueueReport | undefined;
  /** Messages that wait for a time or an answer outside its queue; told by the one engine that keeps the time. */
  readonly waiting?: WaitingMessages | undefined;
  readonly switchedOff:
    | { readonly by: string; readonly at: number; readonly reason: string }
    | undefined;
  /** What people set for a while. */
  readonly overrides: readonly Override[];
}

export interface StatusReport {
  readonly production: string;
  readonly title: string;
  readonly engine: number;
  readonly started: number;
  readonly hosts: readonly HostReport[];
  /** Messages that wait for hosts which the production has no longer; they are delivered once it has them again. */
  readonly left: readonly LeftQueue[];
  /** What NATS was found to have lost since this engine started. */
  readonly lost?: readonly CutStream[];
}

export interface SwitchRequest {
  readonly host: string;
  readonly by: string;
  readonly reason?: string;
}

/** Sets something for a host for a while; without `set` it ends now. */
export interface OverrideRequest extends Pick<Override, 'host' | 'kind'> {
  readonly set?: Override | undefined;
}

export interface ControlParts {
  readonly engine: Engine;
  readonly director: Director;
  readonly lost: () => readonly CutStream[];
  /** Reads the production again and, unless only asked to show, applies it. */
  readonly reload: (order: ReloadOrder) => Promise<unknown>;
  /** Runs a message as the files say now, without sending anything. */
  readonly rehearse: (request: RehearsalRequest, body: Uint8Array) => Promise<unknown>;
  readonly test: (host: string) => Promise<readonly TestStep[]>;
  /** What of the production ends some day, and of the console that asks. */
  readonly certificates: (
    shown: ShownCertificate | undefined,
  ) => Promise<readonly CertificateReport[]>;
  /** The public keys of the production's client assertions, as a JWKS document. */
  readonly publicKeys: () => Promise<unknown>;
  /** This engine's figures in the Prometheus text format. */
  readonly figures: () => Promise<string>;
}

/** Answers what the command line and the operator plane ask of this engine. */
export function engineControl(parts: ControlParts): ControlServer {
  const { engine, director } = parts;
  const { broker } = engine;
  const subject = (verb: string): string => broker.names.control(verb);
  const started = Date.now();
  const servers = [
    serveControl(broker, subject('status'), () => status(parts, started)),
    serveControl(broker, subject('queues'), () => director.queueStreams()),
    serveControl(broker, subject('stop'), async (request) => {
      const { host, by, reason = 'switched off' } = request as SwitchRequest;
      await director.switchOff(host, { by, reason, at: Date.now() });
    }),
    serveControl(broker, subject('start'), async (request) => {
      const { host } = request as SwitchRequest;
      await director.switchOn(host);
    }),
    serveControl(broker, subject('retry'), (request) =>
      director.retryNow((request as SwitchRequest).host),
    ),
    serveControl(broker, subject('override'), (request) => {
      const { host, kind, set } = request as OverrideRequest;
      return director.override({ host, kind }, set);
    }),
    serveControl(broker, subject('reload'), (request) => parts.reload(request as ReloadOrder)),
    serveControl(
      broker,
      subject('rehearse'),
      (request, body) => parts.rehearse(request as RehearsalRequest, body),
      true,
    ),
    serveControl(
      broker,
      subject('test'),
      (request) => parts.test((request as SwitchRequest).host),
      true,
    ),
    serveControl(
      broker,
      subject('resend'),
      (request, body) => resendOnce(engine, director, request as Resend, body),
      true,
    ),
    serveControl(
      broker,
      subject('discard'),
      (request) => discardSuspended(engine, request as Discard),
      true,
    ),
    serveControl(broker, subject('end'), (request) => endInHand(director, request as EndRequest)),
    serveControl(
      broker,
      subject('end-queued'),
      (request) => endQueued(engine, director, request as EndRequest),
      true,
    ),
    serveControl(
      broker,
      subject('notify'),
      (request) => notify(engine, director, request as Notification),
      true,
    ),
    serveControl(
      broker,
      subject('test-message'),
      (request, body) => sendTestMessage(engine, director, request as TestMessage, body),
      true,
    ),
    serveControl(broker, subject('describe'), () => describeProduction(director.definition), true),
    serveControl(broker, subject('certificates'), (request) =>
      parts.certificates((request as ShownCertificate | null) ?? undefined),
    ),
    serveControl(broker, subject('public-keys'), () => parts.publicKeys(), true),
    serveControl(broker, subject('figures'), () => parts.figures()),
  ];
  return {
    close() {
      for (const server of servers) server.close();
    },
  };
}

async function status(
  { engine, director, lost }: ControlParts,
  started: number,
): Promise<StatusReport> {
  const { name, title } = director.definition;
  const queues = await queueStates(engine.broker);
  const waiting = director.waiting();
  const hosts = await Promise.all(
    director.statuses().map(
      async (host): Promise<HostReport> => ({
        ...host,
        queue: director.hasQueue(host.host) ? (queues.get(host.host) ?? NO_MESSAGES) : undefined,
        waiting: waiting?.get(host.host),
        switchedOff: await director.switchedOff(host.host),
        overrides: director.overridesOf(host.host),
      }),
    ),
  );
  return {
    production: name,
    title,
    engine: engine.number,
    started,
    hosts,
    lost: lost(),
    left: leftQueues(queues, waiting ?? new Map(), (host) => director.hasQueue(host)),
  };
}

const NO_MESSAGES: QueueReport = { depth: 0, oldest: undefined };
