import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import httpIn from '../../../adapters/http/http-in.ts';
import { freePort } from '../../../sandbox/free-port.ts';
import { type OidcService, oidcService } from '../../support/oidc-service.ts';
import { testSteps } from '../../support/open-adapter.ts';
import { type Portal, portal } from '../../support/portal.ts';
import { type Visitor, visitor } from '../../support/visitor.ts';

const SECRET = 'a secret of the console';
const REALM = 'portal';

interface Site extends AsyncDisposable {
  readonly provider: OidcService;
  readonly portal: Portal;
  readonly url: string;
  readonly other: string;
}

interface SiteGiven {
  readonly oidc?: Readonly<Record<string, unknown>>;
  readonly signIn?: Readonly<Record<string, unknown>>;
  readonly settings?: Readonly<Record<string, unknown>>;
}

const settingsFor = (
  issuer: string,
  { oidc, signIn }: SiteGiven = {},
): Record<string, unknown> => ({
  cookies: 'both',
  secureCookies: false,
  oidc: {
    issuer,
    clientId: 'waybill',
    clientSecret: 'client',
    groupsFrom: 'realm_access.roles',
    claims: ['ward'],
    scopes: ['wb-lab: orders.read'],
    ...oidc,
  },
  ...signIn,
});

/** Two engines behind one address, as a load balancer shows them, and a provider. */
async function site(given: SiteGiven = {}): Promise<Site> {
  const port = await freePort();
  // the portal's address is known once it is there, the provider's before
  const made = await portal({
    engines: 2,
    credentials: { client: { kind: 'bearer', token: SECRET } },
    settings: { callers: CALLERS, ...given.settings },
    signIn: settingsFor(`http://127.0.0.1:${port}/`, given),
  });
  const [url = '', other = ''] = made.urls;
  const provider = await oidcService(`${url}/auth/callback`, {
    port,
    signedOut: 'backchannel-logout',
  });
  return {
    provider,
    portal: made,
    url,
    other,
    async [Symbol.asyncDispose]() {
      await provider[Symbol.asyncDispose]();
      await made[Symbol.asyncDispose]();
    },
  };
}

const CALLERS = [
  { kind: 'bearer', verifier: 'portal-key', from: ['header', `cookie:${REALM}_access`] },
];

let one: Site;
beforeAll(async () => {
  one = await site();
});
afterAll(() => one[Symbol.asyncDispose]());

/** Signs somebody in with a browser of their own. */
async function entered(
  of: Site,
  name: string,
  roles: readonly string[] = ['wb-lab'],
): Promise<Visitor> {
  of.provider.person = { name, roles, claims: { ward: 'W1' } };
  const browser = visitor(of.url);
  const back = await of.provider.come(browser, '/auth/login?back=/patients');
  const answer = await browser.ask('GET', back);
  expect([answer.status, answer.headers.get('location')], JSON.stringify(answer.body)).toEqual([
    303,
    '/patients',
  ]);
  return browser;
}

const orders = (browser: Visitor, at = ''): Promise<{ readonly status: number }> =>
  browser.ask('POST', `${at}/api/orders`, {});

const head = (alg: string): string =>
  Buffer.from(JSON.stringify({ alg, kid: 'first' })).toString('base64url');

const trial = async (oidc: Record<string, unknown>, secret = SECRET) => {
  const given = {
    listen: `127.0.0.1:${await freePort()}`,
    path: '/api/*',
    callers: CALLERS,
    signIn: {
      key: 'portal-key',
      ...settingsFor(`${one.provider.issuer}/`, {
        oidc,
        signIn: { publicUrl: oidc['publicUrl'] ?? one.url },
      }),
    },
  };
  const signIn: Record<string, unknown> = given.signIn;
  const { publicUrl: _, ...own } = signIn['oidc'] as Record<string, unknown>;
  const steps = await testSteps(
    httpIn,
    { ...given, signIn: { ...signIn, oidc: own } },
    {
      credentials: {
        client: { kind: 'bearer', token: () => Promise.resolve(secret) },
        'portal-key': { kind: 'bearer', token: () => Promise.resolve('x') },
      },
      verifiers: { 'portal-key': { verify: () => Promise.reject(new TypeError('unused')) } },
    },
  );
  return steps.slice(steps.findIndex(({ name }) => name === 'provider'));
};

