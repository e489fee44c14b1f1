import {
  type Audit,
  type AuditEntry,
  type Look,
  lookRecorder,
  recorded,
} from '../access/audit/audit.ts';
import type { Bodies } from '../broker/bodies.ts';
import type { Broker } from '../broker/broker.ts';
import { hearControl, serveControl } from '../control/control.ts';
import type { ControlServer } from '../control/first-to-answer.ts';
import { COMMAND_LINE, type OpenAlert } from '../control/orders.ts';
import { ENGINE, PLANE, TRACE } from '../control/verbs.ts';
import { background } from '../error/background.ts';
import { EngineError } from '../error/engine-error.ts';
import { abortOrDiscard } from '../operator/abort.ts';
import type { Alerting } from '../operator/alert/alerting.ts';
import { endWork, planWork, workOn } from '../operator/alert/plan-work.ts';
import { type Engines, engines } from '../operator/engines.ts';
import { rehearseAll } from '../operator/rehearse-all.ts';
import { replay, reprocessTraced, resendTraced } from '../operator/resend.ts';
import type { TraceReader, TraceStore } from '../trace/trace-store.ts';
import type { Tracing } from './tracing.ts';

/** Milliseconds after which the results so far are returned. */
const REHEARSING = 10_000;

export interface Answering {
  readonly store: TraceStore;
  readonly tracing: Pick<Tracing, 'lag' | 'purge' | 'verify'>;
  readonly bodies: Bodies;
  /** Where orders from the command line are recorded. */
  readonly audit: () => Audit;
  /** Undefined where there is no console, which is where alerts are watched. */
  readonly alerting: () => Alerting | undefined;
}

/** More than anybody reads; the rest is in the console. */
const MOST_ALERTS = 1_000;

/** What watches for alerts. */
function watching(alerting: Answering['alerting']): Alerting {
  const found = alerting();
  if (found !== undefined) return found;
  throw new EngineError('NOT_FOUND', 'no console runs: alerts are watched and sent by it');
}

async function openAlerts({ store }: Alerting): Promise<readonly OpenAlert[]> {
  const all = await store.list({ ended: false, limit: MOST_ALERTS });
  return all.flatMap(({ id, state, level, rule, host, text, first, owner }) =>
    state === 'ended' ? [] : [{ id, state, level, rule, host, text, first, owner }],
  );
}

/**
 * Answers the command line's requests to the operator plane over NATS. Only one of several operator planes
 * answers.
 */
// oxlint-disable-next-line max-lines-per-function -- a table: one entry for each verb that people may ask
export function answerQuestions(broker: Broker, parts: Answering): ControlServer[] {
  const { store, tracing, bodies, audit, alerting } = parts;
  const reached = engines(broker);
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
    ...hearOrders(broker, audit),
    serveTrace(broker, store, audit),
    serveControl(broker, PLANE, {
      testAlerts: ({ channels, by }) =>
        ordered('alert.test', 'channels', { by, channels }, async () =>
          watching(alerting).test(channels.length === 0 ? undefined : channels, by),
        ),
      alerts: () => openAlerts(watching(alerting)),
      planned: async () => watching(alerting).maintenance.after(Date.now()),
      plan: (order) =>
        ordered('maintenance.plan', workOn(order.hosts), { ...order }, async () =>
          planWork({ ...watching(alerting), engines: reached }, order),
        ),
      planUntil: (order) =>
        ordered('maintenance.until', `maintenance ${order.id}`, { ...order }, async () =>
          endWork(watching(alerting), order.id, order.to),
        ),
      purge({ by, ...order }) {
        if (order.dryRun === true) return tracing.purge(order);
        return ordered('storage.purge', 'trace', { by, keep: order.keep }, () =>
          tracing.purge(order),
        );
      },
      verify({ repair, by }) {
        if (!repair) return tracing.verify({ repair });
        return ordered('trace.repair', 'trace', { by }, () => tracing.verify({ repair }));
      },
      lag: () => tracing.lag(),
      abort(order) {
        const { id, keep, by, reason } = order;
        return ordered('message.abort', `message ${id}`, { by, keep, reason }, () =>
          abortOrDiscard(reached, store, order),
        );
      },
      override({ by, ...order }) {
        const { host, kind, set } = order;
        const action = set === undefined ? 'host.override_end' : 'host.override';
        const detail = { by, kind, level: set?.level, until: set?.until, reason: set?.reason };
        return ordered(action, `host ${host}`, detail, () => reached.override(order));
      },
      resend({ edited, ...order }, body) {
        const { id, to, by, reason } = order;
        const action = edited ? 'message.edit_resend' : 'message.resend';
        return ordered(action, `message ${id}`, { by, to, reason }, () =>
          resendTraced(broker, store, order, edited ? body : undefined),
        );
      },
      reprocess(order) {
        const { id, targets, dryRun, by, reason } = order;
        const detail = { by, targets, dryRun, reason };
        return ordered('message.reprocess', `message ${id}`, detail, () =>
          reprocessTraced(broker, store, order),
        );
      },
      replay(order) {
        const { host, from, to, into, reprocess, by } = order;
        return ordered('message.replay', `host ${host}`, { by, from, to, into, reprocess }, () =>
          replay(broker, store, order),
        );
      },
      rehearse({ ids, run, by }) {
        const trying = {
          trace: store,
          bodies,
          rehearse: (...asked: Parameters<Engines['rehearse']>) => reached.rehearse(...asked),
        };
        const detail = { by, messages: ids.length, run };
        return ordered('message.rehearse', 'messages', detail, () =>
          rehearseAll(trying, ids, { run, budget: REHEARSING }),
        );
      },
    }),
  ];
}

