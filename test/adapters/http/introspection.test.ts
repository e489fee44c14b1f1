import { generateKeyPairSync } from 'node:crypto';
import { Agent, request } from 'undici';
import { expect, test } from 'vitest';
import { type OAuth2Sandbox, oauth2Sandbox } from '../../../sandbox/oauth2/oauth2-sandbox.ts';
import { fixedClock } from '../../../src/time/clock.ts';
import { certificates } from '../../support/certificates.ts';
import { type CredentialSet, credentialSet } from '../../support/credential-set.ts';
import { oddTokenServer, reply } from '../../support/odd-token-server.ts';
import { type Service, service } from './calling.ts';

const SECRET = 'portal & hub + 1';
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const KEY = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

interface Lab extends AsyncDisposable {
  readonly server: OAuth2Sandbox;
  readonly set: CredentialSet;
  readonly one: Service;
  /** The status that a token is answered with, and why. */
  show(token: string): Promise<{ readonly status: number; readonly why: string }>;
  revoke(token: string): Promise<void>;
}

const told = (challenge: unknown): string =>
  /error_description="([^"]*)"/.exec(String(challenge))?.[1] ?? '';

const bearer = (token: string): { body: string; headers: { authorization: string } } => ({
  body: 'x',
  headers: { authorization: `Bearer ${token}` },
});

