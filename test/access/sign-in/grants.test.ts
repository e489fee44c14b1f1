import { expect, test } from 'vitest';
import { metaDatabase } from '../../../src/access/meta/open-meta.ts';
import { apiTokens } from '../../../src/access/sign-in/api-tokens.ts';
import { sessions } from '../../../src/access/sign-in/sessions.ts';
import { users } from '../../../src/access/sign-in/users.ts';
import { type GuardedApi, guardedApi } from '../../support/guarded-api.ts';
import type { Asked } from '../../support/operator.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { type Visitor, visitor } from '../../support/visitor.ts';

const PASSWORD = 'a long walk by the sea';
const ROLES = () => `
roles:
  desk: [dashboard.view, user.manage, token.manage]
  maker: [dashboard.view, token.manage]
`;

async function signedIn(api: GuardedApi, name: string, role: string, scope = '*') {
  await api.user(name, PASSWORD, { roles: [role], scope: [scope] });
  const somebody = visitor(api.url);
  expect((await somebody.signIn(name, PASSWORD)).status).toBe(200);
  return somebody;
}

const refusal = async (asked: Promise<Asked<object>>): Promise<unknown> => {
  const { status, body } = await asked;
  return [status, (body as { detail?: string }).detail];
};
const make = (who: Visitor, more: object) =>
  who.ask<{ id: number; token: string }>('POST', '/api/v1/tokens', {
    label: 'x',
    days: 1,
    ...more,
  });
const BEYOND = [403, expect.stringMatching(/nobody can give or take over rights beyond their own/)];

test('who manages users makes nobody mightier than themselves, and takes over nobody mightier', async () => {
  await using api = await guardedApi({ settings: ROLES });
  const root = await signedIn(api, 'root', 'administrator');
  const desk = await signedIn(api, 'desk', 'desk');
  const act = (method: string, path: string, body?: unknown) =>
    refusal(desk.ask(method, `/api/v1/${path}`, body));
  expect(await act('POST', 'users', { name: 'evil', roles: ['administrator'] })).toEqual(BEYOND);
  expect(await act('PUT', 'users/desk/roles', { roles: ['desk', 'engineer'] })).toEqual(BEYOND);
  expect(await act('PUT', 'users/root/roles', { roles: [] })).toEqual(BEYOND);
  expect(await act('POST', 'users/root/password')).toEqual(BEYOND);
  expect(await act('DELETE', 'users/root')).toEqual(BEYOND);
  expect((await root.me()).body.roles).toEqual(['administrator']);
  expect(await act('POST', 'users', { name: 'mia', roles: ['maker'] })).toEqual([200, undefined]);
  expect(await act('POST', 'users/mia/password')).toEqual([200, undefined]);
  expect(await act('DELETE', 'users/mia')).toEqual([200, undefined]);
});

test('of two who change the rights of somebody, the second hears of the first', async () => {
  await using api = await guardedApi();
  const root = await signedIn(api, 'root', 'administrator');
  await api.user('nina', PASSWORD, { roles: ['administrator'], scope: ['*'] });
  const saw = { roles: ['administrator'], scope: ['*'] };
  const change = (given: object) =>
    refusal(root.ask('PUT', '/api/v1/users/nina/roles', { ...given, saw }));
  expect(await change({ roles: ['viewer'] })).toEqual([200, undefined]);
  expect(await change({ ...saw, scope: ['tag:north'] })).toEqual([
    409,
    expect.stringMatching(/somebody else has changed the rights of nina/),
  ]);
  const { body } = await root.ask<object>('GET', '/api/v1/users/nina/rights');
  expect(body).toMatchObject({ roles: ['viewer'], scope: ['*'] });
});

