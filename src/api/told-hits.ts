import { worstOf } from '../message/status.ts';
import type { QuickHit } from '../trace/trace-query.ts';
import type { TraceReader } from '../trace/trace-store.ts';
import { isVisible, type TracedMessage } from '../trace/traced-message.ts';
import type { QuickHits } from './contract/message.ts';

/** Hits with type and status, so that among several the right one is seen without opening all. */
export async function toldHits(
  trace: Pick<TraceReader, 'session' | 'message'>,
  hits: readonly QuickHit[],
  visible: readonly string[] | undefined,
): Promise<QuickHits['hits']> {
  // many may be of one session
  const sessions = new Map<number, ReturnType<typeof trace.session>>();
  const messagesOf = async ({ sessionId }: QuickHit): Promise<readonly TracedMessage[]> => {
    const session = sessions.get(sessionId) ?? trace.session(sessionId);
    sessions.set(sessionId, session);
    return (await session)?.messages ?? [];
  };
  return Promise.all(
    hits.map(async (hit) => {
      const meant = (await meantBy(hit, { messagesOf, trace })).filter((one) =>
        isVisible(one, visible),
      );
      const [first] = meant;
      if (first === undefined) return hit;
      return { ...hit, type: first.type, status: worstOf(meant) };
    }),
  );
}

async function meantBy(
  hit: QuickHit,
  {
    messagesOf,
    trace,
  }: {
    readonly messagesOf: (hit: QuickHit) => Promise<readonly TracedMessage[]>;
    readonly trace: Pick<TraceReader, 'message'>;
  },
): Promise<readonly TracedMessage[]> {
  const messages = await messagesOf(hit);
  const { kind, messageId } = hit;
  if (messageId === undefined) return messages;
  const meant = messages.filter(({ id, branch }) =>
    kind === 'message' ? id === messageId : branch === messageId,
  );
  if (meant.length > 0) return meant;
  // a large session is only read in part
  const message = await trace.message(messageId);
  return message === undefined ? [] : [message];
}
