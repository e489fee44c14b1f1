import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../../sandbox/free-port.ts';
import { readConsoleSettings } from '../../../src/access/sign-in/console-settings.ts';
import { directory } from '../../../src/access/sign-in/directory/directory.ts';
import type { DirectorySettings } from '../../../src/access/sign-in/directory/directory-settings.ts';
import { tryDirectory } from '../../../src/access/sign-in/directory/try-directory.ts';
import { SignInRefusal } from '../../../src/access/sign-in/sign-in-refusal.ts';
import type { TestStep } from '../../../src/adapter/test-step.ts';
import { type Certificates, certificates } from '../../support/certificates.ts';
import {
  type Directory,
  noSlapd,
  READER,
  SUFFIX,
  startDirectory,
} from '../../support/directory.ts';
import { guardedApi } from '../../support/guarded-api.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { visitor } from '../../support/visitor.ts';

interface SignInTrace {
  readonly events: readonly { cause: string; remedy?: string; outcome: string; method: string }[];
}

/** The password of one of the people in the directory. */
const of = (uid: string): string => `${uid}’s password`;

const settingsOf = async (text: string): Promise<readonly DirectorySettings[]> => {
  await using folder = await temporaryFolder('console');
  const file = join(folder.path, 'console.yaml');
  await writeFile(file, text);
  return (await readConsoleSettings(file, {})).ldap;
};

/** How the directory refuses somebody. */
const refusal = async (
  text: string,
  user: string,
  password: string,
): Promise<{ status: number; detail: string; cause: string; remedy: string }> => {
  const [settings] = await settingsOf(text);
  if (settings === undefined) throw new Error('there is no directory in the settings');
  const answer = await directory(settings)
    .check({ user, password, ip: '127.0.0.1' })
    .catch((error: unknown) => error);
  if (typeof answer === 'string') {
    return { status: 401, detail: 'user or password is wrong', cause: answer, remedy: '' };
  }
  if (!(answer instanceof SignInRefusal)) throw new Error(`not refused: ${String(answer)}`);
  const { status, message, why, remedy } = answer;
  return { status, detail: message, cause: why, remedy };
};

const tried = async (
  text: string,
  user: string,
  password: string,
): Promise<readonly TestStep[]> => {
  const ldap = await settingsOf(text);
  const steps: TestStep[] = [];
  for (const one of ldap) await tryDirectory(one, { user, password }, (step) => steps.push(step));
  return steps;
};

