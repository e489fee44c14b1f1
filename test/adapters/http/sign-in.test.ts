import { createPublicKey } from 'node:crypto';
import {
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  type JSONWebKeySet,
  jwtVerify,
} from 'jose';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import httpIn from '../../../adapters/http/http-in.ts';
import { testSteps } from '../../support/open-adapter.ts';
import { hashOf, newKey, PASSWORD, type Portal, portal } from '../../support/portal.ts';
import { type Called, type Calling, call } from './calling.ts';

let two: Portal;
beforeAll(async () => {
  two = await portal({ engines: 2 });
});
afterAll(() => two[Symbol.asyncDispose]());

const url = (path: string, engine = 0, of = two): string => `${of.urls[engine] ?? ''}${path}`;

async function post(to: string, value: unknown, headers: Calling['headers'] = {}): Promise<Called> {
  return call(to, {
    headers: { 'content-type': 'application/json; charset=utf-8', ...(headers as object) },
    body: JSON.stringify(value),
  });
}

interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly expiresIn: number;
}

async function signedIn(user = 'anna', of = two): Promise<Tokens> {
  const answer = await vi.waitFor(() =>
    post(url('/auth/login', 0, of), { user, password: PASSWORD }),
  );
  expect(answer.status, answer.body).toBe(200);
  return JSON.parse(answer.body) as Tokens;
}

const bearer = (token: string): { readonly authorization: string } => ({
  authorization: `Bearer ${token}`,
});

const get = (path: string, token: string, engine = 0, of = two): Promise<Called> =>
  call(url(path, engine, of), { method: 'GET', headers: bearer(token) });

test('a person signs in, calls as themselves, refreshes at another engine, and is known to it', async () => {
  const first = await signedIn();
  expect(first.expiresIn).toBe(600);
  expect(decodeJwt(first.accessToken)).toMatchObject({ sub: 'anna', ward: 'W1', iss: 'portal' });
  expect((await call(url('/api/orders'), { method: 'GET' })).status).toBe(401);
  expect((await get('/api/orders', first.accessToken)).status).toBe(202);
  expect((await post(url('/api/orders', 1), {}, bearer(first.accessToken))).status).toBe(202);
  const answer = await post(url('/auth/refresh', 1), { refreshToken: first.refreshToken });
  expect(answer.headers['cache-control']).toBe('no-store');
  const second = JSON.parse(answer.body) as Tokens;
  const me = await get('/auth/me', second.accessToken);
  expect(JSON.parse(me.body)).toMatchObject({
    user: 'anna',
    claims: { ward: 'W1', scope: 'orders.read' },
  });
  const berta = await signedIn('berta');
  expect((await post(url('/api/orders'), {}, bearer(berta.accessToken))).status).toBe(403);
  await vi.waitFor(() =>
    expect(two.out.sent.map(({ origin }) => origin)).toContain('127.0.0.1 anna'),
  );
});

test('the published keys are enough for others to check the tokens', async () => {
  const { accessToken } = await signedIn();
  const keys = JSON.parse(
    (await call(url('/auth/jwks.json'), { method: 'GET' })).body,
  ) as JSONWebKeySet;
  const { payload } = await jwtVerify(accessToken, createLocalJWKSet(keys), { audience: 'portal' });
  expect(payload.sub).toBe('anna');
  expect(JSON.stringify(keys)).not.toContain('"d"');
});

test('a refresh token that comes back later ends the sign-in, the access token too, and operators hear of it', async () => {
  await using one = await portal({ signIn: { grace: '0s' } });
  const first = await signedIn('anna', one);
  const second = await post(url('/auth/refresh', 0, one), first);
  expect(second.status).toBe(200);
  const again = await post(url('/auth/refresh', 0, one), first);
  expect(again.status).toBe(401);
  expect(JSON.parse(again.body)).toMatchObject({
    detail: 'The refresh token was used before, so the sign-in was ended. Sign in again.',
  });
  const { refreshToken, accessToken } = JSON.parse(second.body) as Tokens;
  expect((await post(url('/auth/refresh', 0, one), { refreshToken })).status).toBe(401);
  const refused = await get('/api/orders', accessToken, 0, one);
  expect(refused.status).toBe(401);
  expect(refused.body).toContain('the sign-in that the token belongs to has ended');
  await vi.waitFor(() => expect(one.log.join('')).toContain('sign-in-reused'));
  expect(one.log.join('')).not.toContain(refreshToken);
  expect(one.log.join('')).not.toContain(first.refreshToken);
});

