import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { SignJWT, UnsecuredJWT } from 'jose';
import { expect, test } from 'vitest';
import { freePort } from '../../../sandbox/free-port.ts';
import { guardedApi } from '../../support/guarded-api.ts';
import { oidcService } from '../../support/oidc-service.ts';
import { visitor } from '../../support/visitor.ts';

const issuer = (at: string, jwks: string): string => `
tokens:
  - issuer: ${at}
    jwks: ${jwks}
    audience: waybill-api
    algorithms: [RS256]
    from: [header, 'cookie:access']
    rolesFrom: roles
    roles: { deployers: engineer, readers: viewer }
    requiredScopes: [waybill]
`;
const good = { sub: 'pipeline', roles: ['deployers'], scope: 'openid waybill' };

test('a token of another issuer is taken when everything about it is right, and else the answer says what is not', async () => {
  await using oidc = await oidcService('http://127.0.0.1/unused');
  await using api = await guardedApi({ settings: () => issuer(oidc.issuer, oidc.jwks) });
  const program = visitor(api.url);
  const check = async (token: string): Promise<{ status: number; said: string }> => {
    const { status, headers } = await program.ask('GET', '/api/v1/me', undefined, {
      authorization: `Bearer ${token}`,
    });
    return { status, said: headers.get('www-authenticate') ?? '' };
  };
  expect((await check(await oidc.token(good))).status).toBe(200);
  const confused = await new SignJWT(good)
    .setProtectedHeader({ alg: 'HS256', kid: 'first' })
    .setIssuer(oidc.issuer)
    .setAudience('waybill-api')
    .setExpirationTime('5m')
    .sign(new TextEncoder().encode(await (await fetch(oidc.jwks)).text()));
  const none = new UnsecuredJWT(good).setIssuer(oidc.issuer).setAudience('waybill-api').encode();
  const forged = `${(await oidc.token(good)).split('.').slice(0, 2).join('.')}.${'A'.repeat(342)}`;
  const cases: readonly (readonly [string, number, RegExp])[] = [
    [none, 401, /signed with none, which is not accepted/],
    [confused, 401, /signed with HS256, which is not accepted/],
    [forged, 401, /signature of the token is wrong/],
    [await oidc.token(good, { expires: '-5m' }), 401, /has expired/],
    [await oidc.token(good, { audience: 'another' }), 401, /claim aud of the token/],
    [
      await oidc.token(good, { issuer: 'https://else.example' }),
      401,
      /issuer https:\/\/else.example/,
    ],
    [await oidc.token({ ...good, scope: 'openid' }), 403, /insufficient_scope", scope="waybill/],
    ['no-token', 401, /not a signed JSON Web Token/],
  ];
  for (const [token, status, said] of cases) {
    const answer = await check(token);
    expect([answer.status, answer.said]).toEqual([status, expect.stringMatching(said)]);
  }
  expect(api.log.join('')).not.toContain(forged.slice(0, 40));
});

test('a token whose issuer cannot be asked is no wrong token', async () => {
  await using oidc = await oidcService('http://127.0.0.1/unused');
  const nobody = `http://127.0.0.1:${await freePort()}/keys`;
  await using api = await guardedApi({ settings: () => issuer(oidc.issuer, nobody) });
  const { status, headers, body } = await visitor(api.url).ask('GET', '/api/v1/me', undefined, {
    authorization: `Bearer ${await oidc.token(good)}`,
  });
  expect([status, headers.get('www-authenticate')]).toEqual([503, null]);
  expect(body['detail']).toMatch(/^the issuer of this token cannot be asked right now/);
});

test('a token in a cookie signs in, and an act then needs the CSRF token', async () => {
  await using oidc = await oidcService('http://127.0.0.1/unused');
  await using api = await guardedApi({ settings: () => issuer(oidc.issuer, oidc.jwks) });
  const browser = visitor(api.url);
  browser.cookies.set('access', await oidc.token(good));
  const without = await browser.ask('POST', '/api/v1/deploy', {});
  expect([without.status, without.body['detail']]).toEqual([
    403,
    'the header x-csrf-token is missing or is not the token from /me',
  ]);
  await browser.me();
  expect((await browser.ask('POST', '/api/v1/deploy', {})).status).toBe(200);
  browser.cookies.set('other', browser.cookies.get('access') ?? '');
  browser.cookies.delete('access');
  expect((await browser.me()).status).toBe(401);
});

const proxied = (from: string): string => `
header:
  from: [${from}]
  secretHeader: x-proxy-secret
  secret: known to the proxy
  user: x-forwarded-user
  rolesFrom: x-forwarded-groups
  roles: { ward: operator }
  scope: ['tag:{x-hospital}']
`;
const headers = {
  'x-forwarded-user': 'RSSMRA70A01',
  'x-forwarded-groups': 'staff, ward',
  'x-hospital': 'north',
  'x-proxy-secret': 'known to the proxy',
};

