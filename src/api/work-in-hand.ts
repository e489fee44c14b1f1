import type { FastifyInstance, RouteHandlerMethod } from 'fastify';
import type { Logger } from '../log/logger.ts';
import { UnderWay } from '../time/under-way.ts';

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
  const inHand = new UnderWay();
  app.addHook('onRoute', (route) => {
    const { handler } = route;
    const counted: RouteHandlerMethod = function counted(request, reply) {
      const answer = handler.call(this, request, reply);
      return answer instanceof Promise ? inHand.run(answer) : answer;
    };
    route.handler = counted;
  });
  app.addHook('onClose', async () => {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, atMost);
    await Promise.race([inHand.ended(), late.promise]);
    clearTimeout(timer);
    const { count } = inHand;
    if (count > 0)
      log.warn(
        { event: 'requests-abandoned', requests: count, waited: atMost },
        'requests-abandoned',
      );
  });
}
