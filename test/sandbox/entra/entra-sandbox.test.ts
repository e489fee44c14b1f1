import { createHash, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { createRemoteJWKSet, customFetch, jwtVerify, SignJWT } from 'jose';
import { Agent, fetch } from 'undici';
import { assert, expect, test } from 'vitest';
import type { EntraApplication } from '../../../sandbox/entra/entra-application.ts';
import {
  type EntraSandbox,
  type EntraSandboxOptions,
  entraSandbox,
} from '../../../sandbox/entra/entra-sandbox.ts';
import { certificateAuthority } from '../../../src/credential/certificate-maker.ts';
import { fixedClock } from '../../../src/time/clock.ts';
import { openResources } from '../../support/nothing-open.ts';

const GRAPH = 'https://graph.microsoft.com';
const application: EntraApplication = {
  clientId: 'app-1',
  name: 'Mailer',
  secrets: [{ value: 'right' }, { value: 'old', expires: new Date('2026-01-01') }],
  roles: { [GRAPH]: ['Mail.Send'] },
};

interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body: Readonly<Record<string, unknown>>;
}

interface Client extends AsyncDisposable {
  readonly entra: EntraSandbox;
  get(path: string): Promise<Answer>;
  token(form?: Readonly<Record<string, string>>): Promise<Answer>;
}

/** A plain client, so that what the sandbox says is seen and not what a library makes of it. */
async function clientOf(options: Partial<EntraSandboxOptions> = {}): Promise<Client> {
  const entra = await entraSandbox({ applications: [application], ...options });
  const dispatcher = new Agent({ connect: { ca: entra.ca } });
  const ask = async (path: string, init: object = {}): Promise<Answer> => {
    const response = await fetch(`${entra.url}${path}`, { dispatcher, ...init });
    return {
      status: response.status,
      retryAfter: response.headers.get('retry-after'),
      body: (await response.json()) as Record<string, unknown>,
    };
  };
  return {
    entra,
    get: (path) => ask(path),
    token: (form = {}) =>
      ask(`/${entra.tenant}/oauth2/v2.0/token`, {
        method: 'POST',
        headers: { 'client-request-id': 'correlation-1' },
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_id: 'app-1',
          scope: `${GRAPH}/.default`,
          ...form,
        }),
      }),
    async [Symbol.asyncDispose]() {
      await dispatcher.destroy();
      await entra.close();
    },
  };
}

test('a token is a signed JWT that the published key verifies', async () => {
  await using client = await clientOf();
  const { entra } = client;
  const { status, body } = await client.token({ client_secret: 'right' });
  expect(status).toBe(200);
  expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 3_599, ext_expires_in: 3_599 });
  const { body: metadata } = await client.get(
    `/${entra.tenant}/v2.0/.well-known/openid-configuration`,
  );
  const keys = createRemoteJWKSet(new URL(String(metadata['jwks_uri'])), {
    [customFetch]: async (url) => {
      const { body: document } = await client.get(new URL(url).pathname);
      return Response.json(document);
    },
  });
  const { payload } = await jwtVerify(String(body['access_token']), keys, { audience: GRAPH });
  expect(payload).toMatchObject({
    appid: 'app-1',
    app_displayname: 'Mailer',
    appidacr: '1',
    roles: ['Mail.Send'],
    tid: entra.tenant,
    iss: `https://sts.windows.net/${entra.tenant}/`,
    ver: '1.0',
  });
});

const REFUSED: readonly (readonly [number, string, number, Record<string, string>])[] = [
  [401, 'invalid_client', 7000215, { client_secret: 'wrong' }],
  [401, 'invalid_client', 7000222, { client_secret: 'old' }],
  [401, 'invalid_client', 7000216, {}],
  [400, 'unauthorized_client', 700016, { client_id: 'nobody', client_secret: 'right' }],
  [400, 'invalid_scope', 1002012, { scope: 'Mail.Send', client_secret: 'right' }],
  [400, 'invalid_resource', 500011, { scope: 'api://no/.default', client_secret: 'right' }],
  [400, 'invalid_request', 900144, { scope: '', client_secret: 'right' }],
  [400, 'unsupported_grant_type', 70003, { grant_type: 'password', client_secret: 'right' }],
];

