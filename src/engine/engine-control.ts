import type { CutStream } from '../broker/cut-streams.ts';
import { queueStates } from '../broker/queue-survey.ts';
import { type Answers, serveControl } from '../control/control.ts';
import type { HostReport, QueueReport, StatusReport } from '../control/engine-report.ts';
import type { ControlServer } from '../control/first-to-answer.ts';
import type { Notification, SentMessage, TestMessage } from '../control/orders.ts';
import { ENGINE } from '../control/verbs.ts';
import type { Definition } from '../definition/definition.ts';
import { versionOf } from '../definition/version-of.ts';
import { EngineError } from '../error/engine-error.ts';
import { inject } from '../flow/inject.ts';
import { inlineBody } from '../message/body.ts';
import { fileType } from '../peer/folder/file-type.ts';
import { diskSpace } from '../time/disk-space.ts';
import { openFiles } from '../time/open-files.ts';
import { replacedPackage } from '../time/own-package.ts';
import { describeSize } from '../time/size.ts';
import { bulkOrders } from './bulk-orders.ts';
import { describeProduction } from './describe-production.ts';
import { type Director, hostsOf } from './director.ts';
import { endInHand, endQueued } from './end-queued.ts';
import type { Engine } from './engine.ts';
import {
  batchesOf,
  closeBatch,
  removeState,
  statesOf,
  stateValue,
  subscribersOf,
  turnSubscriber,
  waitsOf,
} from './kept-work.ts';
import { closeLeft, collects } from './left-batches.ts';
import { leftQueues } from './left-queues.ts';
import { discardSuspended, reprocessOnce, resendOnce, singly } from './single-orders.ts';

/** The engine that is asked. */
export interface AskedEngine {
  readonly engine: Engine;
  readonly director: Director;
  /** Messages that NATS was found to have lost since it started. */
  readonly lost: () => readonly CutStream[];
  /** The folder that the engine writes to. */
  readonly data: string;
}

/** Verbs that need the production's files, its credentials or the engine's process. */
export type AnswersOfProcess = Pick<
  Answers<typeof ENGINE>,
  | 'reload'
  | 'history'
  | 'files'
  | 'fileText'
  | 'checkFiles'
  | 'changeFiles'
  | 'rehearse'
  | 'test'
  | 'certificates'
  | 'publicKeys'
  | 'tokenKeys'
  | 'inspectToken'
  | 'signToken'
  | 'waitingKeys'
  | 'makeKey'
  | 'takeCertificate'
  | 'discardKey'
  | 'figures'
>;

/** Answers the requests of the command line and the operator plane to this engine. */
export function engineControl(asked: AskedEngine, others: AnswersOfProcess): ControlServer {
  const { engine, director } = asked;
  const started = Date.now();
  return serveControl(engine.broker, ENGINE, {
    ...others,
    status: () => status(asked, started),
    queues: () => director.queueStreams(),
    start: ({ host }) => director.switchOn(host),
    stop: ({ host, by, reason = 'switched off' }) =>
      director.switchOff(host, { by, reason, at: Date.now() }),
    retry: ({ host }) => director.retryNow(host),
    override: ({ set, ...which }) => director.override(which, set),
    resend: (order, body) => resendOnce(asked, order, body),
    reprocess: (order, body) => reprocessOnce(asked, order, body),
    discard: (order) => discardSuspended(asked, order),
    carryOut: bulkOrders(engine, director),
    end: (order) => endInHand(director, order),
    endQueued: (order) => endQueued(engine, director, order),
    // null from a program before there were parts of it
    subscribers: (of) => subscribersOf(engine, director.definition, of ?? {}),
    turnSubscriber: (order) => turnSubscriber(engine, director.definition, order),
    batches: () => batchesOf(engine),
    closeBatch: (order) =>
      collects(director.definition, order.host)
        ? closeBatch(engine, order)
        : closeLeft(engine, director, order),
    waits: () => waitsOf(engine),
    states: (of) => statesOf(engine, of),
    stateValue: ({ key }) => stateValue(engine, key),
    removeState: (order) => removeState(engine, order),
    notify: (notification) => notify(director, notification),
    testMessage: (message, body) => sendTestMessage(asked, message, body),
    describe: () => describeProduction(director.definition),
  });
}

async function status(
  { engine, director, lost, data }: AskedEngine,
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
    files: versionOf(director.definition),
    hosts,
    lost: lost(),
    disk: await diskSpace(data),
    opened: await openFiles(),
    replaced: await replacedPackage(),
    left: leftQueues(queues, waiting ?? new Map(), (host) => director.hasQueue(host)),
  };
}

const NO_MESSAGES: QueueReport = { depth: 0, oldest: undefined };

/** The source of a message that did not come in through a service. */
const SOURCE = 'waybill';

/**
 * Sends a test message into a host: into a service as if its adapter had delivered it, into another
 * host as if it had been sent there. It goes the way of every message, including to real receivers;
 * everything made from it keeps the mark. Throws CONFIG_INVALID if the production does not accept
 * any.
 */
function sendTestMessage(
  asked: AskedEngine,
  { host, type, charset, name, by, ...given }: TestMessage,
  body: Uint8Array,
): Promise<SentMessage> {
  const { director } = asked;
  return singly(asked, {
    order: given.order,
    async run(handling, order) {
      const { source, to } = wayInto(director.definition, host, body);
      const envelope = {
        source,
        type: type ?? fileType(body, name ?? ''),
        charset,
        name,
        testBy: by,
      };
      const injected = { envelope, body: inlineBody(body), to, kind: 't', order };
      const { messageId, sessionId } = await inject(director, injected, (legs, store) =>
        handling.keep(legs, { ready: async () => undefined, store }),
      );
      return { messageId, sessionId };
    },
    made: (before) => before,
  });
}

/** The source and targets of a message for a host. */
function wayInto(
  definition: Definition,
  host: string,
  body: Uint8Array,
): { readonly source: string; readonly to: readonly string[] } {
  const { name, settings } = definition;
  if (!settings.testMessages) {
    throw new EngineError(
      'CONFIG_INVALID',
      `${name} takes no test messages; settings.testMessages: true in the production allows them; use it only where no patients are treated`,
    );
  }
  if (body.byteLength > settings.inlineLimit) {
    const limit = describeSize(settings.inlineLimit);
    throw new EngineError(
      'MESSAGE_TOO_LARGE',
      `a test message may have up to ${limit} (inlineLimit)`,
    );
  }
  const of = hostsOf(definition).find((one) => one.name === host);
  if (of === undefined)
    throw new EngineError('HOST_UNKNOWN', `there is no host ${host} in ${name}`);
  return of.kind === 'service' ? { source: host, to: of.to } : { source: SOURCE, to: [host] };
}

/**
 * Sends a notification as a plain text message through the production's own operations: queued,
 * retried and traced like every message. Its name is the subject.
 */
async function notify(
  director: Director,
  { to, subject: name, text, key }: Notification,
): Promise<{ readonly messageId: number }> {
  if (to.length === 0) throw new EngineError('HOST_UNKNOWN', 'the notification names no operation');
  const body = Buffer.from(`${name}\n\n${text}\n`);
  const { messageId } = await inject(director, {
    envelope: { source: SOURCE, type: 'text/plain', charset: 'utf-8', name },
    body: inlineBody(body),
    to,
    kind: 'n',
    order: key,
  });
  return { messageId };
}
