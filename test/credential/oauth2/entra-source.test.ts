import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { expect, test, vi } from 'vitest';
import { type EntraSandbox, entraSandbox } from '../../../sandbox/entra/entra-sandbox.ts';
import { certificateAuthority } from '../../../src/credential/certificate-maker.ts';
import type { CredentialError } from '../../../src/credential/credential-error.ts';
import { fixedClock } from '../../../src/time/clock.ts';
import { type CredentialSet, credentialSet } from '../../support/credential-set.ts';
import { openResources } from '../../support/nothing-open.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const GRAPH = 'https://graph.microsoft.com';
const SECRET = 'a~Secret.Value_with-40-characters-as-real';

const registered = {
  clientId: 'c0ffee00-0000-4000-8000-000000000001',
  name: 'Waybill',
  secrets: [{ value: SECRET }, { value: 'old', expires: new Date('2026-01-01') }],
  roles: { [GRAPH]: ['Mail.Send'] },
};

function given(entra: EntraSandbox, change: object = {}): Record<string, { kind: string }> {
  return {
    graph: {
      kind: 'oauth2',
      provider: 'entra',
      tenant: entra.tenant,
      authority: entra.authority,
      clientId: registered.clientId,
      authentication: { secret: SECRET },
      scope: `${GRAPH}/.default`,
      trust: entra.ca,
      ...change,
    } as { kind: string },
  };
}

const entraWith = (options: Partial<Parameters<typeof entraSandbox>[0]> = {}) =>
  entraSandbox({ applications: [registered], ...options });

async function refusalOf(set: CredentialSet): Promise<CredentialError> {
  return set.token('graph').then(
    () => expect.fail('a token was given'),
    (error: CredentialError) => error,
  );
}

const tokenRequests = ({ requests }: EntraSandbox): number =>
  requests.filter(({ method }) => method === 'POST').length;

test('a client secret gets a token that the resource takes', async () => {
  await using entra = await entraWith();
  await using set = credentialSet(given(entra));
  expect(await entra.validate(await set.token('graph'))).toMatchObject({
    valid: true,
    claims: { aud: GRAPH, appid: registered.clientId, roles: ['Mail.Send'] },
  });
});

test('twenty hosts that start at once make one token request', async () => {
  await using entra = await entraWith();
  await using set = credentialSet(given(entra));
  const tokens = await Promise.all(Array.from({ length: 20 }, () => set.token('graph')));
  expect(new Set(tokens).size).toBe(1);
  expect(tokenRequests(entra)).toBe(1);
});

test.for([
  ['a wrong secret', { secret: 'wrong secret' }, 'AADSTS7000215: the client secret is wrong'],
  ['an expired secret', { secret: 'old' }, 'AADSTS7000222: the client secret has expired'],
])('%s is refused for good, with what to do', async ([, authentication, text]) => {
  await using entra = await entraWith();
  await using set = credentialSet(given(entra, { authentication }));
  const error = await refusalOf(set);
  expect(error).toMatchObject({ code: 'CREDENTIAL_REFUSED', retryable: false });
  expect(error.message).toMatch(/^credential graph: localhost:\d+ refused the token request: /);
  expect(error.message).toContain(text as string);
  expect(error.message).toContain('App registrations > Certificates & secrets');
  expect(error.detail).toMatch(/^trace_id [\w-]{36}, correlation_id [\w-]{36}$/);
});

test.for([
  ['another client id', { clientId: 'nobody' }, 'AADSTS700016'],
  ['a tenant that does not exist', { tenant: 'nowhere.example' }, 'AADSTS90002'],
  ['a resource that does not exist', { scope: 'api://nothing/.default' }, 'AADSTS500011'],
])('%s is refused by its number', async ([, change, number]) => {
  await using entra = await entraWith();
  await using set = credentialSet(given(entra, change as object));
  const error = await refusalOf(set);
  expect(error.message).toContain(`${number as string}: `);
  expect(error.retryable).toBe(false);
});

test('an application that is disabled is refused by its number', async () => {
  await using entra = await entraWith();
  entra.register({ ...registered, disabled: true });
  await using set = credentialSet(given(entra));
  expect((await refusalOf(set)).message).toContain('AADSTS7000112: the application is disabled');
});

const authority = certificateAuthority('Hospital');
const client = authority.issue({ commonName: 'waybill', keys: 'RSA' });

function withCertificate(
  entra: EntraSandbox,
  certificate: object,
): Record<string, { kind: string }> {
  return {
    ...given(entra, { authentication: { certificate: 'own' } }),
    own: { kind: 'certificate', ...certificate },
  };
}