describe.skipIf(noSlapd !== undefined)('signing in with a directory', () => {
  let tls: Certificates;
  let server: Directory;

  beforeAll(async () => {
    tls = await certificates();
    server = await startDirectory({ certificate: tls.server });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await tls[Symbol.asyncDispose]();
  });

  const BY_ACCOUNT = {
    account: READER.name,
    password: READER.password,
  };
  const BIND_AS = { bindAs: `uid={user},ou=people,${SUFFIX}` };

  const yaml = (
    more: Readonly<Record<string, unknown>> = {},
    by: Readonly<Record<string, unknown>> = BY_ACCOUNT,
  ): string =>
    JSON.stringify({
      ldap: [
        {
          name: 'openldap',
          servers: [`ldaps://localhost:${server.securePort}`],
          trust: tls.trust,
          base: `ou=people,${SUFFIX}`,
          groups: { base: `ou=groups,${SUFFIX}` },
          nested: true,
          roles: { 'wb-admins': 'administrator', [`CN=WB-Ward, ou=groups,${SUFFIX}`]: 'viewer' },
          ...by,
          ...more,
        },
      ],
    });

  test.for([
    ['an account that searches', BY_ACCOUNT],
    ['the person’s own name', BIND_AS],
  ] as const)('works by %s, with roles by nested groups in a ring', async ([, by]) => {
    await using api = await guardedApi({ settings: () => yaml({}, by) });
    const browser = visitor(api.url);
    const methods = await browser.ask('GET', '/api/v1/sign-in/methods');
    expect(methods.body['password']).toBe(true);
    expect((await browser.signIn('anna', of('anna'))).body).toEqual({
      name: 'anna',
      mustChangePassword: false,
    });
    const me = await browser.me();
    expect(me.body).toMatchObject({ name: 'anna', roles: ['administrator'], via: 'ldap openldap' });
    const ward = visitor(api.url);
    await ward.signIn('ben (ward 3)', of('ben (ward 3)'));
    expect((await ward.me()).body).toMatchObject({ name: 'ben (ward 3)', roles: ['viewer'] });
    const star = await visitor(api.url).signIn('o*lga', of('o*lga'));
    expect([star.status, star.body['detail']]).toEqual([
      403,
      'you are known, but have no rights here; ask an administrator',
    ]);
  });

  test('takes memberOf, and groups in groups only where that is said', async () => {
    const nested = yaml({ groups: undefined });
    await using api = await guardedApi({ settings: () => nested });
    const browser = visitor(api.url);
    expect((await browser.signIn('anna', of('anna'))).status).toBe(200);
    const flat = await refusal(yaml({ nested: false }), 'anna', of('anna'));
    expect(flat).toMatchObject({
      status: 403,
      cause: 'anna: none of it in memberOf is mapped to a role',
    });
  });

  test('limits what may be seen by an attribute of the person', async () => {
    await using api = await guardedApi({
      settings: () => yaml({ scope: ['tag:{ou}'], user: 'displayName' }),
    });
    const browser = visitor(api.url);
    await browser.signIn('anna', of('anna'));
    expect((await browser.me()).body).toMatchObject({
      name: 'Anna Admin',
      visibleHosts: ['adt-in'],
    });
  });

  test.for([
    'anna)(uid=*',
    '*',
    'anna*',
    '*)(objectClass=*',
    'anna\\2a',
    `anna,ou=people,${SUFFIX}`,
    `anna\u0000`,
    'ann\u00e0',
  ])('does not let the name %s change what is searched for', async (name) => {
    for (const by of [BY_ACCOUNT, BIND_AS]) {
      const { status, cause } = await refusal(yaml({}, by), name, of('anna'));
      expect(status).toBe(401);
      expect(cause).toMatch(
        /^(?:no entry below base fits|name or password is wrong|a name is not written|the name has characters)/,
      );
    }
  });

  const NOTHING = {};

  test.for<[string, Readonly<Record<string, unknown>>, string, string, RegExp, RegExp]>([
    [
      'a wrong password',
      NOTHING,
      'anna',
      'mistyped-4711',
      /^openldap: name or password is wrong/,
      /Compare/,
    ],
    ['nobody', NOTHING, 'zoe', 'mistyped-4711', /^no entry below base fits/, /^$/],
    [
      'a wrong base',
      { base: 'ou=staff,dc=hospital,dc=example' },
      'anna',
      'mistyped-4711',
      /no entry with the name of base/,
      /waybill user try/,
    ],
    [
      'a refused account',
      { password: 'old' },
      'anna',
      'mistyped-4711',
      /the account that searches is refused/,
      /waybill user try/,
    ],
    [
      'several entries',
      { filter: '(|(uid={user})(uid=ben*))' },
      'anna',
      'mistyped-4711',
      /several entries fit/,
      /Narrow/,
    ],
    [
      'a certificate of another name',
      { serverName: 'dc1.example' },
      'anna',
      'mistyped-4711',
      /is for other names/,
      /serverName/,
    ],
    [
      'an authority that is not trusted',
      { trust: undefined },
      'anna',
      'mistyped-4711',
      /not trusted here/,
      /trust/,
    ],
  ])('names the cause: %s', async ([, more, user, password, cause, remedy]) => {
    // 503: whoever types the right password would be told the same
    const status = more === NOTHING ? 401 : 503;
    expect(await refusal(yaml(more), user, password)).toMatchObject({
      status,
      cause: expect.stringMatching(cause),
      remedy: expect.stringMatching(remedy),
    });
  });

  test.for([
    [
      '532',
      'this password has expired: set a new one in the directory, then sign in',
      /has expired/,
    ],
    ['533', 'this account is disabled', /disabled/],
    ['701', 'this account has expired', /account has expired/],
    ['773', 'this password must be changed in the directory first', /must be changed/],
    ['775', 'user or password is wrong', /locked after failed tries/],
    ['52e', 'user or password is wrong', /^the password is wrong/],
  ] as const)('tells Active Directory’s %s apart', async ([data, text, cause]) => {
    server.refuse(
      `80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data ${data}, v4563`,
    );
    const by = { bindAs: 'cn={user},dc=ad' };
    expect(await refusal(yaml({}, by), 'anna', 'mistyped-4711')).toMatchObject({
      status: 401,
      detail: text,
      cause: expect.stringMatching(cause),
    });
  });

  test('shows an administrator why, and logs no password', async () => {
    await using api = await guardedApi({ settings: () => yaml() });
    await api.user('root', 'a long password here', { roles: ['administrator'] });
    const wrong = await visitor(api.url).signIn('anna', 'mistyped-4711');
    const nobody = await visitor(api.url).signIn('zoe', 'mistyped-4711');
    for (const { status, body } of [wrong, nobody]) {
      expect([status, body['detail']]).toEqual([401, 'user or password is wrong']);
    }
    const admin = visitor(api.url);
    await admin.signIn('root', 'a long password here');
    const { body } = await admin.ask<SignInTrace>('GET', '/api/v1/sign-in/trace');
    expect(body.events.filter(({ outcome }) => outcome === 'refused')).toMatchObject([
      { cause: 'there is no such local user; openldap: no entry below base fits the filter' },
      { cause: 'openldap: name or password is wrong (result 49)' },
    ]);
    expect(api.log.join('\n')).not.toMatch(/mistyped-4711|the reader/);
  });

  test('asks the next server where one is gone, and local users stay local', async () => {
    const closed = `ldaps://localhost:${await freePort()}`;
    const servers = [closed, `ldaps://localhost:${server.securePort}`];
    await using api = await guardedApi({ settings: () => yaml({ servers }) });
    await api.user('carl', 'carl’s password', { roles: ['viewer'] });
    const browser = visitor(api.url);
    expect((await browser.signIn('anna', of('anna'))).status).toBe(200);
    const local = visitor(api.url);
    await local.signIn('carl', of('carl'));
    expect((await local.me()).body).toMatchObject({ via: 'local' });

    const gone = await refusal(yaml({ servers: [closed] }), 'anna', of('anna'));
    expect(gone).toMatchObject({
      status: 503,
      detail:
        'the directory that knows your password cannot be asked right now: try again later; an administrator can see why',
      cause: expect.stringMatching(/^openldap: .*nothing listens/),
    });
  });

  test('a directory that is away counts no guesses, and ends no sessions', async () => {
    await using api = await guardedApi({ settings: () => yaml() });
    const browser = visitor(api.url);
    await browser.signIn('anna', of('anna'));
    await server.stop();
    const away: number[] = [];
    for (let tries = 0; tries < 6; tries++) {
      away.push((await visitor(api.url).signIn('anna', of('anna'))).status);
    }
    expect(away).toEqual([503, 503, 503, 503, 503, 503]);
    expect((await browser.me()).status).toBe(200);
    await server.start();
    expect((await visitor(api.url).signIn('anna', of('anna'))).status).toBe(200);
    // while it is there, wrong ones count
    const wrong: number[] = [];
    for (let tries = 0; tries < 4; tries++) {
      wrong.push((await visitor(api.url).signIn('anna', 'mistyped-4711')).status);
    }
    expect(wrong).toEqual([401, 401, 401, 429]);
  });

  test('a directory that takes a password and never says whether it is right counts it', async () => {
    const silent = createServer((socket) => {
      socket.on('error', () => undefined);
      // result 49 is never sent: it hangs up on the bind
      socket.once('data', () => socket.destroy());
    });
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    const { port } = silent.address() as AddressInfo;
    const servers = [`ldap://127.0.0.1:${port}`];
    await using api = await guardedApi({ settings: () => yaml({ servers }, BIND_AS) });
    const told: number[] = [];
    for (let tries = 0; tries < 4; tries++) {
      told.push((await visitor(api.url).signIn('anna', 'mistyped-4711')).status);
    }
    silent.close();
    expect(told).toEqual([503, 503, 503, 429]);
  });

  test('proves passwords: false, and gives no tokens', async () => {
    const settings = `${yaml().slice(0, -1)},"passwords":false}`;
    await using api = await guardedApi({ settings: () => settings });
    await api.user('root', 'a long password here', { roles: ['administrator'] });
    const before = await visitor(api.url).signIn('root', 'a long password here');
    expect(before.status).toBe(200);
    const admin = visitor(api.url);
    expect((await admin.signIn('anna', of('anna'))).status).toBe(200);
    const methods = await admin.ask('GET', '/api/v1/sign-in/methods');
    expect(methods.body['password']).toBe(true);
    const after = await visitor(api.url).signIn('root', 'a long password here');
    expect([after.status, after.body['detail']]).toEqual([
      401,
      'passwords are not accepted here; use the external sign-in',
    ]);
    const token = await admin.ask('POST', '/api/v1/auth/token', {
      user: 'anna',
      password: of('anna'),
    });
    expect(token.status).toBe(403);
  });

  test('is tried step by step', async () => {
    const steps = await tried(yaml(), 'anna', of('anna'));
    expect(steps.map(({ name, result }) => `${name} ${result}`)).toEqual([
      'name passed',
      'TCP passed',
      'TLS passed',
      'account passed',
      'person passed',
      'groups passed',
      'password passed',
      'roles passed',
    ]);
    expect(steps.at(-1)?.detail).toBe('anna: administrator on *');
    const groups = steps.find(({ name }) => name === 'groups')?.detail;
    expect(groups).toBe(
      ['it', 'wb-admins', 'ring'].map((cn) => `cn=${cn},ou=groups,${SUFFIX}`).join('; '),
    );
    const own = await tried(yaml({}, BIND_AS), 'anna', 'mistyped-4711');
    expect(own.at(-1)).toMatchObject({ name: 'password', result: 'failed' });
    const without = await tried(yaml(), 'carl', of('carl'));
    expect(without.at(-1)).toMatchObject({
      name: 'roles',
      result: 'failed',
      cause: 'carl: memberOf is missing or empty, so there is no role',
    });
  });

  test('is tried on the command line, with the password from standard input', async () => {
    await using folder = await temporaryFolder('console');
    const file = join(folder.path, 'console.yaml');
    await writeFile(file, yaml());
    const said = await new Promise<{ code: unknown; output: string }>((resolve) => {
      const child = execFile(
        process.execPath,
        ['--conditions=waybill-source', 'src/main.ts', 'user', 'try', 'anna', '--settings', file],
        (error, output) => resolve({ code: error?.code ?? 0, output }),
      );
      child.stdin?.end('mistyped-4711\n');
    });
    expect(said.code).toBe(1);
    expect(said.output).toMatch(
      /✓ person: uid=anna.*\n(?:.*\n)*✗ password \(\d+ ms\)\n {4}name or password is wrong \(result 49\)\n {4}→ Compare/,
    );
  });

  const problems = async (more: object, by: object = BY_ACCOUNT): Promise<string> =>
    await tried(yaml({ ...more }, { ...by }), 'x', 'y').then(
      () => '',
      (error: Error) => error.message,
    );

  test('settings that cannot work are told with their places', async () => {
    expect(await problems({}, {})).toMatch(/ldap\.0\.account: write either account/);
    expect(await problems(BIND_AS)).toMatch(/ldap\.0\.account: write either account/);
    expect(await problems({ password: undefined })).toMatch(/belong together/);
    expect(await problems({ filter: '(uid=anna)' })).toMatch(/filter: write \{user\}/);
    expect(await problems({ filter: '(uid={user}' })).toMatch(/filter: is not an LDAP filter/);
    expect(await problems({ servers: ['ldap://dc1.example'] })).toMatch(/without encryption/);
    expect(await problems({ startTls: true })).toMatch(/begins with TLS/);
    expect(await problems({ trust: 'no.pem' })).toMatch(/there is no file no\.pem/);
    expect(await problems({ roles: { a: 'king' } })).toMatch(/ldap\.0\.roles: .*king/);
    expect(await problems({ pasword: 'x' })).toMatch(/ldap\.0\.pasword is not a setting/);
  });
});
