import { setTimeout as wait } from 'node:timers/promises';
import type { FastifyInstance, RouteHandlerMethod } from 'fastify';
import type { Logger } from '../log/logger.ts';

/** Milliseconds that a stop waits for what was begun: longer than the acts of a person take, shorter than systemd and Docker wait. */
const AT_MOST = 5_000;

/**
 * A stop waits for the requests that are being carried out, also those of other consoles and of who is gone meanwhile:
 * what was done is recorded before the audit log is closed. Fastify only waits for connections, and not when it is to
 * end them. To be called before the routes are added.
 */
export function awaitWorkInHand(
  app: Pick<FastifyInstance, 'addHook'>,
  log: Pick<Logger, 'warn'>,
  atMost: number = AT_MOST,
): void {
  const inHand = new Set<Promise<unknown>>();
  app.addHook('onRoute', (route) => {
    const { handler } = route;
    const counted: RouteHandlerMethod = function counted(request, reply) {
      const answer = handler.call(this, request, reply);
      if (!(answer instanceof Promise)) return answer;
      inHand.add(answer);
      const ended = (): boolean => inHand.delete(answer);
      answer.then(ended, ended);
      return answer;
    };
    route.handler = counted;
  });
  app.addHook('onClose', async () => {
    const timer = new AbortController();
    const late = wait(atMost, 'late', { signal: timer.signal }).catch(() => {
      // aborted below: everything had ended before
    });
    const left = await Promise.race([Promise.allSettled(inHand), late]);
    timer.abort();
    if (left === 'late')
      log.warn(
        { event: 'requests-abandoned', requests: inHand.size, waited: atMost },
        'requests-abandoned',
      );
  });
}