test('signing out ends both tokens at every engine; everywhere ends every sign-in of the person', async () => {
  const [one, other] = [await signedIn(), await signedIn()];
  expect((await post(url('/auth/logout', 1), {}, bearer(one.accessToken))).status).toBe(204);
  expect((await get('/api/orders', one.accessToken)).status).toBe(401);
  expect((await post(url('/auth/refresh'), one)).status).toBe(401);
  expect((await get('/api/orders', other.accessToken, 1)).status).toBe(202);
  const third = await signedIn();
  const berta = await signedIn('berta');
  const everywhere = { everywhere: true, refreshToken: third.refreshToken };
  expect((await post(url('/auth/logout'), everywhere)).status).toBe(204);
  expect((await get('/api/orders', other.accessToken, 1)).status).toBe(401);
  expect((await get('/api/orders', berta.accessToken, 1)).status).toBe(202);
  expect((await post(url('/auth/logout'), { everywhere: true })).status).toBe(401);
});

test('revoking either token ends both, and an unknown one is as good as revoked', async () => {
  for (const which of ['accessToken', 'refreshToken'] as const) {
    const tokens = await signedIn();
    const form = new URLSearchParams({ token: tokens[which] }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await call(url('/auth/revoke'), { headers, body: form })).status).toBe(200);
    expect((await get('/auth/me', tokens.accessToken)).status).toBe(401);
    expect((await post(url('/auth/refresh'), tokens)).status).toBe(401);
  }
  expect((await post(url('/auth/revoke'), { token: 'unknown' })).status).toBe(200);
});

const publicOf = (key: string): string =>
  createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();

test('sign-ins last over a restart, and a changed key accepts the old one until it is taken away', async () => {
  const [old, next] = [newKey(), newKey()];
  await using one = await portal({ key: { privateKey: old } });
  const before = await signedIn('anna', one);
  await one.restart({ key: { privateKey: next, alsoAccept: [publicOf(old)] } });
  await vi.waitFor(async () =>
    expect((await get('/api/orders', before.accessToken, 0, one)).status).toBe(202),
  );
  const answer = await post(url('/auth/refresh', 0, one), before);
  const after = JSON.parse(answer.body) as Tokens;
  const kids = [before, after].map(({ accessToken }) => decodeProtectedHeader(accessToken).kid);
  expect(new Set(kids).size).toBe(2);
  const published = await call(url('/auth/jwks.json', 0, one), { method: 'GET' });
  const { keys } = JSON.parse(published.body) as JSONWebKeySet;
  expect(new Set(keys.map(({ kid }) => kid))).toEqual(new Set(kids));
  await one.restart({ key: { privateKey: next } });
  await vi.waitFor(async () =>
    expect((await get('/api/orders', after.accessToken, 0, one)).status).toBe(202),
  );
  expect((await get('/api/orders', before.accessToken, 0, one)).status).toBe(401);
});

test('whoever is removed, switched off or has another password cannot refresh', async () => {
  await using one = await portal();
  const hash = await hashOf(PASSWORD);
  for (const after of [
    undefined,
    JSON.stringify({ password: hash, disabled: true }),
    await hashOf('x'),
  ]) {
    one.users.set('carla', hash);
    const tokens = await signedIn('carla', one);
    if (after === undefined) one.users.delete('carla');
    else one.users.set('carla', after);
    expect((await post(url('/auth/refresh', 0, one), tokens)).status).toBe(401);
    expect((await get('/api/orders', tokens.accessToken, 0, one)).status).toBe(401);
  }
  // the second as a CSV file without quotes has it
  for (const unusable of ['in plain text', hash.split(',', 1)[0] ?? '']) {
    one.users.set('carla', unusable);
    const broken = await post(url('/auth/login', 0, one), { user: 'carla', password: PASSWORD });
    expect(broken.status).toBe(503);
    expect(broken.body).not.toContain(unusable);
  }
});