test.for(REFUSED)('it answers %i %s with AADSTS%i to %j', async ([status, error, number, form]) => {
  await using client = await clientOf();
  const answer = await client.token(form);
  expect(answer).toMatchObject({
    status,
    body: { error, error_codes: [number], correlation_id: 'correlation-1' },
  });
  expect(answer.body['error_description']).toMatch(
    new RegExp(
      String.raw`^AADSTS${number}: .* Trace ID: [\w-]{36} Correlation ID: correlation-1 Timestamp: \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$`,
    ),
  );
});

test('a tenant that does not exist is refused at every address', async () => {
  await using client = await clientOf();
  const answer = await client.get('/nowhere/v2.0/.well-known/openid-configuration');
  expect(answer).toMatchObject({ status: 400, body: { error_codes: [90002] } });
});

const authority = certificateAuthority('Hospital');
const own = authority.issue({ commonName: 'own', keys: 'RSA' });
const other = authority.issue({ commonName: 'other', keys: 'RSA' });

interface Assertion {
  readonly certificate?: string;
  readonly key?: string | KeyObject;
  readonly claims?: Readonly<Record<string, unknown>>;
}

async function assertionFor(
  { entra }: Client,
  { certificate = own.certificate, key = own.key, claims = {} }: Assertion = {},
): Promise<Record<string, string>> {
  const { createPrivateKey } = await import('node:crypto');
  const now = Math.floor(Date.now() / 1_000);
  const thumbprint = createHash('sha256').update(new X509Certificate(certificate).raw);
  const assertion = await new SignJWT({
    iss: 'app-1',
    sub: 'app-1',
    aud: `${entra.url}/${entra.tenant}/oauth2/v2.0/token`,
    jti: 'once',
    nbf: now,
    exp: now + 600,
    ...claims,
  })
    .setProtectedHeader({ alg: 'PS256', 'x5t#S256': thumbprint.digest('base64url') })
    .sign(typeof key === 'string' ? createPrivateKey(key) : key);
  return {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  };
}

const withCertificate = { applications: [{ ...application, certificates: [own.certificate] }] };

test('an assertion signed with a registered certificate is taken', async () => {
  await using client = await clientOf(withCertificate);
  expect(await client.token(await assertionFor(client))).toMatchObject({ status: 200 });
});

const HOUR = 3_600;
const seconds = (): number => Math.floor(Date.now() / 1_000);

test.for([
  ['another certificate', 700027, other],
  ['the key of another', 700027, { key: other.key }],
  ['another subject', 700021, { claims: { sub: 'app-2' } }],
  ['another audience', 700023, { claims: { aud: 'https://elsewhere.example' } }],
  ['a time that is over', 700024, { claims: { exp: seconds() - HOUR } }],
  ['a time to come', 700024, { claims: { nbf: seconds() + HOUR, exp: seconds() + 2 * HOUR } }],
] as const)('an assertion with %s is refused with AADSTS%i', async ([, number, change]) => {
  await using client = await clientOf(withCertificate);
  const answer = await client.token(await assertionFor(client, change));
  expect(answer).toMatchObject({ status: 401, body: { error_codes: [number] } });
});

const issuer = generateKeyPairSync('rsa', { modulusLength: 2048 });
const federated = [
  {
    issuer: 'https://cluster.example',
    subject: 'engine',
    publicKey: issuer.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  },
];
const TRUSTED = {
  iss: 'https://cluster.example',
  sub: 'engine',
  aud: 'api://AzureADTokenExchange',
};

