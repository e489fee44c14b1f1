import { signInPlugin } from '../access/sign-in/plugin.ts';
import { relayedCallers } from '../access/sign-in/relayed-callers.ts';
import type { SignIn } from '../access/sign-in/sign-in.ts';
import { silentLogger } from '../log/logger.ts';
import { buildApi } from './api-server.ts';
import type { ApiContext } from './context.ts';
import { openApiText } from './open-api.ts';

/** Replaces everything that routes depend on; only a request would use it, and there are none. */
const nothing: unknown = new Proxy(() => undefined, { get: () => nothing });

/** The OpenAPI document of all routes, made without a production; checked in as `docs/openapi.json`. */
export async function apiDocument(): Promise<string> {
  const context = new Proxy({} as ApiContext, {
    get: (_, name) => (name === 'log' ? silentLogger : nothing),
  });
  const app = await buildApi({
    context,
    signIn: signInPlugin(nothing as SignIn),
    relayed: relayedCallers(),
  });
  await app.ready();
  try {
    return openApiText(app);
  } finally {
    await app.close();
  }
}