test('somebody is signed in at the provider, comes back to another engine, calls as themselves, refreshes, and signs out there too', async () => {
  one.provider.person = { name: 'nora', roles: ['wb-lab', 'others'], claims: { ward: 'W1' } };
  const browser = visitor(one.url);
  expect((await browser.ask('GET', '/auth/me')).status).toBe(401);
  const asked = await browser.ask('GET', '/auth/login?back=/patients?ward=W1');
  const to = new URL(asked.headers.get('location') ?? '');
  expect(Object.fromEntries(to.searchParams)).toMatchObject({
    response_type: 'code',
    client_id: 'waybill',
    code_challenge_method: 'S256',
    redirect_uri: `${one.url}/auth/callback`,
    scope: 'openid profile email',
  });
  const back = await one.provider.come(browser, '/auth/login?back=/patients?ward=W1');
  // the load balancer gives this request to the other engine
  const done = await browser.ask('GET', back.replace(one.url, one.other));
  expect([done.status, done.headers.get('location')]).toEqual([303, '/patients?ward=W1']);
  for (const cookie of done.headers.getSetCookie()) expect(cookie).toContain('HttpOnly');
  expect([...browser.cookies.keys()].filter((name) => name.includes('_begun_'))).toHaveLength(1);
  const me = await browser.ask<{ claims: unknown }>('GET', '/auth/me');
  expect(me.body).toMatchObject({ user: 'nora', claims: { ward: 'W1', scope: 'orders.read' } });
  expect(JSON.stringify(me.body)).not.toContain('others');
  expect((await orders(browser)).status).toBe(202);
  const refreshed = await browser.ask('POST', '/auth/refresh', {});
  expect(refreshed.body).toMatchObject({ user: 'nora', claims: { ward: 'W1' } });
  expect((await orders(browser)).status).toBe(202);
  const out = await browser.ask('POST', '/auth/logout', {});
  expect(out.body['redirect']).toContain(`${one.provider.issuer}/session/end?id_token_hint=`);
  expect((await browser.ask('GET', '/auth/me')).status).toBe(401);
  await vi.waitFor(() =>
    expect(one.portal.out.sent.map(({ origin }) => origin)).toContain('127.0.0.1 nora'),
  );
});

test('nobody is led elsewhere after the sign-in', async () => {
  one.provider.person = { name: 'olga', roles: ['wb-lab'] };
  for (const to of [
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example/',
    '\\\\evil.example',
    '/\t/evil.example/',
    'javascript:alert(1)',
    '/.//evil.example',
    `/${'a'.repeat(2_000)}`,
  ]) {
    const browser = visitor(one.url);
    const back = await one.provider.come(browser, `/auth/login?back=${encodeURIComponent(to)}`);
    const { status, headers } = await browser.ask('GET', back);
    expect([to, status, headers.get('location')]).toEqual([to, 303, '/']);
  }
});

