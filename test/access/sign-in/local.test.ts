import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { metaDatabase } from '../../../src/access/meta/open-meta.ts';
import { users } from '../../../src/access/sign-in/users.ts';
import { userCommand } from '../../../src/cli/command/user.ts';
import { hashPassword } from '../../../src/credential/password.ts';
import { isSystemError } from '../../../src/error/foreseen.ts';
import { ran } from '../../support/command.ts';
import { type Operated, operated } from '../../support/operator.ts';
import { sessionOf, type Visitor, visitor } from '../../support/visitor.ts';

const PASSWORD = 'a long walk by the sea';
let production: Operated;
let data: string;

async function user(...args: string[]): Promise<string> {
  const { code, output, errors } = await ran(userCommand(), [...args, '--data', data]);
  expect(code, errors).toBe(0);
  return output.trim();
}

/** A user with a password that is cheap to check, signed in. */
async function known(name: string, role: string, scope = '*'): Promise<Visitor> {
  const database = await metaDatabase({ data: data });
  const password = await hashPassword(PASSWORD, { memory: 64, passes: 1, parallelism: 1 });
  await users(database).add({ name, roles: [role], scope: [scope], password, mustChange: false });
  await database.close();
  const somebody = visitor(production.url);
  expect((await somebody.signIn(name, PASSWORD)).status).toBe(200);
  return somebody;
}

/** Files of the installation that hold a text. */
async function holding(folder: string, text: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  const found = await Promise.all(
    files.map(async (file) => {
      const content = await readFile(file).catch((error: unknown) => {
        // a file of the running engine that took another's name meanwhile
        if (!isSystemError(error, 'ENOENT')) throw error;
      });
      return content?.includes(text) === true ? file : undefined;
    }),
  );
  return found.filter((file) => file !== undefined);
}

beforeAll(async () => {
  production = await operated({ administrator: false });
  data = join(production.folder.path, 'data');
  await production.send('M1', { mrn: '4711', name: 'Doe^John' });
});
afterAll(async () => production[Symbol.asyncDispose]());

test('the first administrator is made with the code that is printed, once; being at the machine proves nothing', async () => {
  const nobody = visitor(production.url);
  expect((await nobody.me()).status).toBe(401);
  expect((await nobody.ask('GET', '/api/v1/hosts')).status).toBe(401);
  const methods = await nobody.ask('GET', '/api/v1/sign-in/methods');
  expect(methods.body).toEqual({ password: true, first: true, oidc: [], saml: [], kerberos: [] });
  const code = production.plane.firstCode ?? '';
  expect(code).toMatch(/^(?:\w{5}-){3}\w{5}$/);
  expect(await holding(data, code)).toEqual([]);
  const begin = (given: string, password = PASSWORD) =>
    nobody.ask('POST', '/api/v1/sign-in/first', { code: given, user: 'root', password });
  expect((await begin('AAAAA-BBBBB-CCCCC-DDDDD')).status).toBe(401);
  // what is wrong with the password does not use the code up
  expect((await begin(code, 'short')).status).toBe(422);
  const [made, ...others] = (await Promise.all([begin(code), begin(code), begin(code)])).toSorted(
    (a, b) => a.status - b.status,
  );
  expect([made?.status, ...others.map(({ status }) => status)]).toEqual([200, 401, 401]);
  const root = visitor(production.url);
  expect((await root.signIn('root', PASSWORD)).status).toBe(200);
  expect((await root.me()).body).toMatchObject({ name: 'root', roles: ['administrator'] });
  expect((await begin(code)).status).toBe(401);
  const after = await visitor(production.url).ask('GET', '/api/v1/sign-in/methods');
  expect(after.body).toMatchObject({ first: false });
});

