import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { type OAuth2Sandbox, oauth2Sandbox } from '../../sandbox/oauth2/oauth2-sandbox.ts';
import { jwksCommand } from '../../src/cli/command/jwks.ts';
import { ran } from '../support/command.ts';
import { type Operated, operated, WARD } from '../support/operator.ts';

interface Jwks {
  readonly keys: readonly Readonly<Record<string, unknown>>[];
}

const JWKS = '/.well-known/jwks.json';
const FIRST = key();
const SECOND = key();

let server: OAuth2Sandbox;
let production: Operated;

function key(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

const epic = (alsoPublish: readonly string[] = [], scope = 'read'): string => `${WARD}credentials:
  epic:
    kind: oauth2
    issuer: ${server.url}
    clientId: epic
    authentication:
      privateKeyJwt: { key: current.pem, algorithm: ES384, alsoPublish: [${alsoPublish.join(', ')}] }
    scope: ${scope}
    trust: server.pem
`;

beforeAll(async () => {
  server = await oauth2Sandbox({ clients: [], scopes: ['read', 'write'] });
  production = await operated({
    production: epic([], 'read write'),
    files: { 'current.pem': FIRST, 'server.pem': server.ca },
  });
});
afterAll(async () => {
  await production[Symbol.asyncDispose]();
  await server.close();
  vi.unstubAllEnvs();
});

async function token(): Promise<string> {
  const credential = await production.running.credentials.get('epic');
  if (!('token' in credential)) throw new TypeError('it has no token');
  return credential.token(AbortSignal.timeout(10_000), { fresh: true });
}

async function reload(): Promise<void> {
  const request = { dryRun: false, reason: 'new keys' };
  const { status } = await production.ask('POST', '/api/v1/production/reload', request);
  expect(status).toBe(200);
}

test('a server that fetches our keys from the console’s port lets us in', async () => {
  // as a user begins: the address under which nobody publishes anything
  await server.register({ clientId: 'epic', keysUrl: `http://127.0.0.1:${await freePort()}/keys` });
  await expect(token()).rejects.toThrow(/its key \(kid\) is not in our published JWKS/);
  await server.register({ clientId: 'epic', keysUrl: new URL(JWKS, production.url).href });
  // a changed entry is asked for at once, an unchanged one after some seconds
  await production.folder.write({ 'production.yaml': epic() });
  await reload();
  expect(await server.introspect(await token())).toMatchObject({ active: true, clientId: 'epic' });
});

test('the document holds public halves only, may be kept for minutes and needs no sign-in', async () => {
  const { status, headers, body } = await production.ask<string>('GET', JWKS);
  expect(status).toBe(200);
  expect(headers.get('content-type')).toContain('application/jwk-set+json');
  expect(headers.get('cache-control')).toBe('public, max-age=300');
  const { keys } = JSON.parse(body) as Jwks;
  expect(keys).toHaveLength(1);
  expect(Object.keys(keys[0] ?? {}).toSorted()).toEqual('alg crv kid kty use x y'.split(' '));
});

test('a key is changed without a refused token, since the next one is published before', async () => {
  await production.folder.write({ 'next.pem': SECOND, 'production.yaml': epic(['next.pem']) });
  await reload();
  const kids = await published();
  expect(kids).toHaveLength(2);
  // the server sees both; from here on it goes by what it has fetched
  await server.register({ clientId: 'epic', keysUrl: `${new URL(JWKS, production.url).href}?2` });
  await token();
  await production.folder.write({
    'current.pem': SECOND,
    'old.pem': FIRST,
    'production.yaml': epic(['old.pem']),
  });
  await reload();
  expect(await server.introspect(await token())).toMatchObject({ active: true });
  expect(new Set(await published())).toEqual(new Set(kids));
});

async function published(): Promise<unknown[]> {
  const { body } = await production.ask<string>('GET', JWKS);
  return (JSON.parse(body) as Jwks).keys.map(({ kid }) => kid);
}

test('the same document is printed for a server that takes no address', async () => {
  vi.stubEnv('LISTEN', '127.0.0.1:2575');
  vi.stubEnv('CONNECT', '127.0.0.1:2576');
  const { output, code } = await ran(jwksCommand(), [production.folder.path]);
  expect(code).toBe(0);
  expect((JSON.parse(output) as Jwks).keys.map(({ kid }) => kid)).toEqual(await published());
});
