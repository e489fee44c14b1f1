import type { FastifyReply } from 'fastify';

/** Aborted when the client goes away before the answer: cancelling a search ends it here too. */
export function abortSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
}
