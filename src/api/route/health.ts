import {
  checkSeesAll,
  principalOf,
  requirePermission,
} from '../../access/rights/require-permission.ts';
import type { Api } from '../../web/api.ts';
import type { ApiContext } from '../context.ts';
import { gatheredFigures } from '../gathered-figures.ts';

const FIGURES = 'text/plain; version=0.0.4; charset=utf-8';

/** What machines ask: without a sign-in whether it lives, with one the figures. */
export function healthRoutes(app: Api, context: ApiContext): void {
  app.get('/health/live', (_request, reply) => reply.type('text/plain').send('alive\n'));

  app.get('/health/ready', async (_request, reply) => {
    const connected = await context.broker.connection.rtt().then(
      () => true,
      () => false,
    );
    const failing = context.failingSince() !== undefined;
    const ready = connected && !failing;
    const why = connected ? 'the trace store fails' : 'NATS is not reachable';
    return reply
      .code(ready ? 200 : 503)
      .type('text/plain')
      .send(ready ? 'ready\n' : `${why}\n`);
  });

  app.get(
    '/metrics',
    { onRequest: requirePermission('dashboard.view') },
    async (request, reply) => {
      checkSeesAll(principalOf(request), 'reads the figures');
      return reply.type(FIGURES).send(await gatheredFigures(context));
    },
  );
}
