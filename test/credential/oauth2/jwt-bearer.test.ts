import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { type JWTPayload, jwtVerify } from 'jose';
import { expect, test } from 'vitest';
import { credentialSet } from '../../support/credential-set.ts';
import { oddTokenServer, reply } from '../../support/odd-token-server.ts';

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const ACCOUNT = 'hub@project.iam.gserviceaccount.com';
const SCOPE = 'https://www.googleapis.com/auth/cloud-healthcare';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

/** A token endpoint as Google's: it knows the account's key, and what an assertion has to say. */
async function google() {
  const claims: JWTPayload[] = [];
  const server = await oddTokenServer(({ form }, response) => {
    const check = async (): Promise<void> => {
      const { payload } = await jwtVerify(
        form.get('assertion') ?? '',
        createPublicKey(privateKey),
        { algorithms: ['RS256'], issuer: ACCOUNT, audience: `${server.url}/token` },
      );
      claims.push(payload);
      if (form.get('grant_type') !== GRANT) throw new Error('another grant');
      if (payload['scope'] !== SCOPE) return reply(response, 400, { error: 'invalid_scope' });
      return reply(response, 200, { access_token: 'ya29.token', expires_in: 3599 });
    };
    check().catch(() => reply(response, 400, { error: 'invalid_grant' }));
  });
  return { server, claims };
}

const given = (server: { readonly url: string; readonly ca: string }, change: object = {}) => ({
  google: {
    kind: 'oauth2',
    grant: 'jwt-bearer',
    tokenUrl: `${server.url}/token`,
    clientId: ACCOUNT,
    authentication: { privateKeyJwt: { key, algorithm: 'RS256', keyId: 'k1' } },
    scope: SCOPE,
    trust: server.ca,
    ...change,
  },
});

test('a service account exchanges its signed assertion for a token', async () => {
  const { server, claims } = await google();
  await using _ = server;
  await using set = credentialSet(given(server));
  expect(await set.token('google')).toBe('ya29.token');
  expect(claims).toMatchObject([{ iss: ACCOUNT, scope: SCOPE }]);
  expect(claims[0]).not.toHaveProperty('sub');
  expect(server.asked[0]?.form.has('client_assertion')).toBe(false);
});

test('for a user, and with a secret besides, as Box wants it', async () => {
  const { server, claims } = await google();
  await using _ = server;
  const { authentication } = given(server).google;
  const change = {
    subject: 'anna@hospital.example',
    authentication: { ...authentication, secret: 'a secret', secretIn: 'body' },
  };
  await using set = credentialSet(given(server, change));
  await set.token('google');
  expect(claims).toMatchObject([{ sub: 'anna@hospital.example' }]);
  expect(Object.fromEntries(server.asked[0]?.form ?? [])).toMatchObject({
    client_id: ACCOUNT,
    client_secret: 'a secret',
  });
});

test('a refused assertion says what to compare', async () => {
  const { server } = await google();
  await using _ = server;
  await using set = credentialSet(given(server, { clientId: 'somebody@else' }));
  await expect(set.token('google')).rejects.toThrow(/invalid_grant: .*assertion/);
});

test.for([
  [
    'without a key',
    { authentication: { secret: 'x' } },
    /privateKeyJwt is required with grant jwt-bearer/,
  ],
  [
    'with another grant',
    { grant: 'client-credentials', subject: 'anna' },
    /subject is for grant jwt-bearer only/,
  ],
] as const)('settings that do not go together are named: %s', async ([, change, problem]) => {
  const server = { url: 'https://localhost:1', ca: '' };
  await using set = credentialSet(given(server, { ...change, trust: undefined }));
  await expect(set.credentials.get('google')).rejects.toThrow(problem);
});
