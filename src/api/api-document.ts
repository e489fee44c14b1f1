import swagger from '@fastify/swagger';
import { signInPlugin } from '../access/sign-in/plugin.ts';
import { relayedCallers } from '../access/sign-in/relayed-callers.ts';
import type { SignIn } from '../access/sign-in/sign-in.ts';
import { silentLogger } from '../log/logger.ts';
import { buildApi } from './api-server.ts';
import type { ApiContext } from './context.ts';
import { type ApiDocuments, documentPage, openApi, openApiText } from './open-api.ts';

/** Replaces everything that routes depend on; only a request would use it, and there are none. */
const nothing: unknown = new Proxy(() => undefined, { get: () => nothing });

/** The documents of all routes, made without a production. */
export async function apiDocuments(): Promise<ApiDocuments> {
  const context = new Proxy({} as ApiContext, {
    get: (_, name) => (name === 'log' ? silentLogger : nothing),
  });
  const app = await buildApi({
    context,
    signIn: signInPlugin(nothing as SignIn),
    relayed: relayedCallers(),
    describe: async (described) => {
      await described.register(swagger, openApi);
    },
  });
  await app.ready();
  try {
    return { json: openApiText(app), page: documentPage(app) };
  } finally {
    await app.close();
  }
}
