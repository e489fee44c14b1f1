import { generateKeyPairSync } from 'node:crypto';
import httpIn from '../../adapters/http/http-in.ts';
import { freePort } from '../../sandbox/free-port.ts';
import type { Credential } from '../../src/adapter/credential.ts';
import type { CredentialKind } from '../../src/adapter/setting.ts';
import type { NatsAccess } from '../../src/broker/embedded/nats-server.ts';
import { hashPassword } from '../../src/credential/password.ts';
import type { Definition, OperationDefinition } from '../../src/definition/definition.ts';
import { rootLogger } from '../../src/log/logger.ts';
import { definition, operationDefinition, serviceDefinition } from './definition.ts';
import { testOutbound } from './loopback-adapter.ts';
import { startNats } from './nats.ts';
import { readGiven } from './open-adapter.ts';
import { type Running, run } from './running.ts';

const place = { file: 'production.yaml', line: 1, column: 1 };
const CHEAP = { memory: 64, passes: 1, parallelism: 1 };

export const newKey = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString();

export const PASSWORD = 'correct horse battery';

/** A service with users of its own, on engines that share a NATS server. */
export interface Portal extends AsyncDisposable {
  readonly urls: readonly string[];
  readonly nats: NatsAccess;
  /** The table of users; changes count at once. */
  readonly users: Map<string, string>;
  readonly out: ReturnType<typeof testOutbound>;
  /** Everything that the engines logged. */
  readonly log: readonly string[];
  restart(given?: PortalGiven): Promise<void>;
}

export interface PortalGiven {
  readonly engines?: number;
  /** Settings of the service besides those of the sign-in. */
  readonly settings?:
    | Readonly<Record<string, unknown>>
    | ((urls: readonly string[]) => Readonly<Record<string, unknown>>);
  readonly signIn?: Readonly<Record<string, unknown>>;
  /** Of the credential. */
  readonly key?: Readonly<Record<string, unknown>>;
  readonly folder?: string;
  /** Further credentials of kind bearer or basic, by their names. */
  readonly credentials?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Where requests go; by default to `out`. */
  readonly operation?: OperationDefinition;
}

export async function hashOf(password: string): Promise<string> {
  return hashPassword(password, CHEAP);
}

export async function portal(given: PortalGiven = {}): Promise<Portal> {
  const nats = await startNats();
  const log: string[] = [];
  const out = testOutbound();
  const hash = await hashOf(PASSWORD);
  const users = new Map([
    ['anna', JSON.stringify({ password: hash, scope: 'orders.read', ward: 'W1' })],
    ['berta', hash],
  ]);
  const ports: number[] = [];
  for (let at = 0; at < (given.engines ?? 1); at++) ports.push(await freePort());
  const first = { key: { privateKey: newKey() }, ...given };
  let running: Running[] = [];
  const urls = ports.map((port) => `http://127.0.0.1:${port}`);
  const start = async (parts: PortalGiven): Promise<void> => {
    running = await Promise.all(
      ports.map((port) =>
        run(
          nats,
          definitionOf(parts, { port, urls, users, out }),
          rootLogger('trace', { write: (line) => void log.push(line) }),
        ),
      ),
    );
  };
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((one) => one.stop()));
    running = [];
  };
  await start(first);
  return {
    urls,
    nats,
    users,
    out,
    log,
    async restart(parts = {}) {
      await stop();
      await start({ ...first, ...parts });
    },
    async [Symbol.asyncDispose]() {
      await stop();
      await nats[Symbol.asyncDispose]();
    },
  };
}

function definitionOf(
  { settings = {}, signIn, key, folder = '/nowhere', operation, credentials = {} }: PortalGiven,
  {
    port,
    urls,
    users,
    out,
  }: {
    readonly port: number;
    readonly urls: readonly string[];
    readonly users: ReadonlyMap<string, string>;
    readonly out: ReturnType<typeof testOutbound>;
  },
): Definition {
  const given = {
    listen: `127.0.0.1:${port}`,
    path: '/api/*',
    methods: ['GET', 'POST'],
    callers: [{ kind: 'bearer', verifier: 'portal-key' }],
    scopes: ['POST: orders.read'],
    signIn: {
      ...(signIn?.['oidc'] === undefined && signIn?.['ldap'] === undefined && { users: 'staff' }),
      key: 'portal-key',
      ...signIn,
    },
    ...(typeof settings === 'function' ? settings(urls) : settings),
  };
  const known = readGiven(httpIn.settings, given, {
    folder,
    names: ['staff'],
    // only their kinds are looked at
    credentials: credentials as unknown as Readonly<Record<string, Credential>>,
    verifiers: { 'portal-key': { verify: () => Promise.reject(new TypeError('unused')) } },
  });
  const values = { algorithm: 'ES256', issuer: 'portal', audience: 'portal', ...key };
  return definition({
    services: [serviceDefinition('portal', httpIn, { settings: known, to: ['orders'] })],
    operations: [operation ?? operationDefinition('orders', out)],
    rest: {
      credentials: new Map([
        ['portal-key', { kind: 'jwt-key', values, place, files: [] }],
        ...Object.entries(credentials).map(
          ([name, { kind, ...of }]) =>
            [name, { kind: kind as CredentialKind, values: of, place, files: [] }] as const,
        ),
      ]),
      lookups: {
        names: ['staff'],
        lookup: (_, name, otherwise = '') => users.get(name) ?? otherwise,
      },
    },
  });
}
