import { createHmac, generateKeyPairSync } from 'node:crypto';
import { exportJWK, SignJWT } from 'jose';
import { Agent } from 'undici';
import { expect, test } from 'vitest';
import httpIn from '../../../adapters/http/http-in.ts';
import type { Credential } from '../../../src/adapter/index.ts';
import { certificates } from '../../support/certificates.ts';
import { credentialSet } from '../../support/credential-set.ts';
import { openInbound, readGiven } from '../../support/open-adapter.ts';
import { webServer } from '../../support/web-server.ts';
import { type Calling, call, type Service, service } from './calling.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

interface TokensOptions {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly audience?: string;
  readonly issuer?: string;
  /** Seconds from now. */
  readonly expires?: number;
  readonly key?: typeof privateKey;
}

const token = (parts: TokensOptions = {}): Promise<string> =>
  new SignJWT({ sub: 'portal', ...parts.claims })
    .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
    .setIssuer(parts.issuer ?? 'https://sso.example')
    .setAudience(parts.audience ?? 'results')
    .setExpirationTime(Math.floor(Date.now() / 1_000) + (parts.expires ?? 300))
    .sign(parts.key ?? privateKey);

/** A service behind tokens whose keys are published by a server of their own. */
async function guarded(given: Readonly<Record<string, unknown>> = {}): Promise<Service> {
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' };
  const published = await webServer(() => ({
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ keys: [jwk] }),
  }));
  const set = credentialSet({
    sso: {
      kind: 'jwt-key',
      algorithm: 'RS256',
      jwksUrl: `${published.url}/certs`,
      issuer: 'https://sso.example',
      audience: 'results',
    },
  });
  const one = await service(
    {
      methods: ['GET', 'POST'],
      scopes: ['GET: read', 'POST: write'],
      ...given,
      callers: { kind: 'bearer', verifier: 'sso', ...(given['callers'] as object | undefined) },
    },
    { verifiers: { sso: await set.credentials.jwt('sso') } },
  );
  return {
    ...one,
    async [Symbol.asyncDispose]() {
      await one[Symbol.asyncDispose]();
      await set[Symbol.asyncDispose]();
      await published[Symbol.asyncDispose]();
    },
  };
}

const bearer = (value: string, more: Calling = {}): Calling => ({
  ...more,
  headers: { authorization: `Bearer ${value}` },
});

test('a token opens the methods that its scopes are for', async () => {
  await using one = await guarded();
  const reader = await token({ claims: { scope: 'openid read' } });
  expect((await one.call('/x', bearer(reader, { method: 'GET' }))).status).toBe(202);
  const refused = await one.call('/x', bearer(reader, { body: 'x' }));
  expect(refused.status).toBe(403);
  expect(refused.headers['www-authenticate']).toBe(
    'Bearer realm="waybill", error="insufficient_scope", scope="write"',
  );
  expect(one.opened.delivered).toMatchObject([{ origin: '127.0.0.1 portal' }]);
  expect(one.opened.events).toMatchObject([
    { level: 'warn', name: 'refused', text: expect.stringContaining('lacks the scope write') },
  ]);
});

test.for([
  [
    'expired',
    { expires: -120 },
    'the token has expired (exp): 2m ago, and clocks may differ by 30s (clockSkew)',
  ],
  [
    'for somebody else',
    { audience: 'others' },
    'the audience (aud) of the token is not the one expected',
  ],
  [
    'of another issuer',
    { issuer: 'https://evil.example' },
    'the issuer (iss) of the token is not the one expected',
  ],
  [
    'signed by a stranger',
    { key: stranger },
    'the signature of the token does not belong to this key (RS256)',
  ],
] as const)('a token that is %s is refused with the reason', async ([, parts, reason]) => {
  await using one = await guarded();
  const shown = await token({ claims: { scope: 'write' }, ...parts });
  const refused = await one.call('/x', bearer(shown, { body: 'x' }));
  expect(refused.status).toBe(401);
  expect(refused.headers['www-authenticate']).toBe(
    `Bearer realm="waybill", error="invalid_token", error_description="${reason}"`,
  );
  expect(one.opened.delivered).toEqual([]);
  expect(JSON.stringify([one.opened.log, one.opened.events])).not.toContain(shown.split('.')[2]);
});

