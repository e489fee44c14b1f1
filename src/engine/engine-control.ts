import type { CutStream } from '../broker/cut-streams.ts';
import { queueStates } from '../broker/queue-survey.ts';
import { type Answers, type ControlServer, serveControl } from '../control/control.ts';
import type { HostReport, QueueReport, StatusReport } from '../control/engine-report.ts';
import { ENGINE } from '../control/verbs.ts';
import { diskSpace } from '../time/disk-space.ts';
import { describeProduction } from './describe-production.ts';
import type { Director } from './director.ts';
import { endInHand, endQueued } from './end-queued.ts';
import type { Engine } from './engine.ts';
import { leftQueues } from './left-queues.ts';
import { notify, sendTestMessage } from './own-messages.ts';
import { reprocessOnce } from './reprocess.ts';
import { discardSuspended, resendOnce } from './resend.ts';

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
    resend: (order, body) => resendOnce(engine, director, order, body),
    reprocess: (order, body) => reprocessOnce(engine, director, order, body),
    discard: (order) => discardSuspended(engine, order),
    end: (order) => endInHand(director, order),
    endQueued: (order) => endQueued(engine, director, order),
    notify: (notification) => notify(director, notification),
    testMessage: (message, body) => sendTestMessage(engine, director, message, body),
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
    hosts,
    lost: lost(),
    disk: await diskSpace(data),
    left: leftQueues(queues, waiting ?? new Map(), (host) => director.hasQueue(host)),
  };
}

const NO_MESSAGES: QueueReport = { depth: 0, oldest: undefined };