test('a printed password opens only the change of it', async () => {
  const printed = await user('add', 'anna', '--role', 'viewer');
  const anna = visitor(production.url);
  expect((await anna.signIn('anna', printed)).body).toEqual({
    name: 'anna',
    mustChangePassword: true,
  });
  const early = await anna.ask('GET', '/api/v1/status');
  expect([early.status, early.body['code']]).toEqual([403, 'PASSWORD_CHANGE_REQUIRED']);
  const change = (password: string): ReturnType<Visitor['signIn']> =>
    anna.ask('POST', '/api/v1/me/password', { current: printed, password });
  const short = await change('short');
  expect([short.status, short.body['detail']]).toEqual([
    422,
    expect.stringMatching(/12 characters/),
  ]);
  expect((await change('anna is my own name')).body['detail']).toMatch(/contain the user/);
  const session = anna.cookies.get(sessionOf(anna));
  expect((await change(PASSWORD)).status).toBe(200);
  expect(anna.cookies.get(sessionOf(anna))).not.toBe(session);
  expect((await anna.me()).body.mustChangePassword).toBeUndefined();
  expect((await anna.ask('GET', '/api/v1/status')).status).toBe(200);
});

test('the session’s cookie is out of reach of scripts and other sites, and an act needs the CSRF token', async () => {
  const bert = await known('bert', 'operator');
  const stop = '/api/v1/hosts/hl7-out/retry';
  const signIn = await bert.ask('POST', '/api/v1/sign-in', { user: 'bert', password: PASSWORD });
  expect(signIn.headers.get('set-cookie')).toMatch(
    /^sid-[\da-f]{8}=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/,
  );
  await bert.me();
  expect((await bert.ask('POST', stop, {}, { 'x-csrf-token': '' })).status).toBe(403);
  const foreign = await bert.ask('POST', stop, {}, { origin: 'https://evil.example' });
  expect(foreign.body['detail']).toBe('not from https://evil.example');
  expect((await bert.ask('POST', stop, {})).status).toBe(200);
});

test('signing out ends the session, not only the cookie', async () => {
  const carl = await known('carl', 'viewer');
  const stolen = new Map(carl.cookies);
  expect((await carl.ask('POST', '/api/v1/sign-out')).status).toBe(200);
  expect(carl.cookies.size).toBe(0);
  for (const [name, value] of stolen) carl.cookies.set(name, value);
  expect((await carl.me()).status).toBe(401);
});

test('a 403 names the missing permission, and the rights of a user show it beforehand', async () => {
  const dora = await known('dora', 'viewer');
  const refused = await dora.ask('POST', '/api/v1/hosts/hl7-out/stop', {});
  expect([refused.status, refused.body['detail']]).toEqual([403, 'dora lacks host.control']);
  const admin = await known('admin1', 'administrator');
  const rights = await admin.ask<{ permissions: object; missing: string[] }>(
    'GET',
    '/api/v1/users/dora/rights',
  );
  expect(rights.body.permissions).toMatchObject({ 'message.search': ['viewer'] });
  expect(rights.body.missing).toContain('host.control');
});

test('a scope hides every other host, and its messages', async () => {
  const only = await known('emil', 'operator', 'tag:adt');
  const hosts = await only.ask<{ hosts: { name: string }[] }>('GET', '/api/v1/hosts');
  expect(hosts.body.hosts.map(({ name }) => name)).toEqual(['hl7-in']);
  expect((await only.ask('POST', '/api/v1/hosts/hl7-out/stop', {})).status).toBe(404);
  const none = await known('fred', 'operator', 'tag:radiology');
  const found = await none.ask<{ items: unknown[] }>('POST', '/api/v1/messages/search', {});
  expect(found.body.items).toEqual([]);
});

test('a patient is masked on the server for who may not see it, and keeps its form', async () => {
  const operator = await known('gina', 'operator');
  const engineer = await known('hans', 'engineer');
  const found = await vi.waitFor(async () => {
    const page = await operator.ask<{ items: { id: number }[] }>(
      'POST',
      '/api/v1/messages/search',
      {
        search: { mrn: '4711' },
      },
    );
    expect(page.body.items).toHaveLength(1);
    return page.body.items[0];
  });
  const path = `/api/v1/messages/${found?.id}/body`;
  const shown = await operator.ask<{ text: string; masked: boolean }>('GET', path);
  expect(shown.body.masked).toBe(true);
  expect(shown.body.text).toContain('PID|1||0000^^^HOSP^MR||Xxx^Xxxx||00000000|M');
  expect((await operator.ask('GET', `${path}/raw`)).status).toBe(403);
  expect((await engineer.ask<{ text: string }>('GET', path)).body.text).toContain('Doe^John');
});