test('a proxy’s header signs in with roles and only its hospital; from another address it does not', async () => {
  await using wrong = await guardedApi({ settings: () => proxied('10.9.8.7') });
  const refused = await visitor(wrong.url).ask('GET', '/api/v1/me', undefined, headers);
  expect(refused.status).toBe(401);
  expect(wrong.log.join('')).toMatch(/came from 127.0.0.1, which is not under header.from/);
  await using api = await guardedApi({ settings: () => proxied('127.0.0.0/8') });
  const me = await visitor(api.url).ask('GET', '/api/v1/me', undefined, headers);
  expect(me.body).toMatchObject({
    name: 'RSSMRA70A01',
    roles: ['operator'],
    visibleHosts: ['adt-in'],
  });
  for (const [name, value, cause] of [
    ['x-proxy-secret', 'guessed', /x-proxy-secret is missing or not header.secret/],
    ['x-forwarded-groups', 'staff', /none of staff in x-forwarded-groups is mapped/],
    [
      'x-hospital',
      '*',
      /x-hospital, which determines what may be seen, is missing or not one word/,
    ],
  ] as const) {
    const { status } = await visitor(api.url).ask('GET', '/api/v1/me', undefined, {
      ...headers,
      [name]: value,
    });
    expect([401, 403]).toContain(status);
    expect(api.log.at(-1)).toMatch(cause);
  }
});

test.for(['x-forwarded-groups', 'x-forwarded-user'] as const)(
  'a %s that the proxy added to that of a browser is refused',
  async (name) => {
    await using api = await guardedApi({ settings: () => proxied('127.0.0.0/8') });
    const asked = request(`${api.url}/api/v1/me`, {
      headers: { ...headers, [name]: ['administrators', headers[name]] },
    }).end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    answer.resume();
    expect(answer.statusCode).toBe(401);
    expect(api.log.at(-1)).toContain(`${name} came twice`);
  },
);

test('a preflight is answered before anybody signs in, and only for a listed origin', async () => {
  const preflight = {
    origin: 'https://tie.example',
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type, authorization',
  };
  await using before = await guardedApi({
    settings: () => 'cors: { origins: ["https://tie.example:8443"] }',
  });
  await before.user('root', 'a long walk by the sea', {});
  const refused = await visitor(before.url).ask('OPTIONS', '/api/v1/deploy', undefined, preflight);
  expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([204, null]);
  expect(before.log.join('')).toMatch(/list exactly this text under cors.origins/);
  await using api = await guardedApi({
    settings: () => 'cors: { origins: ["https://tie.example"], credentials: true, maxAge: 10m }',
  });
  await api.user('root', 'a long walk by the sea', {});
  const allowed = await visitor(api.url).ask('OPTIONS', '/api/v1/deploy', undefined, preflight);
  expect(allowed.status).toBe(204);
  expect(Object.fromEntries(allowed.headers)).toMatchObject({
    'access-control-allow-origin': 'https://tie.example',
    'access-control-allow-credentials': 'true',
    'access-control-max-age': '600',
    'access-control-allow-headers': 'content-type, authorization, x-csrf-token, idempotency-key',
  });
  const signIn = await visitor(api.url).ask(
    'POST',
    '/api/v1/auth/token',
    { user: 'root', password: 'a long walk by the sea' },
    { origin: 'https://tie.example', 'content-type': 'application/json; charset=utf-8' },
  );
  expect([signIn.status, signIn.headers.get('access-control-allow-origin')]).toEqual([
    200,
    'https://tie.example',
  ]);
});

test('a module of the installation signs in whom no local user is; a broken one names itself', async () => {
  const directory = `export default async ({ user, password }) => {
    if (user === 'broken') throw new Error(password);
    return password === 'from the directory' ? { name: user, roles: ['operator'] } : undefined;
  };`;
  await using api = await guardedApi({
    settings: () => 'delegated: ./directory.mjs',
    files: { 'directory.mjs': directory },
  });
  const browser = visitor(api.url);
  expect((await browser.signIn('ldap-user', 'wrong')).status).toBe(401);
  expect((await browser.signIn('ldap-user', 'from the directory')).status).toBe(200);
  expect((await browser.me()).body).toMatchObject({ name: 'ldap-user', via: 'delegated' });
  expect((await visitor(api.url).signIn('broken', 'my secret')).status).toBe(401);
  expect(api.log.join('')).toMatch(/the module under delegated failed/);
  expect(api.log.join('')).not.toContain('my secret');
});

test.each([
  ['pasword: true', /console.yaml: pasword is not a setting; did you mean passwords\?/],
  [
    'traceUrl: https://tempo.example/trace',
    /traceUrl: write an http or https address with \{traceId\}/,
  ],
  [
    'traceUrl: "javascript:alert({traceId})"',
    /traceUrl: write an http or https address with \{traceId\}/,
  ],
  ['delegated: ./gone.mjs', /there is no file .\/gone.mjs/],
  ['passwords: false', /would leave no way to sign in/],
  ['roles: { lab: [message.serch] }', /roles.lab.0/],
  ['header: { from: [10.0.0.1], everybody: [opertor] }', /did you mean operator\?/],
  [
    'header: { from: [10.0.0.1], everybody: [viewer], secretHeader: x, secret: "${env:GONE}" }',
    /no GONE/,
  ],
])('a mistake in console.yaml stops the start with its place: %s', async (yaml, problem) => {
  await expect(guardedApi({ settings: () => yaml })).rejects.toThrow(problem);
});