test('a claim of the table cannot take the place of ours', async () => {
  await using one = await portal();
  const entry = { password: await hashOf(PASSWORD), sub: 'root', sid: 'x', iss: 'evil', exp: 1 };
  one.users.set('mallory', JSON.stringify(entry));
  const { accessToken } = await signedIn('mallory', one);
  const claims = decodeJwt(accessToken);
  expect(claims).toMatchObject({ sub: 'mallory', iss: 'portal' });
  expect(claims['sid']).not.toBe('x');
  expect(claims['password']).toBeUndefined();
});

test.for([
  ['no password', { user: 'anna' }, 400],
  ['a wrong password', { user: 'otto', password: 'wrong' }, 401],
  ['an unknown user', { user: '__proto__', password: PASSWORD }, 401],
  ['lists', { user: ['anna'], password: { a: 1 } }, 400],
  ['no object', ['anna'], 400],
] as const)('is refused: %s', async ([, sent, status]) => {
  const answer = await post(url('/auth/login'), sent);
  expect(answer.status).toBe(status);
  expect(answer.headers['content-type']).toContain('problem+json');
  expect(answer.body).not.toContain(PASSWORD);
});

test('what is not JSON, too large, or of another method, is refused', async () => {
  const login = url('/auth/login');
  const headers = { 'content-type': 'text/plain' };
  expect((await call(login, { headers, body: 'anna' })).status).toBe(415);
  expect((await post(login, { user: 'x'.repeat(70_000) })).status).toBe(413);
  expect((await call(login, { method: 'GET' })).status).toBe(405);
});

test('guessing is slowed down for a person at an address, and not for others', async () => {
  await using one = await portal();
  await signedIn('anna', one);
  const guess = (user: string): Promise<Called> =>
    post(url('/auth/login', 0, one), { user, password: 'wrong' });
  const seen: number[] = [];
  for (let at = 0; at < 4; at++) seen.push((await guess('anna')).status);
  expect(seen).toEqual([401, 401, 401, 429]);
  const waiting = await post(url('/auth/login', 0, one), { user: 'anna', password: PASSWORD });
  expect(waiting.status).toBe(429);
  expect(Number(waiting.headers['retry-after'])).toBeGreaterThan(0);
  await signedIn('berta', one);
});

test('behind a proxy that is named, what one address guesses does not slow down another', async () => {
  await using one = await portal({ signIn: { proxies: ['127.0.0.0/8'] } });
  await signedIn('anna', one);
  const guess = (from: string): Promise<Called> =>
    post(
      url('/auth/login', 0, one),
      { user: 'anna', password: 'wrong' },
      { 'x-forwarded-for': `1.2.3.4, ${from}` },
    );
  const seen: number[] = [];
  for (let at = 0; at < 4; at++) seen.push((await guess(`10.0.0.7:${5000 + at}`)).status);
  expect(seen).toEqual([401, 401, 401, 429]);
  expect((await guess('[2001:db8::8]:5000')).status).toBe(401);
  await signedIn('anna', one);
});

test('the connection test signs with the key, and says where people sign in and what pages there are', async () => {
  const given = {
    listen: '127.0.0.1:0',
    path: '/api/*',
    callers: [{ kind: 'bearer', verifier: 'portal-key' }],
    signIn: { users: 'staff', key: 'portal-key' },
    files: { folder: '/nowhere' },
  };
  const verifiers = { 'portal-key': { verify: () => Promise.resolve({}) } };
  const credentials = { 'portal-key': { kind: 'bearer' as const, token: async () => 'signed' } };
  const names = ['staff'];
  const steps = await testSteps(httpIn, given, { names, verifiers, credentials });
  expect(steps.map(({ name, detail }) => `${name}: ${detail ?? ''}`)).toEqual(
    expect.arrayContaining([
      'path: 1 operations, 0 of them open to everybody',
      'key: portal-key signs access tokens; people sign in at /auth/login',
      'files: /nowhere has no index.html',
    ]),
  );
  const verifying = await testSteps(httpIn, given, { names, verifiers });
  expect(verifying.at(-1)).toMatchObject({ name: 'key', result: 'failed' });
});