test('failures are delayed more and more, for users that do not exist too, and the trace says why', async () => {
  const guess = visitor(production.url);
  const admin = await known('admin2', 'administrator');
  for (const name of ['admin2', 'nobody-at-all']) {
    const seen: unknown[] = [];
    for (let n = 0; n < 4; n += 1) {
      const { status, body } = await guess.signIn(name, `wrong ${n}`);
      seen.push([status, status === 401 ? body['detail'] : body['code']]);
    }
    const wrong = [401, 'user or password is wrong'];
    expect(seen).toEqual([wrong, wrong, wrong, [429, 'TOO_MANY']]);
  }
  const { body } = await admin.ask<{ events: { user: string; cause: string }[] }>(
    'GET',
    '/api/v1/sign-in/trace',
  );
  const causes = new Set(body.events.map(({ user: name, cause }) => `${name}: ${cause}`));
  expect(causes).toContain('nobody-at-all: there is no such user');
  expect(causes).toContain('admin2: the password is wrong');
});

test('access tokens are short, refresh tokens are used once, and a second use ends them all', async () => {
  await known('iris', 'viewer');
  const program = visitor(production.url);
  interface Pair {
    accessToken: string;
    refreshToken: string;
  }
  const token = (body: object): ReturnType<typeof program.ask<Pair>> =>
    program.ask<Pair>('POST', '/api/v1/auth/token', body);
  const status = async (one: string): Promise<number> =>
    (await program.ask('GET', '/api/v1/status', undefined, bearer(one))).status;
  const first = (await token({ user: 'iris', password: PASSWORD })).body;
  expect(await status(first.accessToken)).toBe(200);
  const second = (await token({ refreshToken: first.refreshToken })).body;
  expect(await status(second.accessToken)).toBe(200);
  expect(await status(first.accessToken)).toBe(401);
  expect((await token({ refreshToken: first.refreshToken })).status).toBe(401);
  expect(await status(second.accessToken)).toBe(401);
  const third = (await token({ user: 'iris', password: PASSWORD })).body;
  await program.ask('POST', '/api/v1/auth/revoke', { token: third.accessToken });
  expect(await status(third.accessToken)).toBe(401);
  expect((await token({ refreshToken: third.refreshToken })).status).toBe(401);
  await program.ask('POST', '/api/v1/auth/revoke', { token: third.accessToken });
  const admin = await known('admin4', 'administrator');
  const { body } = await admin.ask<{ rows: object[] }>('GET', '/api/v1/audit?action=token.revoke');
  expect(body.rows).toMatchObject([{ actor: 'iris', object: 'user iris' }]);
});

test('a token that a person makes does no more than it says, and nobody gives what they lack', async () => {
  const admin = await known('admin3', 'administrator');
  const { body } = await admin.ask<{ id: number; token: string }>('POST', '/api/v1/tokens', {
    label: 'monitoring',
    permissions: ['dashboard.view'],
    days: 1,
  });
  const held = bearer(body.token);
  const program = visitor(production.url);
  expect((await program.ask('GET', '/api/v1/status', undefined, held)).status).toBe(200);
  const searched = await program.ask('POST', '/api/v1/messages/search', {}, held);
  expect(searched.body['detail']).toBe('admin3 lacks message.search');
  await admin.ask('DELETE', `/api/v1/tokens/${body.id}`);
  const gone = await program.ask('GET', '/api/v1/status', undefined, held);
  expect(gone.headers.get('www-authenticate')).toContain('this token was revoked');
});

test('removing a user ends the session at once', async () => {
  const jane = await known('jane', 'viewer');
  await user('remove', 'jane');
  expect((await jane.me()).status).toBe(401);
});

const bearer = (one: string): Record<string, string> => ({ authorization: `Bearer ${one}` });
