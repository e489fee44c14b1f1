import { worstOf } from '../message/status.ts';
import type { QuickHit } from '../trace/trace-query.ts';
import type { TraceReader } from '../trace/trace-store.ts';
import { isVisible } from '../trace/traced-message.ts';
import type { QuickHits } from './contract/message.ts';

/** Hits with type and status, so that among several the right one is seen without opening all. */
export function toldHits(
  trace: Pick<TraceReader, 'session'>,
  hits: readonly QuickHit[],
  visible: readonly string[] | undefined,
): Promise<QuickHits['hits']> {
  return Promise.all(
    hits.map(async (hit) => {
      const session = await trace.session(hit.sessionId);
      const messages = session?.messages.filter((one) => isVisible(one, visible)) ?? [];
      const meant =
        hit.kind === 'message' ? messages.filter(({ id }) => id === hit.messageId) : messages;
      const [first] = meant;
      if (first === undefined) return hit;
      return { ...hit, type: first.type, status: worstOf(meant) };
    }),
  );
}