test('who may give a role in one production may not give it in another, nor everywhere', async () => {
  await using api = await guardedApi({ settings: ROLES });
  await api.user('desk', PASSWORD, { roles: ['desk', 'viewer@lab'], scope: ['*'] });
  await api.user('admin', PASSWORD, { roles: ['administrator@ward'], scope: ['*'] });
  const desk = visitor(api.url);
  await desk.signIn('desk', PASSWORD);
  const give = (name: string, ...roles: string[]) =>
    refusal(desk.ask('POST', '/api/v1/users', { name, roles }));
  expect(await give('one', 'viewer@lab', 'maker')).toEqual([200, undefined]);
  expect(await give('two', 'viewer')).toEqual(BEYOND);
  expect(await give('three', 'viewer@ward')).toEqual(BEYOND);
  expect(await give('four', 'engineer@lab')).toEqual(BEYOND);
  // not even over somebody who has more elsewhere
  expect(await refusal(desk.ask('POST', '/api/v1/users/admin/password'))).toEqual(BEYOND);
  // users belong to the console, so an administrator of one production manages none
  const admin = visitor(api.url);
  await admin.signIn('admin', PASSWORD);
  const asked = await refusal(admin.ask('GET', '/api/v1/users'));
  expect(asked).toEqual([403, expect.stringContaining('user.manage')]);
  expect((await make(admin, {})).status).toBe(403);
});

test('who sees only a part changes no users, and roles set without a scope leave the scope as it was', async () => {
  await using api = await guardedApi();
  const part = await signedIn(api, 'part', 'administrator', 'tag:north');
  await api.user('nora', PASSWORD, { roles: ['viewer'], scope: ['tag:north'] });
  const only = [403, 'only people who see every host may change users'];
  const roles = { roles: ['viewer'], scope: ['*'] };
  expect(await refusal(part.ask('PUT', '/api/v1/users/part/roles', roles))).toEqual(only);
  const token = { label: 'x', user: 'root', days: 1 };
  const root = await signedIn(api, 'root', 'administrator');
  expect(await refusal(part.ask('POST', '/api/v1/tokens', token))).toEqual(only);
  await root.ask('PUT', '/api/v1/users/nora/roles', { roles: ['operator'] });
  const { body } = await root.ask<{ users: { name: string; scope: string[] }[] }>(
    'GET',
    '/api/v1/users',
  );
  expect(body.users.find(({ name }) => name === 'nora')?.scope).toEqual(['tag:north']);
});

test('a token does no more than its maker and its user may, now and later; others’ tokens are not there', async () => {
  await using api = await guardedApi({ settings: ROLES });
  const root = await signedIn(api, 'root', 'administrator');
  const maker = await signedIn(api, 'maker', 'maker');
  expect((await make(maker, { permissions: ['host.control'] })).status).toBe(403);
  expect((await make(maker, { user: 'root', permissions: [] })).status).toBe(403);
  const desk = await signedIn(api, 'desk', 'desk');
  expect(await refusal(make(desk, { user: 'root', permissions: [] }))).toEqual(BEYOND);
  const roots = (await make(root, { permissions: ['token.manage', 'dashboard.view'] })).body;
  const limited = { authorization: `Bearer ${roots.token}` };
  const program = visitor(api.url);
  const more = await program.ask(
    'POST',
    '/api/v1/tokens',
    { label: 'x', days: 1, permissions: ['user.manage'] },
    limited,
  );
  expect(more.status).toBe(403);
  const seen = await maker.ask<{ tokens: unknown[] }>('GET', '/api/v1/tokens');
  expect(seen.body.tokens).toEqual([]);
  expect((await maker.ask('DELETE', `/api/v1/tokens/${roots.id}`)).status).toBe(404);
  const own = (await make(maker, {})).body;
  const held = { authorization: `Bearer ${own.token}` };
  expect((await program.ask('GET', '/api/v1/me', undefined, held)).status).toBe(200);
  await root.ask('PUT', '/api/v1/users/maker/roles', { roles: ['viewer'] });
  expect((await program.ask('GET', '/api/v1/me', undefined, held)).status).toBe(401);
  expect((await maker.me()).status).toBe(401);
});