test('a registered certificate gets a token', async () => {
  await using entra = await entraWith({
    applications: [{ ...registered, certificates: [client.certificate] }],
  });
  await using set = credentialSet(withCertificate(entra, client));
  expect(await entra.validate(await set.token('graph'))).toMatchObject({ valid: true });
});

test('the key of a certificate may be encrypted, which MSAL does not open', async () => {
  await using entra = await entraWith({
    applications: [{ ...registered, certificates: [client.certificate] }],
  });
  const key = createPrivateKey(client.key)
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open' })
    .toString();
  const certificate = { certificate: client.certificate, key, passphrase: 'open' };
  await using set = credentialSet(withCertificate(entra, certificate));
  expect(await entra.validate(await set.token('graph'))).toMatchObject({ valid: true });
});

test('a certificate that is not registered is refused by its number', async () => {
  await using entra = await entraWith();
  await using set = credentialSet(withCertificate(entra, client));
  expect((await refusalOf(set)).message).toContain(
    'AADSTS700027: the certificate is not registered with the application',
  );
});

test('a certificate with an elliptic key is refused before anything is sent', async () => {
  await using entra = await entraWith();
  await using set = credentialSet(withCertificate(entra, authority.issue({ commonName: 'ec' })));
  expect((await refusalOf(set)).message).toContain(
    'Entra accepts only certificates with an RSA key',
  );
  expect(entra.requests).toEqual([]);
});

const issuer = generateKeyPairSync('rsa', { modulusLength: 2048 });

function federatedToken(subject: string): Promise<string> {
  return new SignJWT()
    .setProtectedHeader({ alg: 'RS256' })
    .setIssuer('https://cluster.hospital.example')
    .setSubject(subject)
    .setAudience('api://AzureADTokenExchange')
    .setExpirationTime('5m')
    .sign(issuer.privateKey);
}

const federated = [
  {
    issuer: 'https://cluster.hospital.example',
    subject: 'system:serviceaccount:waybill:engine',
    publicKey: issuer.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  },
];

test('a federated token is read from its file for each request', async () => {
  await using entra = await entraWith({ applications: [{ ...registered, federated }] });
  await using folder = await temporaryFolder('federated');
  const file = join(folder.path, 'token');
  await writeFile(file, await federatedToken('system:serviceaccount:waybill:other'));
  const clock = fixedClock(Date.now());
  await using set = credentialSet(given(entra, { authentication: { federatedToken: { file } } }), {
    clock,
  });
  expect((await refusalOf(set)).message).toContain(
    'AADSTS700213: no federated credential of the application has the subject',
  );
  await writeFile(file, `${await federatedToken('system:serviceaccount:waybill:engine')}\n`);
  clock.set(clock.now() + 11_000);
  expect(await entra.validate(await set.token('graph'))).toMatchObject({ valid: true });
});

test('a federated token is taken from the environment', async () => {
  await using entra = await entraWith({ applications: [{ ...registered, federated }] });
  const environment = { OIDC_TOKEN: await federatedToken('system:serviceaccount:waybill:engine') };
  const authentication = { federatedToken: { environment: 'OIDC_TOKEN' } };
  await using set = credentialSet(given(entra, { authentication }), { environment });
  expect(await entra.validate(await set.token('graph'))).toMatchObject({ valid: true });
  await using without = credentialSet(given(entra, { authentication }));
  expect(await refusalOf(without)).toMatchObject({ code: 'CREDENTIAL_MISSING', retryable: true });
});

test('a rotated secret is in the next request', async () => {
  await using entra = await entraWith();
  const clock = fixedClock(Date.now());
  await using set = credentialSet(given(entra), { clock });
  const first = await set.token('graph');
  entra.register({ ...registered, secrets: [{ value: 'the next secret' }] });
  set.set(given(entra, { authentication: { secret: 'the next secret' } }));
  clock.set(clock.now() + 3_600_000);
  const second = await set.token('graph');
  expect(second).not.toBe(first);
  expect(tokenRequests(entra)).toBe(2);
});

test('after a 429 the next request goes out as soon as Retry-After is over', async () => {
  await using entra = await entraWith();
  entra.faults.next({ kind: 'throttle', retryAfter: 7 });
  const clock = fixedClock(Date.now());
  await using set = credentialSet(given(entra), { clock });
  expect(await refusalOf(set)).toMatchObject({
    code: 'CREDENTIAL_UNAVAILABLE',
    retryable: true,
    retryAfter: 7_000,
  });
  clock.set(clock.now() + 6_000);
  await refusalOf(set);
  expect(tokenRequests(entra)).toBe(1);
  clock.set(clock.now() + 1_000);
  // MSAL itself would answer out of its own store for a minute.
  expect(await entra.validate(await set.token('graph'))).toMatchObject({ valid: true });
});

