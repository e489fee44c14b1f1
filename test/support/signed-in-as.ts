import type { FastifyInstance } from 'fastify';
import type { Principal } from '../../src/access/rights/principal.ts';

/** A sign-in under which every caller is the principal given by the test. */
export interface SignedInAs {
  principal: Principal | undefined;
  readonly plugin: (app: FastifyInstance) => Promise<void>;
}

export function signedInAs(): SignedInAs {
  const plugin = async (app: FastifyInstance): Promise<void> => {
    app.addHook('onRequest', async (request) => {
      request.principal = who.principal;
    });
  };
  const who: SignedInAs = {
    principal: undefined,
    plugin: Object.assign(plugin, { [Symbol.for('skip-override')]: true }),
  };
  return who;
}