test('the rights of a local user are told with the role that gives each, and of who is signed in from outside', async () => {
  await using api = await guardedApi({ settings: ROLES });
  const root = await signedIn(api, 'root', 'administrator');
  await api.user('nora', PASSWORD, { roles: ['viewer', 'desk'], scope: ['tag:north'] });
  const rights = async (name: string) =>
    (await root.ask('GET', `/api/v1/users/${name}/rights`)).body;
  expect(await rights('nora')).toMatchObject({
    via: 'local',
    visibleHosts: ['adt-in'],
    permissions: { 'dashboard.view': ['viewer', 'desk'], 'user.manage': ['desk'] },
    missing: expect.arrayContaining(['message.content']),
  });
  expect(await rights('olaf')).toMatchObject({ code: 'NOT_FOUND' });
  await using database = await metaDatabase({ data: api.data });
  const outside = { name: 'olaf', via: 'oidc keycloak', ip: '', provider: 'keycloak' };
  await sessions(database).start({
    ...outside,
    roles: ['maker'],
    scope: ['*'],
    idToken: undefined,
  });
  expect(await rights('olaf')).toMatchObject({
    via: 'oidc keycloak',
    roles: ['maker'],
    permissions: { 'token.manage': ['maker'] },
  });
});

test('a pair of tokens is refreshed for 12 hours in all, and not once its user’s time is over', async () => {
  await using folder = await temporaryFolder();
  await using database = await metaDatabase({ data: folder.path });
  let time = Date.now();
  const tokens = apiTokens(database, () => time);
  let pair = await tokens.pair('anna');
  for (let hour = 0; hour < 11; hour += 1) {
    time += 3_600_000;
    pair = await tokens.refresh(pair.refreshToken);
  }
  time += 3_600_000 + 1;
  await expect(tokens.refresh(pair.refreshToken)).rejects.toThrow(/has expired/);

  await using api = await guardedApi();
  await api.user('otto', PASSWORD, { expires: Date.now() + 60_000 });
  const program = visitor(api.url);
  const first = await program.ask<{ refreshToken: string }>('POST', '/api/v1/auth/token', {
    user: 'otto',
    password: PASSWORD,
  });
  await using meta = await metaDatabase({ data: api.data });
  await meta.run('UPDATE "user" SET expires = 1');
  expect(await users(meta).current('otto')).toBeUndefined();
  const { refreshToken } = first.body;
  const again = await program.ask('POST', '/api/v1/auth/token', { refreshToken });
  expect([again.status, again.body['detail']]).toEqual([
    401,
    'the user of this token no longer exists',
  ]);
});

test('when console.yaml changes, sessions from outside end: their rights were decided under the old one', async () => {
  await using folder = await temporaryFolder();
  await using database = await metaDatabase({ data: folder.path });
  const open = sessions(database);
  await open.endOutside('one');
  const of = { roles: [], scope: [], ip: '', provider: undefined, idToken: undefined };
  const local = await open.start({ ...of, name: 'anna', via: 'local' });
  const outside = await open.start({ ...of, name: 'anna', via: 'oidc keycloak' });
  await open.endOutside('one');
  expect((await open.find(outside))?.name).toBe('anna');
  await open.endOutside('two');
  expect(await open.find(outside)).toBeUndefined();
  expect((await open.find(local))?.name).toBe('anna');
});

test('a long answer outlives the access token that it began with, but not a sign-out', async () => {
  await using folder = await temporaryFolder();
  await using database = await metaDatabase({ data: folder.path });
  let time = Date.now();
  const tokens = apiTokens(database, () => time);
  const { accessToken, refreshToken } = await tokens.pair('anna');
  const began = time;
  time += 20 * 60_000;
  await expect(tokens.check(accessToken)).rejects.toThrow(/has expired/);
  expect((await tokens.check(accessToken, began)).user).toBe('anna');
  // a program that goes on in time gets another pair
  const next = await tokens.refresh(refreshToken);
  expect((await tokens.check(accessToken, began)).user).toBe('anna');
  await tokens.revokeFamily(next.accessToken);
  await expect(tokens.check(accessToken, began)).rejects.toThrow(/was revoked/);
});
