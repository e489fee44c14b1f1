import type { Broker } from '../../broker/broker.ts';
import { EngineError } from '../../error/engine-error.ts';
import type { TraceReader } from '../../trace/trace-store.ts';
import { abortTraced } from '../abort.ts';
import type { Engines } from '../engines.ts';
import { reprocessTraced, resendTraced } from '../resend.ts';
import type { JobWork } from './job-runner.ts';

/** What each type of job does with a message. */
export function jobWork({
  broker,
  trace,
  engines,
}: {
  readonly broker: Broker;
  readonly trace: TraceReader;
  readonly engines: Pick<Engines, 'discard' | 'end'>;
}): JobWork {
  return async ({ id, type, by, reason, target, created }, { n, messageId }, visible) => {
    await checkVisible(trace, messageId, visible);
    if (type === 'resend') {
      const why = reason ?? `job ${id}`;
      // ids start again if the database is lost
      const named = `job-${created}-${id}-${n}`;
      const order = { id: messageId, to: target, by, reason: why, order: named };
      return { resultId: (await resendTraced(broker, trace, order)).messageId };
    }
    if (type === 'reprocess') {
      const why = reason ?? `job ${id}`;
      const targets = target === undefined ? undefined : [target];
      // messages of one session have one original: it is processed once
      const named = `job-${created}-${id}`;
      const order = { id: messageId, targets, by, reason: why, order: named };
      return { resultId: (await reprocessTraced(broker, trace, order)).sessionId };
    }
    if (type === 'abort' || type === 'set-aside') {
      const why = reason ?? `job ${id}`;
      const order = { id: messageId, keep: type === 'set-aside', by, reason: why };
      await abortTraced(engines, trace, order);
      return {};
    }
    const message = await trace.message(messageId);
    if (message === undefined) {
      throw new EngineError('NOT_FOUND', `there is no message ${messageId} in the trace`);
    }
    await engines.discard(message, { by, reason });
    return {};
  };
}

/** Acting on a message means acting on its target. */
async function checkVisible(
  trace: TraceReader,
  id: number,
  visible: readonly string[] | undefined,
): Promise<void> {
  if (visible === undefined) return;
  const message = await trace.message(id);
  if (message !== undefined && visible.includes(message.target)) return;
  throw new EngineError('NOT_FOUND', `there is no message ${id} in the trace`);
}
