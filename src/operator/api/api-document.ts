import { silentLogger } from '../../log/logger.ts';
import { type ApiOptions, buildApi } from './api-server.ts';
import type { ApiContext } from './context.ts';
import { openApiText } from './open-api.ts';

/** Stands for everything that routes are made with; only a request would use it, and none is made. */
const nothing: unknown = new Proxy(() => undefined, { get: () => nothing });

/** The OpenAPI document of all routes, made without a production: what is checked in as `docs/openapi.json`. */
export async function apiDocument(signIn?: ApiOptions['signIn']): Promise<string> {
  const context = new Proxy({} as ApiContext, {
    get: (_, name) => (name === 'log' ? silentLogger : nothing),
  });
  const app = await buildApi({ context, signIn });
  await app.ready();
  try {
    return openApiText(app);
  } finally {
    await app.close();
  }
}
