import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import fastify from 'fastify';
import { freePort } from '../../sandbox/free-port.ts';
import { principalOf, requirePermission } from '../../src/access/rights/require-permission.ts';
import { consoleGuard } from '../../src/access/sign-in/console-guard.ts';
import type { NewUser } from '../../src/access/sign-in/users.ts';
import { rootLogger } from '../../src/log/logger.ts';
import type { Api } from '../../src/web/api.ts';
import { sendProblem } from '../../src/web/problem.ts';
import { securityHeaders } from '../../src/web/security-headers.ts';
import { addLocalUser } from './local-user.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** A server with the console's sign-in and two resources behind it. */
export interface GuardedApi extends AsyncDisposable {
  readonly url: string;
  readonly data: string;
  /** The logged lines. */
  readonly log: readonly string[];
  /** Adds a user whose password is cheap to check. */
  user(name: string, password: string, more: Partial<NewUser>): Promise<void>;
}

export interface GuardedOptions {
  /** The text of `console.yaml`, given the address of the server. */
  readonly settings?: (url: string) => string;
  readonly files?: Readonly<Record<string, string>>;
  /** The folder of an earlier installation. */
  readonly data?: string;
  readonly port?: number;
  readonly trustProxy?: boolean;
}

const HOSTS = [
  { name: 'adt-in', tags: ['north'] },
  { name: 'lab-out', tags: ['south'] },
];

export async function guardedApi(options: GuardedOptions = {}): Promise<GuardedApi> {
  const { settings, files = {}, trustProxy = false } = options;
  const folder = options.data === undefined ? await temporaryFolder('sign-in') : undefined;
  const data = options.data ?? folder?.path ?? '';
  const app = fastify({ trustProxy });
  const log: string[] = [];
  const url = `http://127.0.0.1:${options.port ?? (await freePort())}`;
  if (settings !== undefined) await writeFile(join(data, 'console.yaml'), settings(url));
  for (const [name, text] of Object.entries(files)) await writeFile(join(data, name), text);
  const guard = await consoleGuard({
    production: 'ward',
    place: { data },
    file: undefined,
    host: '127.0.0.1',
    hosts: async () => HOSTS,
    log: rootLogger('info', { write: (line) => void log.push(line) }),
  });
  securityHeaders(app);
  app.decorateRequest('principal', undefined);
  app.setErrorHandler((error: Error, request, reply) => sendProblem(error, request, reply));
  if (guard.signIn !== undefined) await app.register(guard.signIn);
  const api = app as unknown as Api;
  api.get('/api/v1/me', async (request) => {
    const { permissions, ...rest } = principalOf(request);
    return { ...rest, permissions: [...permissions] };
  });
  api.post('/api/v1/deploy', { onRequest: requirePermission('config.deploy') }, async () => ({
    done: true,
  }));
  await app.listen({ host: '127.0.0.1', port: Number(new URL(url).port) });
  return {
    url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`,
    data,
    log,
    user: (name, password, more) => addLocalUser(data, { name, password, ...more }),
    async [Symbol.asyncDispose]() {
      await app.close();
      await guard.close();
      await folder?.[Symbol.asyncDispose]();
    },
  };
}