/**
 * Records, while an operator plane runs, what the command line orders directly from the engines,
 * which do not need one. The results are in the event log.
 */
function hearOrders(broker: Broker, audit: () => Audit): ControlServer[] {
  const record = (by: string, act: Pick<AuditEntry, 'action' | 'object' | 'detail'>): void =>
    // the engines have already done it, so it can no longer be refused
    background(
      audit().record({ ...act, actor: { name: by, via: COMMAND_LINE }, ip: '', outcome: 'done' }),
      'recording an order of the command line',
    );
  const switches = (['start', 'stop', 'retry'] as const).map((verb) =>
    hearControl(broker, ENGINE[verb], 'audit', ({ by, via, host, reason }) => {
      // orders from the console are recorded there
      if (via !== COMMAND_LINE) return;
      record(by, { action: `host.${verb}`, object: `host ${host}`, detail: { reason } });
    }),
  );
  const reload = hearControl(broker, ENGINE.reload, 'audit', ({ by, via, dryRun, reason }) => {
    if (via !== COMMAND_LINE || dryRun) return;
    record(by, { action: 'config.deploy', object: 'production', detail: { reason } });
  });
  const back = hearControl(broker, ENGINE.changeFiles, 'audit', ({ by, via, version, reason }) => {
    if (via !== COMMAND_LINE) return;
    record(by, { action: 'config.roll_back', object: 'production', detail: { version, reason } });
  });
  return [...switches, reload, back];
}

/**
 * Reads the trace for the command line, which may not reach the store itself. Anything that shows
 * patient data is recorded first.
 */
export function serveTrace(broker: Broker, reader: TraceReader, audit: () => Audit): ControlServer {
  const record = lookRecorder();
  const seen = (by: string, look: Look): Promise<void> => {
    const detail = { ...look.detail, assertedBy: 'client' };
    const entry = { ...look, detail, actor: { name: by, via: COMMAND_LINE }, ip: '' };
    return record(audit(), entry, async () => undefined);
  };
  return serveControl(broker, TRACE, {
    async find({ query, by }) {
      // the next page counts as the same view
      const { after: _after, from: _from, to: _to, timeBudget: _time, ...criteria } = query;
      await seen(by, { action: 'message.search', object: 'messages', detail: { criteria } });
      return reader.find(query);
    },
    async quickFind({ text, limit, by }) {
      const detail = { search: { text } };
      await seen(by, { action: 'message.find', object: 'messages', detail });
      return reader.quickFind(text, { limit });
    },
    fields: () => reader.fields(),
    indexing: () => reader.indexing(),
    async session({ id, by }) {
      await seen(by, { action: 'message.trace', object: `session ${id}` });
      return reader.session(id);
    },
    async message({ id, by }) {
      await seen(by, { action: 'message.metadata', object: `message ${id}` });
      return reader.message(id);
    },
    async outcomes({ sessions, by }) {
      const found = await reader.outcomes(sessions);
      // an error's text may quote its message
      for (const { sessionId, text } of found)
        if (text !== undefined)
          await seen(by, { action: 'message.metadata', object: `session ${sessionId}` });
      return found;
    },
  });
}
