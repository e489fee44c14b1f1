import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, exportJWK, type JWK } from 'jose';
import { expect, test } from 'vitest';
import {
  type OAuth2Sandbox,
  type OAuth2SandboxOptions,
  oauth2Sandbox,
} from '../../../sandbox/oauth2/oauth2-sandbox.ts';
import { fixedClock } from '../../../src/time/clock.ts';
import { credentialSet, refusalOf } from '../../support/credential-set.ts';
import { oddTokenServer, reply } from '../../support/odd-token-server.ts';

const FHIR = 'https://fhir.hospital.example/r4';
/** Every character that Basic, forms and URLs treat specially. */
const SECRET = "se:cr et/+%&=*'";

const pem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();

const keys = {
  RS384: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  ES384: generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
};

const serverWith = (options: Partial<OAuth2SandboxOptions> = {}): Promise<OAuth2Sandbox> =>
  oauth2Sandbox({
    clients: [
      { clientId: 'basic', secret: SECRET, secretIn: 'header' },
      { clientId: 'post', secret: SECRET, secretIn: 'body' },
      { clientId: 'tls', certificateName: 'hub.hospital.example' },
    ],
    scopes: ['read', 'write'],
    resources: { [FHIR]: ['system/Patient.read'] },
    ...options,
  });

function given(
  { url, ca }: { readonly url: string; readonly ca: string },
  change: object = {},
): Record<string, { kind: string }> {
  const values = {
    kind: 'oauth2',
    issuer: url,
    clientId: 'basic',
    authentication: { secret: SECRET },
    trust: ca,
    ...change,
  };
  return { api: values };
}

test.for([
  ['basic', 'header'],
  ['post', 'body'],
])('a secret with special characters signs %s in, sent in the %s', async ([clientId, secretIn]) => {
  await using server = await serverWith();
  const authentication = { secret: SECRET, secretIn };
  await using set = credentialSet(given(server, { clientId, authentication, scope: 'read' }));
  expect(await server.introspect(await set.token('api'))).toMatchObject({
    active: true,
    clientId,
    scope: 'read',
  });
});

test('a secret can be sent in Basic as it is, for servers that do not decode it', async () => {
  await using server = await oddTokenServer((_, response) =>
    reply(response, 200, { access_token: 'token', token_type: 'Bearer', expires_in: 60 }),
  );
  const change = {
    issuer: undefined,
    tokenUrl: `${server.url}/token`,
    authentication: { secret: SECRET, secretIn: 'header-unencoded' },
  };
  await using set = credentialSet(given(server, change));
  await set.token('api');
  const [, basic = ''] = server.asked[0]?.authorization.split(' ') ?? [];
  expect(Buffer.from(basic, 'base64').toString()).toBe(`basic:${SECRET}`);
});

async function publicJwk(algorithm: keyof typeof keys): Promise<JWK> {
  return exportJWK(createPublicKey(keys[algorithm]));
}

test.for([
  ['RS384', 'RS384'],
  ['RS256', 'RS384'],
  ['PS256', 'RS384'],
  ['ES384', 'ES384'],
  ['ES256', 'ES256'],
] as const)(
  'a signed assertion (%s) signs in, by the keys we publish',
  async ([algorithm, key]) => {
    await using server = await serverWith();
    const authentication = { privateKeyJwt: { key: pem(keys[key]), algorithm } };
    const change = { clientId: 'epic', authentication, scope: 'read' };
    await using set = credentialSet(given(server, change));
    const document = await set.credentials.jwksDocument();
    expect(document.keys[0]).toMatchObject({
      ...(await publicJwk(key)),
      alg: algorithm,
      use: 'sig',
    });
    await server.register({ clientId: 'epic', keys: document.keys });
    expect(await server.introspect(await set.token('api'))).toMatchObject({ active: true });
  },
);

