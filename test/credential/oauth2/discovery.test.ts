import { expect, test } from 'vitest';
import { fixedClock } from '../../../src/time/clock.ts';
import { type CredentialSet, credentialSet, refusalOf } from '../../support/credential-set.ts';
import { type OddTokenServer, oddTokenServer, reply } from '../../support/odd-token-server.ts';

/** A server with one discovery document; `about` is made when its address is known. */
async function serverWith(
  path: string,
  about: (url: string) => object,
  answers: { readonly token?: () => number } = {},
): Promise<OddTokenServer> {
  const server: OddTokenServer = await oddTokenServer((asked, response) => {
    if (asked.path === path) return reply(response, 200, about(server.url));
    if (asked.path !== '/token') return reply(response, 404, 'no');
    const status = answers.token?.() ?? 200;
    return reply(response, status, { access_token: 'token', token_type: 'Bearer', expires_in: 60 });
  });
  return server;
}

function setFor(server: OddTokenServer, issuer: string, parts = {}): CredentialSet {
  return credentialSet(
    {
      api: {
        kind: 'oauth2',
        issuer,
        clientId: 'c',
        authentication: { secret: 'secret' },
        trust: server.ca,
      },
    },
    parts,
  );
}

test.for([
  ['OpenID Connect', '/realms/lab/.well-known/openid-configuration'],
  ['RFC 8414', '/.well-known/oauth-authorization-server/realms/lab'],
])('the document of %s is found', async ([, path]) => {
  await using server = await serverWith(path as string, (url) => ({
    issuer: `${url}/realms/lab`,
    token_endpoint: `${url}/token`,
  }));
  await using set = setFor(server, `${server.url}/realms/lab`);
  expect(await set.token('api')).toBe('token');
});

test('the document of SMART is found below the FHIR base, whose address is not its issuer', async () => {
  await using server = await serverWith('/fhir/r4/.well-known/smart-configuration', (url) => ({
    issuer: 'https://sso.hospital.example',
    token_endpoint: `${url}/token`,
  }));
  await using set = setFor(server, `${server.url}/fhir/r4/`);
  expect(await set.token('api')).toBe('token');
});

test('the address of a document itself is taken as it is', async () => {
  await using server = await serverWith('/odd/.well-known/openid-configuration?v=2', (url) => ({
    issuer: 'urn:odd',
    token_endpoint: `${url}/token`,
  }));
  await using set = setFor(server, `${server.url}/odd/.well-known/openid-configuration?v=2`);
  expect(await set.token('api')).toBe('token');
});

test('a document of another issuer is refused before the secret is sent', async () => {
  await using server = await serverWith('/.well-known/openid-configuration', (url) => ({
    issuer: 'https://attacker.example',
    token_endpoint: `${url}/token`,
  }));
  await using set = setFor(server, server.url);
  expect((await refusalOf(set)).message).toContain('belongs to another issuer');
  expect(server.asked.map(({ path }) => path)).toEqual(['/.well-known/openid-configuration']);
});

test('a token endpoint without TLS is refused before the secret is sent', async () => {
  await using server = await serverWith('/.well-known/openid-configuration', (url) => ({
    issuer: url,
    token_endpoint: 'http://plain.example/token',
  }));
  await using set = setFor(server, server.url);
  expect((await refusalOf(set)).message).toContain('that is not an https address');
});

test('an issuer without any document is told with what was tried', async () => {
  await using server = await serverWith('/elsewhere', () => ({}));
  await using set = setFor(server, `${server.url}/realms/wrong`);
  const { message, retryable } = await refusalOf(set);
  expect(message).toContain('/realms/wrong/.well-known/openid-configuration answered 404');
  expect(message).toContain('/realms/wrong/.well-known/smart-configuration answered 404');
  expect(retryable).toBe(false);
});

test('the document is read once, and again after the token endpoint failed', async () => {
  let status = 200;
  await using server = await serverWith(
    '/.well-known/openid-configuration',
    (url) => ({ issuer: url, token_endpoint: `${url}/token` }),
    { token: () => status },
  );
  const clock = fixedClock(Date.now());
  await using set = setFor(server, server.url, { clock });
  const documents = (): number => server.asked.filter(({ method }) => method === 'GET').length;
  await set.token('api');
  clock.set(clock.now() + 60_000);
  await set.token('api');
  expect(documents()).toBe(1);
  clock.set(clock.now() + 60_000);
  status = 500;
  await refusalOf(set);
  expect(documents()).toBe(1);
  status = 200;
  clock.set(clock.now() + 60_000);
  await set.token('api');
  expect(documents()).toBe(2);
});

test('a server that is down for the moment is asked again', async () => {
  await using server = await oddTokenServer((_, response) => reply(response, 503, 'later'));
  await using set = setFor(server, server.url);
  expect(await refusalOf(set)).toMatchObject({ code: 'CREDENTIAL_UNAVAILABLE', retryable: true });
});