/** A service that asks a real OAuth2 server about the tokens it is shown. */
async function lab({
  introspection = {},
  client = {},
  clock = fixedClock(Date.now()),
}: {
  readonly introspection?: object;
  readonly client?: object;
  readonly clock?: ReturnType<typeof fixedClock>;
} = {}): Promise<Lab> {
  const server = await oauth2Sandbox({
    clients: [
      { clientId: 'portal', secret: SECRET, secretIn: 'body' },
      { clientId: 'hub', secret: SECRET, secretIn: 'header' },
      { clientId: 'bound', certificateName: 'hub.hospital.example' },
    ],
    scopes: ['read', 'write'],
  });
  const at = { kind: 'oauth2', issuer: server.url, trust: server.ca };
  const set = credentialSet(
    {
      portal: {
        ...at,
        clientId: 'portal',
        authentication: { secret: SECRET, secretIn: 'body' },
        scope: 'write',
      },
      hub: { ...at, clientId: 'hub', authentication: { secret: SECRET }, ...client },
      sso: { kind: 'introspection', client: 'hub', ...introspection },
    },
    { clock },
  );
  const one = await service(
    { callers: { kind: 'bearer', verifier: 'sso' }, scopes: ['POST: write'] },
    { verifiers: { sso: await set.credentials.verifier('sso') } },
  );
  const dispatcher = new Agent({ connect: { ca: server.ca } });
  return {
    server,
    set,
    one,
    async show(token) {
      const { status, headers, body } = await one.call('/x', bearer(token));
      return { status, why: told(headers['www-authenticate']) || body };
    },
    async revoke(token) {
      const form = { token, client_id: 'portal', client_secret: SECRET };
      await request(`${server.url}/token/revocation`, {
        dispatcher,
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams(form).toString(),
      });
    },
    async [Symbol.asyncDispose]() {
      await one[Symbol.asyncDispose]();
      await set[Symbol.asyncDispose]();
      await dispatcher.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

test('an opaque token opens what its scopes are for, and a revoked or unknown one is refused with the reason', async () => {
  await using here = await lab({ introspection: { keepFor: '0s' } });
  const token = await here.set.token('portal');
  expect(token).not.toContain('.');
  expect(await here.show(token)).toMatchObject({ status: 202 });
  expect(here.one.opened.delivered).toMatchObject([{ origin: '127.0.0.1 portal' }]);
  await here.revoke(token);
  for (const bad of [token, 'never-given-out']) {
    expect(await here.show(bad)).toEqual({
      status: 401,
      why: expect.stringContaining('it has expired, was revoked or is not one of its own'),
    });
  }
  expect(here.one.opened.events).toMatchObject([
    {
      level: 'warn',
      name: 'refused',
      text: expect.stringContaining('(401): the server says that'),
    },
  ]);
  expect(
    JSON.stringify([here.one.opened.log, here.one.opened.events, here.set.lines]),
  ).not.toContain(token);
});

test('an answer is kept for the time that is set and not a moment longer', async () => {
  const start = Date.now();
  const clock = fixedClock(start);
  await using here = await lab({ introspection: { keepFor: '60s' }, clock });
  const token = await here.set.token('portal');
  expect(await here.show(token)).toMatchObject({ status: 202 });
  await here.revoke(token);
  clock.set(start + 59_999);
  expect(await here.show(token)).toMatchObject({ status: 202 });
  clock.set(start + 60_000);
  expect(await here.show(token)).toMatchObject({ status: 401 });
});

test('no answer is kept longer than its token is good, and one question serves all who wait', async () => {
  const start = Date.now();
  const clock = fixedClock(start);
  let asked = 0;
  await using server = await oddTokenServer((_, response) => {
    asked += 1;
    reply(response, 200, { active: true, sub: 'portal', exp: Math.floor(start / 1_000) + 30 });
  });
  await using set = credentialSet(
    {
      hub: {
        kind: 'oauth2',
        tokenUrl: server.url,
        clientId: 'hub',
        authentication: { secret: 's' },
        trust: server.ca,
      },
      sso: { kind: 'introspection', client: 'hub', url: server.url, keepFor: '1h' },
    },
    { clock },
  );
  const verifier = await set.credentials.verifier('sso');
  await Promise.all([verifier.verify('a'), verifier.verify('a'), verifier.verify('a')]);
  expect(asked).toBe(1);
  clock.set(start + 31_000);
  await expect(verifier.verify('a')).rejects.toMatchObject({ code: 'CREDENTIAL_REFUSED' });
  expect(asked).toBe(2);
});

test.for([
  ['a secret', {}],
  ['a signed assertion', { clientId: 'signing', authentication: { privateKeyJwt: { key: KEY } } }],
] as const)('our client proves itself with %s', async ([, client]) => {
  await using here = await lab({ client });
  const { keys } = await here.set.credentials.jwksDocument();
  await here.server.register({ clientId: 'signing', keys });
  expect(await here.show(await here.set.token('portal'))).toMatchObject({ status: 202 });
});

test('what is wrong with our own client is a 503 that names the cause to operators and not to the caller', async () => {
  await using here = await lab({ client: { authentication: { secret: 'an old one' } } });
  const token = await here.set.token('portal');
  const refused = await here.show(token);
  expect(refused).toEqual({ status: 503, why: expect.not.stringContaining('hub') });
  const [event] = here.one.opened.events;
  expect(event?.text).toMatch(
    /\(503\): its sign-in could not be checked: credential sso: .*invalid_client: .*secret/,
  );
  expect(JSON.stringify([event, here.one.opened.log])).not.toMatch(/an old one|portal & hub/);
  await here.server.close();
  expect(await here.show(token)).toMatchObject({ status: 503 });
  expect(here.one.opened.events.at(-1)?.text).toContain('nothing listens on');
});

test('a token must be for the audience, and of the issuer, that are set', async () => {
  await using here = await lab({ introspection: { audience: 'results' } });
  expect(await here.show(await here.set.token('portal'))).toEqual({
    status: 401,
    why: expect.stringContaining('audience'),
  });
  await using other = await lab({ introspection: { issuer: 'https://evil.example' } });
  expect(await other.show(await other.set.token('portal'))).toEqual({
    status: 401,
    why: 'the issuer (iss) of the token is not the one expected',
  });
});

test('a token that is bound to a certificate serves on a connection that shows it, and on no other', async () => {
  await using files = await certificates();
  await using here = await lab();
  const own = here.server.clientCertificate('hub.hospital.example');
  await using caller = credentialSet({
    own: { kind: 'certificate', certificate: own.certificate, key: own.key },
    bound: {
      kind: 'oauth2',
      issuer: here.server.url,
      trust: here.server.ca,
      clientId: 'bound',
      authentication: { mutualTls: 'own' },
      scope: 'write',
    },
  });
  const token = await caller.token('bound');
  expect(await here.show(token)).toMatchObject({
    status: 401,
    why: expect.stringContaining('bound to a client certificate'),
  });
  const trust = await files.file('clients.pem', files.authority.certificate + here.server.ca);
  await using secure = await service(
    {
      callers: { kind: 'bearer', verifier: 'sso' },
      tls: { certificate: 'server', clientCertificate: 'requested', trust },
    },
    {
      credentials: { server: files.server },
      verifiers: { sso: await here.set.credentials.verifier('sso') },
    },
  );
  const statusWith = async (shown: { certificate: string; key: string }): Promise<number> => {
    const { certificate: cert, key } = shown;
    const dispatcher = new Agent({ connect: { ca: files.authority.certificate, cert, key } });
    const { statusCode: status } = await request(`${secure.url.replace('http:', 'https:')}/x`, {
      method: 'POST',
      ...bearer(token),
      dispatcher,
    });
    await dispatcher.close();
    return status;
  };
  expect(await statusWith(own)).toBe(202);
  expect(await statusWith(files.client)).toBe(401);
});

const problems = async (client: object, introspection: object = {}): Promise<string> => {
  await using set = credentialSet({
    hub: { kind: 'oauth2', clientId: 'hub', authentication: { secret: 's' }, ...client },
    sso: { kind: 'introspection', client: 'hub', ...introspection },
  });
  return JSON.stringify(await set.credentials.check());
};

test('a set of credentials that cannot ask is found before a start', async () => {
  const tokenUrl = 'https://sso.example/token';
  expect(await problems({ issuer: 'https://sso.example' })).toBe('[]');
  expect(await problems({ tokenUrl }, { url: 'https://sso.example/introspect' })).toBe('[]');
  expect(await problems({ tokenUrl })).toContain('Set url to the introspection endpoint');
  expect(await problems({ tokenUrl }, { url: 'http://sso.example/introspect' })).toContain('https');
  expect(
    await problems({
      provider: 'entra',
      tenant: 'hospital.example',
      scope: 'https://graph.microsoft.com/.default',
    }),
  ).toContain('jwt-key');
  expect(await problems({ tokenUrl }, { client: 'nobody' })).toContain('nobody');
});