test.for([
  ['as registered', undefined, TRUSTED, issuer.privateKey],
  ['of another issuer', 700211, { ...TRUSTED, iss: 'https://x.example' }, issuer.privateKey],
  ['of another subject', 700213, { ...TRUSTED, sub: 'x' }, issuer.privateKey],
  ['for another audience', 700212, { ...TRUSTED, aud: 'x' }, issuer.privateKey],
  ['with another signature', 50027, TRUSTED, undefined],
] as const)('a federated token %s is judged as Entra does', async ([, number, claims, key]) => {
  await using client = await clientOf({ applications: [{ ...application, federated }] });
  const form = await assertionFor(client, { claims, key: key ?? other.key });
  const answer = await client.token(form);
  expect(answer.body['error_codes']).toEqual(number === undefined ? undefined : [number]);
});

test('a token is judged as a resource would', async () => {
  const clock = fixedClock(Date.now());
  await using client = await clientOf({ clock, lifetime: 60 });
  await using stranger = await clientOf();
  const { entra } = client;
  const token = String((await client.token({ client_secret: 'right' })).body['access_token']);
  const foreign = String((await stranger.token({ client_secret: 'right' })).body['access_token']);
  const verdict = await entra.validate(token);
  assert(verdict.valid);
  expect(verdict.claims).toMatchObject({ aud: GRAPH, appid: 'app-1', roles: ['Mail.Send'] });
  expect(await entra.validate(foreign)).toMatchObject({ valid: false });
  expect(await entra.validate('nonsense')).toMatchObject({ valid: false });
  clock.set(clock.now() + 61_000);
  expect(await entra.validate(token)).toEqual({
    valid: false,
    reason: 'Lifetime validation failed, the token is expired.',
  });
});

test('a changed registration counts from the next request', async () => {
  await using client = await clientOf();
  client.entra.register({ ...application, secrets: [{ value: 'next' }] });
  expect(await client.token({ client_secret: 'right' })).toMatchObject({ status: 401 });
  expect(await client.token({ client_secret: 'next' })).toMatchObject({ status: 200 });
});

test('faults meet the next requests for tokens, in their order, and no others', async () => {
  await using client = await clientOf();
  const { faults, tenant } = client.entra;
  faults.next({ kind: 'throttle', retryAfter: 17 }, { kind: 'drop' });
  const metadata = `/${tenant}/v2.0/.well-known/openid-configuration`;
  expect(await client.get(metadata)).toMatchObject({ status: 200 });
  expect(await client.token({ client_secret: 'right' })).toMatchObject({
    status: 429,
    retryAfter: '17',
    body: { error_codes: [90055] },
  });
  await expect(client.token({ client_secret: 'right' })).rejects.toThrow('fetch failed');
  expect(await client.token({ client_secret: 'right' })).toMatchObject({ status: 200 });
  faults.always({ kind: 'answer', status: 500, body: { error: 'server_error' } });
  expect(await client.token()).toMatchObject({ status: 500 });
  expect(await client.token()).toMatchObject({ status: 500 });
  faults.clear();
  expect(await client.token({ client_secret: 'right' })).toMatchObject({ status: 200 });
});

test('requests are kept by the names of their parameters, without a secret', async () => {
  await using client = await clientOf();
  await client.token({ client_secret: 'right' });
  expect(client.entra.requests).toEqual([
    {
      method: 'POST',
      path: `/${client.entra.tenant}/oauth2/v2.0/token`,
      clientId: 'app-1',
      parameters: ['grant_type', 'client_id', 'scope', 'client_secret'],
    },
  ]);
});

test('nothing is left open, even by a request that hangs', async () => {
  const resources = openResources();
  {
    await using client = await clientOf();
    client.entra.faults.next({ kind: 'hang' });
    const hanging = client.token({ client_secret: 'right' }).catch((error: unknown) => error);
    await client.token({ client_secret: 'right' });
    await client.entra.close();
    expect(await hanging).toBeInstanceOf(Error);
  }
  await resources.expectNothingNew();
});
