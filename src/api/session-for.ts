import type { TraceReader } from '../trace/trace-store.ts';
import { isVisible } from '../trace/traced-message.ts';
import { ApiError } from '../web/api-error.ts';
import type { Session } from './contract/message.ts';

/** A session as shown to somebody who may see only some hosts. */
export async function sessionFor(
  trace: Pick<TraceReader, 'session'>,
  id: number,
  visible: readonly string[] | undefined,
): Promise<Session> {
  const session = await trace.session(id);
  const messages = session?.messages.filter((message) => isVisible(message, visible)) ?? [];
  if (session === undefined || messages.length === 0) {
    throw new ApiError(404, 'NOT_FOUND', `there is no session or message ${id} in the trace`);
  }
  const shown = new Set(messages.map((message) => message.id));
  return {
    ...session,
    messages,
    attempts: session.attempts.filter(({ messageId }) => shown.has(messageId)),
    past: session.past.filter(({ messageId }) => shown.has(messageId)),
    resends: session.resends.filter(({ of }) => shown.has(of)),
    hidden: session.messages.length - messages.length,
  };
}