test('an assertion is what SMART Backend Services ask for', async () => {
  await using server = await oddTokenServer((_, response) =>
    reply(response, 200, { access_token: 'token', token_type: 'bearer', expires_in: 300 }),
  );
  const tokenUrl = `${server.url}/oauth2/token`;
  const authentication = {
    privateKeyJwt: { key: pem(keys.ES384), algorithm: 'ES384', keyId: 'key-1' },
  };
  const change = { issuer: undefined, tokenUrl, clientId: 'epic', authentication };
  const clock = fixedClock(Date.now());
  await using set = credentialSet(given(server, { ...change, scope: 'system/*.rs' }), { clock });
  await set.token('api');
  clock.set(clock.now() + 300_000);
  await set.token('api');
  const assertions = server.asked.map(({ form }) => form.get('client_assertion') ?? '');
  const [header] = assertions.map((one) => decodeProtectedHeader(one));
  const [first = {}, second = {}] = assertions.map((one) => decodeJwt(one));
  expect(header).toEqual({ alg: 'ES384', kid: 'key-1', typ: 'JWT' });
  expect(first).toMatchObject({ iss: 'epic', sub: 'epic', aud: tokenUrl });
  const { iat = 0, exp = 0 } = first;
  expect(exp - Date.now() / 1_000).toBeLessThanOrEqual(300);
  expect(exp - iat).toBeLessThanOrEqual(300);
  // A server whose clock is some seconds behind would refuse one from the future.
  expect(iat).toBeLessThanOrEqual(Date.now() / 1_000 - 10);
  expect(first.jti).not.toBe(second.jti);
  expect(Object.fromEntries(server.asked[0]?.form ?? [])).toMatchObject({
    grant_type: 'client_credentials',
    scope: 'system/*.rs',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  });
});

test('an assertion names the issuer where the server insists on it', async () => {
  await using server = await serverWith();
  const key = { key: pem(keys.ES384), algorithm: 'ES384', audience: 'issuer' };
  const change = { clientId: 'epic', authentication: { privateKeyJwt: key } };
  await using set = credentialSet(given(server, change));
  const { keys: published } = await set.credentials.jwksDocument();
  await server.register({ clientId: 'epic', keys: published });
  expect(await server.introspect(await set.token('api'))).toMatchObject({ active: true });
});

test('a clock that is twenty minutes slow does no harm', async () => {
  await using server = await serverWith();
  const authentication = { privateKeyJwt: { key: pem(keys.RS384) } };
  const clock = fixedClock(Date.now() - 20 * 60_000);
  const change = { clientId: 'epic', authentication };
  await using set = credentialSet(given(server, change), { clock });
  const { keys: published } = await set.credentials.jwksDocument();
  await server.register({ clientId: 'epic', keys: published });
  expect(await server.introspect(await set.token('api'))).toMatchObject({ active: true });
  expect(server.tokenRequests).toBe(2);
  clock.set(clock.now() + 600_000);
  await set.token('api');
  expect(server.tokenRequests).toBe(3);
});

test('a clock that is twenty minutes fast does no harm', async () => {
  await using server = await oddTokenServer(({ form }, response) => {
    const { iat = 0, exp = 0 } = decodeJwt(form.get('client_assertion') ?? '');
    const now = Date.now() / 1_000;
    // As Epic: not from the future, and at most five minutes ahead.
    if (iat > now || exp > now + 300) return reply(response, 400, { error: 'invalid_client' });
    return reply(response, 200, { access_token: 'token', token_type: 'bearer' });
  });
  const authentication = { privateKeyJwt: { key: pem(keys.RS384) } };
  const change = { issuer: undefined, tokenUrl: `${server.url}/token`, authentication };
  const clock = fixedClock(Date.now() + 20 * 60_000);
  await using set = credentialSet(given(server, change), { clock });
  expect(await set.token('api')).toBe('token');
  expect(server.asked.length).toBe(2);
});