const BREAKDOWNS = [
  [{ kind: 'drop' }, 'closed the connection'],
  [{ kind: 'page', status: 502 }, 'it answered 502 with text/html instead of JSON'],
  [{ kind: 'page', status: 200 }, 'it answered with text/html instead of a token'],
  [{ kind: 'hang' }, 'did not answer within 1s'],
  [
    { kind: 'answer', status: 200, body: { token_type: 'Bearer', expires_in: 3_599 } },
    'it reported success, but without a token',
  ],
  [
    { kind: 'answer', status: 500, body: { error: 'server_error', error_codes: [90033] } },
    'AADSTS90033: Entra has a temporary fault',
  ],
] as const;

test.for(BREAKDOWNS)('without a token, %j is told as what it is', async ([fault, text]) => {
  await using entra = await entraWith();
  entra.faults.next(fault);
  const clock = fixedClock(Date.now());
  await using set = credentialSet(given(entra, { timeout: '1s' }), { clock });
  const error = await refusalOf(set);
  expect(error).toMatchObject({ code: 'CREDENTIAL_UNAVAILABLE', retryable: true });
  expect(error.message).toContain(text);
  clock.set(clock.now() + 1_000);
  expect(await entra.validate(await set.token('graph'))).toMatchObject({ valid: true });
});

test.for(BREAKDOWNS)('while the token is good, %j is nobody’s business', async ([fault, text]) => {
  await using entra = await entraWith({ refreshIn: 60 });
  const clock = fixedClock(Date.now());
  await using set = credentialSet(given(entra, { timeout: '1s' }), { clock });
  const first = await set.token('graph');
  clock.set(clock.now() + 61_000);
  entra.faults.next(fault);
  expect(await set.token('graph')).toBe(first);
  await vi.waitFor(() => expect(set.lines.join()).toContain('token renewal failed'));
  expect(set.lines.join()).toContain(text);
  expect(await set.token('graph')).toBe(first);
  clock.set(clock.now() + 1_000);
  await vi.waitFor(async () => expect(await set.token('graph')).not.toBe(first));
});

test('a slow renewal makes nobody wait', async () => {
  await using entra = await entraWith({ refreshIn: 60 });
  const clock = fixedClock(Date.now());
  await using set = credentialSet(given(entra), { clock });
  const first = await set.token('graph');
  clock.set(clock.now() + 61_000);
  entra.faults.next({ kind: 'hang' });
  expect(await set.token('graph')).toBe(first);
});

test('a token that was revoked is replaced once, after the 401', async () => {
  await using entra = await entraWith();
  await using set = credentialSet(given(entra));
  const first = await set.token('graph');
  entra.revoke();
  expect(await entra.validate(first)).toMatchObject({ valid: false });
  const tokens = await Promise.all([
    set.token('graph', { fresh: true }),
    set.token('graph', { fresh: true }),
  ]);
  expect(new Set(tokens).size).toBe(1);
  expect(await entra.validate(tokens[0] ?? '')).toMatchObject({ valid: true });
  expect(tokenRequests(entra)).toBe(2);
});

test('a server whose authority is not trusted is told as such', async () => {
  await using entra = await entraWith();
  const stranger = certificateAuthority('Stranger').certificate;
  await using set = credentialSet(given(entra, { trust: stranger }));
  const error = await refusalOf(set);
  expect(error.code).toBe('CREDENTIAL_UNAVAILABLE');
  expect(error.message).toContain('is signed by an authority that is not trusted here');
});

test('a server that is down is told as such', async () => {
  const entra = await entraWith();
  await entra.close();
  await using set = credentialSet(given(entra));
  expect((await refusalOf(set)).message).toMatch(/nothing listens on localhost:\d+/);
});

test('nothing is left open after a token, a time-out and a stop', async () => {
  const resources = openResources();
  {
    await using entra = await entraWith();
    const clock = fixedClock(Date.now());
    await using set = credentialSet(given(entra, { timeout: '2s' }), { clock });
    await set.token('graph');
    entra.faults.always({ kind: 'hang' });
    clock.set(clock.now() + 3_600_000);
    await refusalOf(set);
    clock.set(clock.now() + 60_000);
    const waiting = set.token('graph').catch((error: unknown) => error);
    await vi.waitFor(() => expect(tokenRequests(entra)).toBe(3));
    await set.credentials.close();
    expect(String(await waiting)).toContain('the engine is stopping');
  }
  await resources.expectNothingNew();
});
