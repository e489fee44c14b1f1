import type { FastifyReply } from 'fastify';

/** Aborted when the client disconnects before the answer, so that cancelling a search also ends it here. */
export function abortSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
}
