import type { Api } from '../../web/api.ts';
import { ApiError } from '../../web/api-error.ts';
import type { ApiContext } from '../context.ts';

/** How long a server may go by what it has fetched, in seconds: a new key has to be published longer than that. */
const KEPT = 300;

/** The public keys of our client assertions, for authorization servers: they do not sign in, and nothing is secret. */
export function publicKeyRoutes(app: Api, { engines }: ApiContext): void {
  app.get('/.well-known/jwks.json', { schema: { hide: true } }, async (_request, reply) => {
    const document = await engines.publicKeys().catch(() => {
      throw new ApiError(
        503,
        'BROKER_UNAVAILABLE',
        'no engine has told its keys yet: is the production running?',
      );
    });
    return reply
      .type('application/jwk-set+json')
      .header('cache-control', `public, max-age=${KEPT}`)
      .send(JSON.stringify(document));
  });
}
