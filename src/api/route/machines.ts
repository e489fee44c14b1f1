import {
  checkSeesAll,
  principalOf,
  requirePermission,
} from '../../access/rights/require-permission.ts';
import type { Remembered } from '../../time/remembered.ts';
import type { Api } from '../../web/api.ts';
import { ApiError } from '../../web/api-error.ts';
import type { ApiContext } from '../context.ts';
import { gatheredFigures } from '../gathered-figures.ts';
import type { ApiDocuments } from '../open-api.ts';

const FIGURES = 'text/plain; version=0.0.4; charset=utf-8';

/** For machines: health without a sign-in, metrics with one. */
export function healthRoutes(app: Api, context: ApiContext): void {
  app.get('/health/live', (_request, reply) => reply.type('text/plain').send('alive\n'));

  app.get('/health/ready', async (_request, reply) => {
    const connected = await context.broker.connection.rtt().then(
      () => true,
      () => false,
    );
    const failing = context.failingSince() !== undefined;
    const ready = connected && !failing;
    const why = connected ? 'the trace store is failing' : 'NATS is not reachable';
    return reply
      .code(ready ? 200 : 503)
      .type('text/plain')
      .send(ready ? 'ready\n' : `${why}\n`);
  });

  app.get(
    '/metrics',
    { onRequest: requirePermission('dashboard.view') },
    async (request, reply) => {
      checkSeesAll(principalOf(request), 'read the metrics');
      return reply.type(FIGURES).send(await gatheredFigures(context));
    },
  );
}

/** Seconds that a server may cache the keys: a new key has to be published for longer than this before it is used. */
const KEPT = 300;

/**
 * The public keys of our client assertions, for authorization servers, which do not sign in;
 * nothing here is secret.
 */
export function publicKeyRoutes(app: Api, { engines }: ApiContext): void {
  app.get('/.well-known/jwks.json', { schema: { hide: true } }, async (_request, reply) => {
    const document = await engines.publicKeys().catch(() => {
      throw new ApiError(
        503,
        'BROKER_UNAVAILABLE',
        'no engine has reported its keys yet: is the production running?',
      );
    });
    return reply
      .type('application/jwk-set+json')
      .header('cache-control', `public, max-age=${KEPT}`)
      .send(JSON.stringify(document));
  });
}

/** The API's own description, which needs no sign-in: it contains nothing about the production. */
export function documentRoutes(app: Api, documents: Remembered<ApiDocuments>): void {
  app.get('/openapi.json', async (_request, reply) =>
    reply.type('application/json; charset=utf-8').send((await documents.get()).json),
  );
  app.get('/docs', async (_request, reply) =>
    reply.type('text/html; charset=utf-8').send((await documents.get()).page),
  );
}