test('without a token the challenge names no error', async () => {
  await using one = await guarded();
  const refused = await one.call('/x', { body: 'x' });
  expect(refused).toMatchObject({
    status: 401,
    headers: { 'www-authenticate': 'Bearer realm="waybill"' },
  });
});

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

test('an unsigned token and one signed with the public key as a secret are refused', async () => {
  await using one = await guarded();
  const claims = {
    sub: 'x',
    scope: 'write',
    iss: 'https://sso.example',
    aud: 'results',
    exp: 9_999_999_999,
  };
  const unsigned = `${part({ alg: 'none' })}.${part(claims)}.`;
  const signed = `${part({ alg: 'HS256', kid: 'k1' })}.${part(claims)}`;
  const secret = publicKey.export({ type: 'spki', format: 'pem' });
  const confused = `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
  for (const shown of [unsigned, confused]) {
    expect((await one.call('/x', bearer(shown, { body: 'x' }))).status).toBe(401);
  }
});

test('roles are read from where the identity provider puts them', async () => {
  await using one = await guarded({ callers: { scopeClaim: 'realm_access.roles' } });
  const shown = await token({ claims: { realm_access: { roles: ['write'] } } });
  expect((await one.call('/x', bearer(shown, { body: 'x' }))).status).toBe(202);
});

test('a token in a cookie signs in pages of this origin and of no other', async () => {
  await using one = await guarded({
    callers: { from: ['header', 'cookie:session', 'query:access_token'] },
    cors: { origins: ['https://portal.example'], credentials: true },
  });
  const shown = await token({ claims: { scope: 'write read' } });
  const withCookie = async (origin?: string): Promise<number> =>
    (
      await one.call('/x', {
        body: 'x',
        headers: { cookie: `a=b; session=${shown}`, ...(origin && { origin }) },
      })
    ).status;
  expect(await withCookie(one.url)).toBe(202);
  expect(await withCookie('https://portal.example')).toBe(202);
  expect(await withCookie('https://evil.example')).toBe(403);
  expect(await withCookie()).toBe(403);
  // a GET is a message too
  const got = async (sent: Readonly<Record<string, string>>): Promise<number> =>
    (
      await one.call('/x', {
        method: 'GET',
        headers: { cookie: `session=${shown}`, ...sent },
      })
    ).status;
  const image = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' };
  expect(await got({ ...image, 'sec-fetch-dest': 'image' })).toBe(403);
  const frame = { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'navigate' };
  expect(await got({ ...frame, 'sec-fetch-dest': 'iframe' })).toBe(403);
  expect(await got({ ...image, origin: 'https://portal.example' })).toBe(202);
  expect(await got({ ...frame, 'sec-fetch-dest': 'document' })).toBe(202);
  expect(await got({ 'sec-fetch-site': 'same-origin' })).toBe(202);
  expect(await got({ 'sec-fetch-site': 'none' })).toBe(202);
  expect(await got({})).toBe(202);
  const query = await one.call(`/x?access_token=${shown}&a=1`, { method: 'GET' });
  expect(query.status).toBe(202);
  expect(String(one.opened.delivered.at(-1)?.body)).not.toContain('access_token');
  expect(JSON.stringify(one.opened.delivered.at(-1)?.name)).not.toContain(shown);
});

const keys: Readonly<Record<string, Credential>> = {
  lab: { kind: 'bearer', token: async () => 'lab-key-1' },
  ward: { kind: 'bearer', token: async () => 'ward-key-1' },
  anna: { kind: 'basic', user: 'anna', password: 'pä:ss' },
};

const basic = (user: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(user).toString('base64')}`,
});

