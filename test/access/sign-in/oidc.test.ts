import { expect, test } from 'vitest';
import { freePort } from '../../../sandbox/free-port.ts';
import { type GuardedApi, guardedApi } from '../../support/guarded-api.ts';
import { oidcService } from '../../support/oidc-service.ts';
import { visitor } from '../../support/visitor.ts';

const keycloak = (issuer: string, more = ''): string => `
oidc:
  - name: keycloak
    title: The hospital’s Keycloak
    issuer: ${issuer}
    clientId: waybill
    clientSecret: a secret of the console
    rolesFrom: realm_access.roles
    roles: { wb-admins: administrator, wb-ward: viewer }
${more}`;

interface SignInTrace {
  readonly passwords: { allowed: boolean; why: string };
  readonly events: readonly { cause: string; remedy?: string; outcome: string }[];
}

async function set(more = ''): Promise<{
  oidc: Awaited<ReturnType<typeof oidcService>>;
  start: (change?: (yaml: string) => string, data?: string) => Promise<GuardedApi>;
}> {
  const port = await freePort();
  const oidc = await oidcService(`http://127.0.0.1:${port}/api/v1/sign-in/oidc/keycloak/callback`);
  return {
    oidc,
    start: (change = (yaml) => yaml, data) =>
      guardedApi({
        port,
        settings: () => change(keycloak(oidc.issuer, more)),
        ...(data === undefined ? {} : { data }),
      }),
  };
}

test('a Keycloak user gets in with code and PKCE, with the role of realm_access.roles, and signs out there too', async () => {
  const { oidc, start } = await set();
  await using provider = oidc;
  await using api = await start();
  provider.person = { name: 'nurse', roles: ['offline_access', 'wb-ward'] };
  const browser = visitor(api.url);
  const methods = await browser.ask('GET', '/api/v1/sign-in/methods');
  expect(methods.body['oidc']).toEqual([{ name: 'keycloak', title: 'The hospital’s Keycloak' }]);
  const back = await provider.browse(browser);
  expect([back.status, back.headers.get('location')]).toEqual([302, `${api.url}/messages`]);
  const me = await browser.me();
  expect(me.body).toMatchObject({ name: 'nurse', roles: ['viewer'], via: 'oidc keycloak' });
  const out = await browser.ask('POST', '/api/v1/sign-out');
  expect(out.body['redirect']).toContain(`${provider.issuer}/session/end?id_token_hint=`);
  expect((await browser.me()).status).toBe(401);
});

test('who signs out at the provider is signed out here, by its back channel and nobody else’s', async () => {
  const { oidc, start } = await set();
  await using provider = oidc;
  await using api = await start();
  const enter = async (name: string) => {
    provider.person = { name, roles: ['wb-ward'] };
    const browser = visitor(api.url);
    await provider.browse(browser);
    expect((await browser.me()).status).toBe(200);
    return browser;
  };
  const [nurse, doctor] = [await enter('nurse'), await enter('doctor')];
  const logout = (token: string) =>
    fetch(new URL('/api/v1/sign-in/oidc/keycloak/logout', api.url), {
      method: 'POST',
      body: new URLSearchParams({ logout_token: token }),
    });
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} };
  const claims = { sub: 'nurse', jti: '1', events };
  for (const token of [
    await provider.token(claims),
    await provider.token({ ...claims, nonce: 'x' }, { audience: 'waybill' }),
    await provider.token({ ...claims, events: {} }, { audience: 'waybill' }),
    await provider.token({ jti: '1', events }, { audience: 'waybill' }),
    await provider.token(claims, { audience: 'waybill', issuer: 'https://evil.example' }),
    'nonsense',
  ]) {
    expect((await logout(token)).status).toBe(400);
  }
  expect((await nurse.me()).status).toBe(200);

  await provider.endSession('nurse');
  expect((await nurse.me()).status).toBe(401);
  expect((await doctor.me()).status).toBe(200);
});