test('an answer of the provider counts once, in the browser that asked for it, and with the state it asked with', async () => {
  one.provider.person = { name: 'paul', roles: ['wb-lab'] };
  const [victim, attacker] = [visitor(one.url), visitor(one.url)];
  // as who is lured to the address that another one's sign-in comes back to
  const stolen = await one.provider.come(attacker, '/auth/login');
  const planted = await victim.ask('GET', stolen);
  expect(planted.status).toBe(400);
  expect(planted.headers.get('content-type')).toContain('text/html');
  expect(planted.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  expect(JSON.stringify(planted.body)).toContain('was not begun in this browser');
  // the code of one sign-in with the state of another
  const own = await one.provider.come(victim, '/auth/login');
  const mixed = new URL(own);
  mixed.searchParams.set('code', new URL(stolen).searchParams.get('code') ?? '');
  expect((await victim.ask('GET', mixed.href)).status).toBe(401);
  // the same answer again, also with what the browser held at first
  const kept = new Map(attacker.cookies);
  expect((await attacker.ask('GET', stolen)).status).toBe(303);
  expect((await attacker.ask('GET', stolen)).status).toBe(400);
  for (const [name, value] of kept) attacker.cookies.set(name, value);
  expect((await attacker.ask('GET', stolen)).status).toBe(401);
  // a cookie that nobody sealed here
  const name = [...kept.keys()].find((key) => key.includes('_begun_')) ?? '';
  const forger = visitor(one.url);
  forger.cookies.set(name, Buffer.alloc(200, 7).toString('base64url'));
  expect((await forger.ask('GET', stolen)).status).toBe(400);
  expect(one.portal.log.join('')).toContain('invalid_grant');
});

test('several sign-ins may be under way in one browser, but not so many that its headers grow too long', async () => {
  one.provider.person = { name: 'quinn', roles: ['wb-lab'] };
  const browser = visitor(one.url);
  const backs: string[] = [];
  for (let at = 0; at < 2; at++) backs.push(await one.provider.come(browser, '/auth/login'));
  for (const back of backs) expect((await browser.ask('GET', back)).status).toBe(303);
  for (let at = 0; at < 30; at++) await browser.ask('GET', '/auth/login');
  expect(
    [...browser.cookies.keys()].filter((name) => name.includes('_begun_')).length,
  ).toBeLessThan(6);
});

test('pages of other sites cannot use the cookies', async () => {
  const browser = await entered(one, 'rosa');
  const from = { origin: 'https://evil.example' };
  expect((await browser.ask('POST', '/api/orders', {}, from)).status).toBe(403);
  expect((await browser.ask('POST', '/auth/refresh', {}, from)).status).toBe(403);
  expect((await browser.ask('POST', '/auth/logout', {}, from)).status).toBe(403);
  expect((await orders(browser)).status).toBe(202);
});

test('who signs out at the provider is signed out here at every engine, by its back channel and nobody else’s', async () => {
  const [sven, tina] = [await entered(one, 'sven'), await entered(one, 'tina')];
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} };
  const claims = { sub: 'sven', jti: 'a', events };
  const told = (token: string, at = one.url): Promise<Response> =>
    fetch(`${at}/auth/backchannel-logout`, {
      method: 'POST',
      body: new URLSearchParams({ logout_token: token }),
    });
  const [, payload = '', signature = ''] = (
    await one.provider.token(claims, { audience: 'waybill' })
  ).split('.');
  for (const token of [
    await one.provider.token(claims),
    await one.provider.token(claims, { audience: 'waybill', issuer: 'https://evil.example' }),
    await one.provider.token({ ...claims, events: {} }, { audience: 'waybill' }),
    `${head('none')}.${payload}.`,
    `${head('HS256')}.${payload}.${signature}`,
  ]) {
    expect((await told(token)).status).toBe(400);
  }
  expect((await orders(sven)).status).toBe(202);
  const good = await one.provider.token(claims, { audience: 'waybill' });
  expect((await told(good, one.other)).status).toBe(200);
  expect((await told(good, one.other)).status).toBe(400);
  expect((await orders(sven)).status).toBe(401);
  expect((await orders(sven, one.other)).status).toBe(401);
  expect((await sven.ask('POST', '/auth/refresh', {})).status).toBe(401);
  expect((await orders(tina)).status).toBe(202);
});

test('a provider that begins to sign with another key is believed at once', async () => {
  await entered(one, 'uwe');
  await one.provider.rotate();
  const vera = await entered(one, 'vera');
  expect((await orders(vera)).status).toBe(202);
});

test('who is in no group has no scope; a name or groups that are left out are told to operators', async () => {
  const none = await entered(one, 'willy', []);
  expect((await orders(none)).status).toBe(403);
  const refused = async (claims: Record<string, unknown>): Promise<string> => {
    one.provider.person = { name: 'xaver', roles: [], claims };
    const browser = visitor(one.url);
    const answer = await browser.ask('GET', await one.provider.come(browser, '/auth/login'));
    expect(answer.status).toBe(403);
    return JSON.stringify(answer.body);
  };
  const text = await refused({ realm_access: undefined, _claim_names: { realm_access: 'src1' } });
  expect(text).not.toContain('xaver');
  await refused({ realm_access: undefined });
  await refused({ preferred_username: ' ' });
  const log = one.portal.log.join('');
  expect(log).toContain('too many groups; have it send app roles');
  expect(log).toContain('the claim realm_access.roles with the groups is missing');
  expect(log).toContain('the claim preferred_username has no name');
  expect(log).not.toContain('xaver');
});