test('API keys may have different scopes, and basic accounts stand beside them', async () => {
  await using one = await service(
    {
      scopes: ['POST: write'],
      callers: [
        { kind: 'api-key', credentials: ['lab'], grants: ['write'], from: ['header'] },
        { kind: 'api-key', credentials: ['ward'], grants: ['read'] },
        { kind: 'basic', credentials: ['anna'], grants: ['write'] },
      ],
    },
    { credentials: keys },
  );
  const status = async (headers: Record<string, string>): Promise<number> =>
    (await one.call('/x', { body: 'x', headers })).status;
  expect(await status({ 'x-api-key': 'lab-key-1' })).toBe(202);
  expect(await status({ 'x-api-key': 'ward-key-1' })).toBe(403);
  expect(await status({ 'x-api-key': 'guessed' })).toBe(401);
  expect(await status(basic('anna:pä:ss'))).toBe(202);
  expect(await status(basic('anna:wrong'))).toBe(401);
  const nobody = await one.call('/x', { body: 'x' });
  expect(nobody.headers['www-authenticate']).toEqual([
    'ApiKey realm="waybill"',
    'Basic realm="waybill", charset="UTF-8"',
  ]);
});

test.for(['hex', 'base64'] as const)(
  'a body signed with a shared key (%s) is taken once it fits',
  async (encoding) => {
    await using one = await service(
      { callers: { kind: 'hmac', credentials: ['lab'], timestampHeader: 'X-Time' } },
      { credentials: keys },
    );
    const send = (body: string, time: number, signed = body): ReturnType<typeof one.call> =>
      one.call('/x', {
        body,
        headers: {
          'x-time': String(time),
          'x-hub-signature-256': `sha256=${createHmac('sha256', 'lab-key-1').update(`${time}.${signed}`).digest(encoding)}`,
        },
      });
    const now = Math.floor(Date.now() / 1_000);
    expect((await send('{}', now)).status).toBe(202);
    expect((await send('{"changed":1}', now, '{}')).status).toBe(401);
    expect((await send('{}', now - 3_600)).status).toBe(401);
  },
);

test('a client certificate of the right authority signs in, and without one nobody gets in', async () => {
  await using files = await certificates();
  const given = {
    listen: '127.0.0.1:0',
    tls: { certificate: 'server', clientCertificate: 'requested', trust: files.trust },
    callers: { kind: 'certificate' },
  };
  await using opened = await openInbound(httpIn, given, { credentials: { server: files.server } });
  const [, port = ''] = /:(\d+)\//.exec(opened.states.at(-1)?.detail ?? '') ?? [];
  const ask = async (own: { certificate: string; key: string } | undefined): Promise<number> => {
    const connecting = {
      ca: files.authority.certificate,
      ...(own && { cert: own.certificate, key: own.key }),
    };
    await using dispatcher = Object.assign(new Agent({ connect: connecting }), {
      [Symbol.asyncDispose]: (): Promise<void> => dispatcher.destroy(),
    });
    return (await call(`https://localhost:${port}/x`, { body: 'x', dispatcher } as Calling)).status;
  };
  expect(await ask(files.client)).toBe(202);
  expect(await ask(undefined)).toBe(401);
  await expect(ask(files.strangeClient)).rejects.toThrow(/closed|certificate|alert|reset|hang up/i);
  expect(opened.delivered).toMatchObject([{ origin: '127.0.0.1 CN=client-a' }]);
});

test.for([
  [{ callers: { kind: 'api-key' } }, 'must name at least one credential'],
  [{ callers: { kind: 'bearer' } }, 'is required for kind bearer'],
  [{ cors: { origins: ['*'], credentials: true } }, 'cannot be combined with the origin *'],
  [{ path: 'x' }, 'must begin with /'],
  [{ path: '/a/*/b' }, 'may have * only at its end'],
  [{ name: '{mehtod}' }, 'cannot fill in {mehtod}'],
  [{ scopes: ['GET'] }, 'must be a method and its scopes'],
] as const)('settings that would not hold are refused: %j', ([given, problem]) => {
  expect(() => readGiven(httpIn.settings, { listen: '127.0.0.1:0', ...given })).toThrow(problem);
});