test('a person back from elsewhere is led to the console only', async () => {
  const { oidc, start } = await set();
  await using provider = oidc;
  await using api = await start();
  provider.person = { name: 'nurse', roles: ['wb-ward'] };
  const browser = visitor(api.url);
  const started = await browser.ask(
    'GET',
    '/api/v1/sign-in/oidc/keycloak?back=https://evil.example/',
  );
  const url = new URL(started.headers.get('location') ?? '');
  expect(url.searchParams.get('code_challenge_method')).toBe('S256');
  const stray = await visitor(api.url).ask(
    'GET',
    `/api/v1/sign-in/oidc/keycloak/callback?code=x&state=${url.searchParams.get('state')}`,
  );
  expect([stray.status, stray.body['detail']]).toEqual([
    401,
    'this sign-in did not start here, or took too long: start again',
  ]);
  const page = await visitor(api.url).ask<string>(
    'GET',
    '/api/v1/sign-in/oidc/keycloak/callback?code=x',
    undefined,
    { accept: 'text/html', 'accept-language': 'de-CH,de' },
  );
  expect([page.status, page.headers.get('content-type')]).toEqual([
    401,
    'text/html; charset=utf-8',
  ]);
  expect(page.body).toContain(
    '<h1>Sie sind nicht angemeldet</h1><p>diese Anmeldung begann nicht hier',
  );
});

test.each([
  {
    wrong: 'the client secret',
    status: 401,
    change: (yaml: string) => yaml.replace('a secret of the console', 'mistyped'),
    cause: /invalid_client/,
    remedy: /compare clientId and clientSecret/,
  },
  {
    wrong: 'the issuer',
    status: 503,
    change: (yaml: string) => yaml.replace(/issuer: .*/, 'issuer: http://127.0.0.1:59321/'),
    cause: /cannot be asked for its configuration: .*ECONNREFUSED/,
    remedy: /check that it can be reached/,
  },
  {
    wrong: 'the claim of the roles',
    status: 403,
    change: (yaml: string) => yaml.replace('realm_access.roles', 'groups'),
    cause: /groups is missing or empty/,
    remedy: /correct rolesFrom/,
  },
  {
    wrong: 'the mapping',
    status: 403,
    change: (yaml: string) => yaml.replace('wb-admins', 'wb_admins'),
    cause: /none of wb-admins in realm_access.roles is mapped/,
    remedy: /add the group under roles/,
  },
])('with $wrong wrong an administrator reads the cause; corrected, it works', async (one) => {
  const { oidc, start } = await set();
  await using provider = oidc;
  provider.person = { name: 'chief', roles: ['wb-admins'] };
  const broken = await start(one.change);
  await broken.user('root', 'a long walk by the sea', {});
  const refused = await provider.browse(visitor(broken.url));
  expect(refused.status).toBe(one.status);
  const admin = visitor(broken.url);
  await admin.signIn('root', 'a long walk by the sea');
  const { body } = await admin.ask<SignInTrace>('GET', '/api/v1/sign-in/trace');
  const event = body.events.find(({ outcome }) => outcome === 'refused');
  expect(event?.cause).toMatch(one.cause);
  expect(event?.remedy).toMatch(one.remedy);
  expect(broken.log.join('')).toMatch(/sign-in-refused/);
  expect(broken.log.join('')).not.toMatch(/mistyped|a secret of the console/);
  await broken[Symbol.asyncDispose]();
  await using api = await start();
  const browser = visitor(api.url);
  await provider.browse(browser);
  expect((await browser.me()).body.roles).toEqual(['administrator']);
});

test('passwords stay on until an administrator has got in from outside; then only a break-glass user has one', async () => {
  const { oidc, start } = await set('passwords: false\n');
  await using provider = oidc;
  await using api = await start();
  await api.user('root', 'a long walk by the sea', {});
  const root = visitor(api.url);
  expect((await root.signIn('root', 'a long walk by the sea')).status).toBe(200);
  const before = await root.ask<SignInTrace>('GET', '/api/v1/sign-in/trace');
  expect(before.body.passwords.why).toMatch(/waits until an administrator/);
  provider.person = { name: 'nurse', roles: ['wb-ward'] };
  await provider.browse(visitor(api.url));
  expect((await visitor(api.url).signIn('root', 'a long walk by the sea')).status).toBe(200);
  provider.person = { name: 'chief', roles: ['wb-admins'] };
  await provider.browse(visitor(api.url));
  const refused = await visitor(api.url).signIn('root', 'a long walk by the sea');
  expect(refused.body['detail']).toBe('passwords are not accepted here; use the external sign-in');
  await api.user('break-glass-1', 'glass on the floor', { breakGlass: true });
  expect((await visitor(api.url).signIn('break-glass-1', 'glass on the floor')).status).toBe(200);
});
