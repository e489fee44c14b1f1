import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import httpIn from '../../../adapters/http/http-in.ts';
import { freePort } from '../../../sandbox/free-port.ts';
import {
  type Directory,
  noSlapd,
  READER,
  SUFFIX,
  startDirectory,
} from '../../support/directory.ts';
import { testSteps } from '../../support/open-adapter.ts';
import { PASSWORD, type Portal, portal } from '../../support/portal.ts';
import { type Called, call } from './calling.ts';

/** The password of one of the people in the directory. */
const of = (uid: string): string => `${uid}’s password`;

const tokens = async (answer: Called): Promise<{ accessToken: string; refreshToken: string }> => {
  expect(answer.status, answer.body).toBe(200);
  return JSON.parse(answer.body) as { accessToken: string; refreshToken: string };
};

/** As Active Directory says why. */
const data = (code: string): string =>
  `80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data ${code}, v3839`;

describe.skipIf(noSlapd !== undefined)('users of a service in a directory', () => {
  let server: Directory;
  let site: Portal;
  const ldap = (more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
    connect: [`127.0.0.1:${server.port}`],
    security: 'none',
    credential: 'reader',
    base: `ou=people,${SUFFIX}`,
    groups: { base: `ou=groups,${SUFFIX}` },
    claims: ['displayName', 'employeeNumber'],
    scopes: ['wb-ward: orders.read', `cn=wb-admins,ou=groups,${SUFFIX}: orders.read orders.write`],
    ...more,
  });
  const reader = { kind: 'basic', user: READER.name, password: READER.password };

  beforeAll(async () => {
    server = await startDirectory();
    site = await portal({
      credentials: { reader },
      signIn: { ldap: ldap({ nested: true }) },
    });
  });
  afterAll(async () => {
    await site[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  const post = (path: string, value: unknown): Promise<Called> =>
    call(`${site.urls[0]}${path}`, {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(value),
    });
  const login = (user: string, password: string): Promise<Called> =>
    vi.waitFor(() => post('/auth/login', { user, password }));
  const orders = (accessToken: string): Promise<Called> =>
    call(`${site.urls[0]}/api/orders`, { headers: { authorization: `Bearer ${accessToken}` } });

  const steps = async (more: Record<string, unknown>, password: string = READER.password) => {
    const given = {
      listen: `127.0.0.1:${await freePort()}`,
      path: '/api/*',
      callers: [{ kind: 'bearer', verifier: 'portal-key' }],
      signIn: { key: 'portal-key', ldap: ldap(more) },
    };
    return testSteps(httpIn, given, {
      credentials: {
        reader: { kind: 'basic', user: READER.name, password },
        'portal-key': { kind: 'bearer', token: () => Promise.resolve('x') },
      },
      verifiers: { 'portal-key': { verify: () => Promise.reject(new TypeError('unused')) } },
    });
  };

  test('a person signs in with the password of the directory, with the scopes of their groups and chosen attributes', async () => {
    const ben = await tokens(await login('BEN (ward 3)', of('ben (ward 3)')));
    expect(decodeJwt(ben.accessToken)).toMatchObject({
      sub: 'ben (ward 3)',
      displayName: 'Ben Nurse',
      employeeNumber: '1002',
      scope: 'orders.read',
    });
    expect((await orders(ben.accessToken)).status).toBe(202);
    await tokens(await post('/auth/refresh', { refreshToken: ben.refreshToken }));
    const carl = await tokens(await login('carl', of('carl')));
    expect((await orders(carl.accessToken)).status).toBe(403);
    await tokens(await login('anna', of('anna')));
  });

  test('with a table beside it, who is in the table is not looked for in the directory', async () => {
    await using both = await portal({
      credentials: { reader },
      signIn: { users: 'staff', ldap: ldap() },
    });
    const status = async (user: string, password: string): Promise<number> => {
      const answer = await vi.waitFor(() =>
        call(`${both.urls[0]}/auth/login`, {
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ user, password }),
        }),
      );
      return answer.status;
    };
    expect(await status('anna', of('anna'))).toBe(401);
    expect(await status('anna', PASSWORD)).toBe(200);
    expect(await status('o*lga', of('o*lga'))).toBe(200);
  });

  test('what is typed changes no filter, and an empty password lets nobody in', async () => {
    await tokens(await login('o*lga', of('o*lga')));
    for (const [user, password] of [
      ['o*', of('o*lga')],
      ['*)(uid=o*lga', of('o*lga')],
      ['o*lga', ''],
      ['carl', of('o*lga')],
      ['nobody', 'x'],
      ['carl\0', of('carl')],
    ] as const) {
      expect([user, (await login(user, password)).status]).toEqual([user, 401]);
    }
  });

  test('who is removed from the directory is signed out at the next refresh', async () => {
    const one = await tokens(await login('carl', of('carl')));
    await server.change(`dn: uid=carl,ou=people,${SUFFIX}\nchangetype: delete\n`);
    const gone = await post('/auth/refresh', { refreshToken: one.refreshToken });
    expect(gone.body).toContain('may no longer sign in');
    expect((await orders(one.accessToken)).status).toBe(401);
  });

  test('while the directory is away nobody is told that their password is wrong, and nobody is signed out', async () => {
    const ben = await tokens(await login('ben (ward 3)', of('ben (ward 3)')));
    await server.stop();
    const away = await login('ben (ward 3)', of('ben (ward 3)'));
    expect([away.status, away.headers['retry-after']]).toEqual([503, '5']);
    // it is no failed try, however often
    for (let tries = 0; tries < 5; tries++) {
      expect((await login('ben (ward 3)', of('ben (ward 3)'))).status).toBe(503);
    }
    const refused = await post('/auth/refresh', { refreshToken: ben.refreshToken });
    expect(refused.status).toBe(503);
    expect(site.log.join('')).toContain('nothing listens on');
    expect(site.log.join('')).not.toContain('’s password');
    await server.start();
    await tokens(await post('/auth/refresh', { refreshToken: ben.refreshToken }));
    await tokens(await post('/auth/login', { user: 'ben (ward 3)', password: of('ben (ward 3)') }));
  });

  test('whom Active Directory lets in no more reads why, after the right password only', async () => {
    await using ad = await portal({
      signIn: { ldap: ldap({ credential: undefined, bindAs: 'cn={user},dc=ad', base: 'dc=ad' }) },
    });
    const said = async (text: string): Promise<readonly [number, string]> => {
      server.refuse(text);
      const answer = await vi.waitFor(() =>
        call(`${ad.urls[0]}/auth/login`, {
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ user: 'dora', password: 'x' }),
        }),
      );
      return [answer.status, (JSON.parse(answer.body) as { detail: string }).detail];
    };
    expect(await said(data('532'))).toEqual([
      401,
      'This password has expired: set a new one in the directory, then sign in.',
    ]);
    expect(await said(data('52e'))).toEqual([401, 'User or password is wrong.']);
  });

  test('a trial goes through server, account and people, and names what fails', async () => {
    const good = await steps({});
    expect(good.map(({ name, result }) => `${name} ${result}`)).toEqual(
      expect.arrayContaining(['TCP passed', 'account passed', 'people passed']),
    );
    expect((await steps({}, 'wrong')).at(-1)).toMatchObject({ name: 'account', result: 'failed' });
    expect((await steps({ base: `ou=groups,${SUFFIX}` })).at(-1)).toMatchObject({
      name: 'people',
      remedy: expect.stringContaining('Compare base and filter') as string,
    });
  });
});
