import type { Audit } from '../access/audit/audit.ts';
import { recorded } from '../access/audit/recorded.ts';
import type { Broker } from '../broker/broker.ts';
import { COMMAND_LINE, type ControlServer, hearControl, serveControl } from '../control/control.ts';
import type { OverrideRequest } from '../engine/engine-control.ts';
import { background } from '../error/background.ts';
import { type AbortOrder, abortTraced } from '../operator/abort.ts';
import { engines } from '../operator/engines.ts';
import { type ReplayOrder, type ResendOrder, replay, resendTraced } from '../operator/resend.ts';
import type { TraceStore } from '../trace/trace-store.ts';
import { serveTrace } from './trace-service.ts';
import type { Tracing } from './tracing.ts';

export interface Answering {
  readonly store: TraceStore;
  readonly tracing: Pick<Tracing, 'lag' | 'purge' | 'verify'>;
  /** Where what the command line orders is recorded. */
  readonly audit: () => Audit;
}

/** Removes what is settled and past its time. */
export interface PurgeOrder {
  /** Milliseconds, in place of the production's own time. */
  readonly keep?: number;
  readonly dryRun?: boolean;
  readonly by: string;
}

/** Compares the trace with the streams. */
export interface VerifyOrder {
  readonly repair: boolean;
  readonly by: string;
}

/** What the command line asks of the operator plane, over NATS. Of several operator planes one answers. */
export function answerQuestions(broker: Broker, parts: Answering): ControlServer[] {
  const { store, tracing, audit } = parts;
  const reached = engines(broker);
  const serve = (
    question: string,
    answer: (request: unknown, body: Uint8Array) => unknown,
  ): ControlServer => serveControl(broker, broker.names.ask(question), answer, true);
  const ordered = <Result>(
    action: string,
    object: string,
    { by, ...detail }: { readonly by: string } & Readonly<Record<string, unknown>>,
    run: () => Promise<Result>,
  ): Promise<Result> =>
    recorded(
      audit(),
      { actor: { name: by, via: COMMAND_LINE }, ip: '', action, object, detail },
      run,
    );
  return [
    ...HEARD.map((verb) => hearOrders(broker, verb, audit)),
    serveTrace(broker, store, audit),
    serve('purge', (request) => {
      const { by, ...order } = request as PurgeOrder;
      if (order.dryRun === true) return tracing.purge(order);
      return ordered('storage.purge', 'trace', { by, keep: order.keep }, () =>
        tracing.purge(order),
      );
    }),
    serve('verify', (request) => {
      const { repair, by } = request as VerifyOrder;
      if (!repair) return tracing.verify({ repair });
      return ordered('trace.repair', 'trace', { by }, () => tracing.verify({ repair }));
    }),
    serve('usage', () => store.usage()),
    serve('lag', () => tracing.lag()),
    serve('abort', (request) => {
      const order = request as AbortOrder;
      const { id, keep, by, reason } = order;
      const object = `message ${id}`;
      return ordered('message.abort', object, { by, keep, reason }, () =>
        abortTraced(reached, store, order),
      );
    }),
    serve('override', (request) => {
      const order = request as OverrideRequest & { readonly by: string };
      const { host, kind, set, by } = order;
      const action = set === undefined ? 'host.override_end' : 'host.override';
      const detail = { by, kind, level: set?.level, until: set?.until, reason: set?.reason };
      return ordered(action, `host ${host}`, detail, () => reached.override({ host, kind, set }));
    }),
    serve('resend', (request, body) => {
      const { edited, ...order } = request as Omit<ResendOrder, 'body'> & { edited?: boolean };
      const { id, to, by, reason } = order;
      const action = edited === true ? 'message.edit_resend' : 'message.resend';
      return ordered(action, `message ${id}`, { by, to, reason }, () =>
        resendTraced(broker, store, edited === true ? { ...order, body } : order),
      );
    }),
    serve('replay', (request) => {
      const order = request as ReplayOrder;
      const { host, from, to, into, by } = order;
      return ordered('message.replay', `host ${host}`, { by, from, to, into }, () =>
        replay(broker, store, order),
      );
    }),
  ];
}

/** What the command line orders of the engines themselves, so that it works without an operator plane. */
const HEARD = ['start', 'stop', 'retry', 'reload'] as const;

/** Records such orders as they are given, while an operator plane runs; what became of them stands in the event log. */
function hearOrders(
  broker: Broker,
  verb: (typeof HEARD)[number],
  audit: () => Audit,
): ControlServer {
  return hearControl(broker, broker.names.control(verb), 'audit', (request) => {
    const order = request as Partial<Record<'by' | 'via' | 'host' | 'reason', string>> & {
      readonly dryRun?: boolean;
    };
    // what the console orders is recorded there
    if (order.via !== COMMAND_LINE || order.dryRun === true) return;
    const { by = 'unknown', host, reason } = order;
    const object = host === undefined ? 'production' : `host ${host}`;
    const action = host === undefined ? 'config.deploy' : `host.${verb}`;
    const entry = { actor: { name: by, via: COMMAND_LINE }, ip: '', action, object };
    // the engines have done it already: there is nobody to refuse it to
    background(
      audit().record({ ...entry, outcome: 'done', detail: { reason } }),
      'recording an order of the command line',
    );
  });
}