test('claims that do not fit into a cookie are refused by name, not left out by the browser', async () => {
  one.provider.person = { name: 'yves', roles: ['wb-lab'], claims: { ward: 'W'.repeat(4_000) } };
  const browser = visitor(one.url);
  const answer = await browser.ask('GET', await one.provider.come(browser, '/auth/login'));
  expect(answer.status).toBe(403);
  expect(one.portal.log.join('')).toContain('name fewer under claims');
});

test('a service starts without its provider, says 503 meanwhile, and signs in once it is there', async () => {
  const port = await freePort();
  await using of = await portal({
    credentials: { client: { kind: 'bearer', token: SECRET } },
    settings: { callers: CALLERS },
    signIn: settingsFor(`http://127.0.0.1:${port}/`),
  });
  const [url = ''] = of.urls;
  const browser = visitor(url);
  const away = await vi.waitFor(() => browser.ask('GET', '/auth/login'));
  expect([away.status, away.headers.get('retry-after')]).toEqual([503, '5']);
  expect(of.log.join('')).toContain('ECONNREFUSED');
  await using provider = await oidcService(`${url}/auth/callback`, { port });
  provider.person = { name: 'zoe', roles: ['wb-lab'] };
  const back = await provider.come(browser, '/auth/login');
  expect((await browser.ask('GET', back)).status).toBe(303);
});

test('behind a proxy with TLS and a path of its own, addresses and cookies are those that browsers see', async () => {
  await using of = await portal({
    credentials: { client: { kind: 'bearer', token: SECRET } },
    settings: { callers: CALLERS },
    signIn: settingsFor(`${one.provider.issuer}/`, {
      signIn: { secureCookies: true, publicUrl: 'https://portal.example/wards/', realm: 'wards' },
    }),
  });
  const [url = ''] = of.urls;
  const answer = await vi.waitFor(() =>
    fetch(`${url}/auth/login?back=/elsewhere`, { redirect: 'manual' }),
  );
  const to = new URL(answer.headers.get('location') ?? '');
  expect(to.searchParams.get('redirect_uri')).toBe('https://portal.example/wards/auth/callback');
  const [cookie = ''] = answer.headers.getSetCookie();
  expect(cookie).toMatch(/^__Host-wards_begun_[\da-f]{8}=[\w-]+; Path=\/; .*SameSite=Lax; Secure$/);
  const csrf = (origin: string): Promise<Response> =>
    fetch(`${url}/auth/refresh`, {
      method: 'POST',
      headers: { origin, cookie: 'wards_refresh=x' },
    });
  expect((await csrf('https://portal.example')).status).toBe(401);
  expect((await csrf('https://evil.example')).status).toBe(403);
});

test('a trial names provider, client and address to come back to, and what is wrong with each', async () => {
  expect((await trial({})).map(({ name, result }) => `${name} ${result}`)).toEqual([
    'provider passed',
    'client passed',
    'redirect passed',
    'sign-in passed',
  ]);
  expect((await trial({}, 'wrong')).at(-1)).toMatchObject({
    name: 'client',
    result: 'failed',
    cause: expect.stringContaining('invalid_client') as string,
    remedy: expect.stringContaining('clientSecret') as string,
  });
  expect((await trial({ publicUrl: 'http://127.0.0.1/x' })).at(-1)).toMatchObject({
    name: 'redirect',
    result: 'failed',
    remedy: expect.stringContaining('register http://127.0.0.1/x/auth/callback') as string,
  });
  expect((await trial({ issuer: `http://127.0.0.1:${await freePort()}/` })).at(-1)).toMatchObject({
    name: 'provider',
    result: 'failed',
    cause: expect.stringContaining('ECONNREFUSED') as string,
  });
});