test('a wrong clock is told where an assertion is refused', async () => {
  await using server = await serverWith();
  const authentication = { privateKeyJwt: { key: pem(keys.RS384) } };
  const clock = fixedClock(Date.now() - 20 * 60_000);
  const change = { clientId: 'epic', authentication };
  await using set = credentialSet(given(server, change), { clock });
  const other = { ...(await publicJwk('ES384')), kid: 'other', alg: 'ES384' };
  await server.register({ clientId: 'epic', keys: [other] });
  expect((await refusalOf(set)).message).toContain(
    "the clock of this machine is 20 min behind the server's",
  );
});

function tlsGiven(server: OAuth2Sandbox, name: string): Record<string, { kind: string }> {
  return {
    ...given(server, { clientId: 'tls', authentication: { mutualTls: 'own' } }),
    own: { kind: 'certificate', ...server.clientCertificate(name) },
  };
}

test('a certificate in the handshake signs in', async () => {
  await using server = await serverWith();
  await using set = credentialSet(tlsGiven(server, 'hub.hospital.example'));
  expect(await server.introspect(await set.token('api'))).toMatchObject({
    active: true,
    clientId: 'tls',
  });
});

test('a certificate of another name is refused', async () => {
  await using server = await serverWith();
  await using set = credentialSet(tlsGiven(server, 'other.hospital.example'));
  expect(await refusalOf(set)).toMatchObject({ code: 'CREDENTIAL_REFUSED', retryable: false });
});

test('a resource gets a token of its own', async () => {
  await using server = await serverWith();
  const change = { resource: FHIR, scope: 'system/Patient.read' };
  await using set = credentialSet(given(server, change));
  expect(await server.introspect(await set.token('api'))).toEqual({
    active: true,
    clientId: 'basic',
    scope: 'system/Patient.read',
    audience: FHIR,
  });
});

test.for([
  [{ authentication: { secret: 'wrong' } }, 'invalid_client: the server does not know this client'],
  [{ resource: 'https://nobody.example' }, 'invalid_target: the resource is unknown'],
])('%j is refused for good, by its word', async ([change, text]) => {
  await using server = await serverWith();
  await using set = credentialSet(given(server, change as object));
  const error = await refusalOf(set);
  expect(error).toMatchObject({ code: 'CREDENTIAL_REFUSED', retryable: false });
  expect(error.message).toContain(text as string);
});

test('a rotated secret is in the next request', async () => {
  await using server = await serverWith();
  const clock = fixedClock(Date.now());
  await using set = credentialSet(given(server), { clock });
  await set.token('api');
  await server.register({ clientId: 'basic', secret: 'next', secretIn: 'header' });
  set.set(given(server, { authentication: { secret: 'next' } }));
  clock.set(clock.now() + 600_000);
  expect(await server.introspect(await set.token('api'))).toMatchObject({ active: true });
});

const jwtOf = (claims: object): string =>
  ['e30', Buffer.from(JSON.stringify(claims)).toString('base64url'), 'c2ln'].join('.');

test.for([
  { access_token: 't', token_type: 'Bearer', scope: 'read' },
  { access_token: jwtOf({ scope: 'read' }), token_type: 'Bearer' },
  { access_token: jwtOf({ scp: ['read'] }), token_type: 'Bearer' },
])('a scope that the server drops without a word is told: %j', async (answer) => {
  await using server = await oddTokenServer((_, response) => reply(response, 200, answer));
  const change = { issuer: undefined, tokenUrl: `${server.url}/token`, scope: 'read write' };
  await using set = credentialSet(given(server, change));
  await set.token('api');
  expect(set.lines.join()).toContain('"missing":["write"]');
  const credential = await set.credentials.get('api');
  expect('notGranted' in credential && credential.notGranted?.()).toEqual(['write']);
});

test('a hang at the token endpoint ends with the time-out', async () => {
  await using server = await serverWith();
  server.faults.next({ kind: 'hang' });
  await using set = credentialSet(given(server, { timeout: '200ms' }));
  expect((await refusalOf(set)).message).toContain('did not answer within 200ms');
});
