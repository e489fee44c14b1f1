import { expect, test } from 'vitest';
import { metaDatabase } from '../../../src/access/meta/open-meta.ts';
import { DEFAULT_CONSOLE } from '../../../src/access/sign-in/console-settings.ts';
import { enforcement } from '../../../src/access/sign-in/enforcement.ts';
import { failureDelay } from '../../../src/access/sign-in/failure-delay.ts';
import { localSignIn } from '../../../src/access/sign-in/local-sign-in.ts';
import { users } from '../../../src/access/sign-in/users.ts';
import { hashPassword } from '../../../src/credential/password.ts';
import { addressBlock } from '../../../src/message/address-block.ts';
import { guardedApi } from '../../support/guarded-api.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { sessionOf, visitor } from '../../support/visitor.ts';

const PASSWORD = 'a long walk by the sea';

test('a sign-in gives a new session: one that somebody else set, or had, is worth nothing', async () => {
  await using api = await guardedApi();
  await api.user('anna', PASSWORD, {});
  const anna = visitor(api.url);
  await anna.signIn('anna', PASSWORD);
  const cookie = sessionOf(anna);
  anna.cookies.set(cookie, 'planted-by-somebody-else-0123456789abcdefgh');
  await anna.signIn('anna', PASSWORD);
  const first = anna.cookies.get(cookie);
  expect(first).toMatch(/^[\w-]{43}$/);
  const before = visitor(api.url);
  for (const id of ['planted-by-somebody-else-0123456789abcdefgh', first ?? '']) {
    before.cookies.set(cookie, id);
    expect((await before.me()).status).toBe(id === first ? 200 : 401);
  }
  await anna.signIn('anna', PASSWORD);
  expect(anna.cookies.get(cookie)).not.toBe(first);
  expect((await before.me()).status).toBe(401);
});

test('two consoles on one host leave each other’s sessions alone', async () => {
  await using one = await guardedApi();
  await using other = await guardedApi();
  for (const api of [one, other]) await api.user('anna', PASSWORD, {});
  const [here, there] = [visitor(one.url), visitor(other.url)];
  // as a browser does, which knows hosts and no ports
  const share = (): void => {
    for (const [name, value] of here.cookies) there.cookies.set(name, value);
    for (const [name, value] of there.cookies) here.cookies.set(name, value);
  };
  await here.signIn('anna', PASSWORD);
  share();
  await there.signIn('anna', PASSWORD);
  share();
  expect([(await here.me()).status, (await there.me()).status]).toEqual([200, 200]);
  await here.ask('POST', '/api/v1/sign-out');
  expect([(await here.me()).status, (await there.me()).status]).toEqual([401, 200]);
});

test('a page of another site signs nobody in as somebody else', async () => {
  await using api = await guardedApi();
  await api.user('anna', PASSWORD, {});
  const credentials = { user: 'anna', password: PASSWORD };
  for (const headers of [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
  ]) {
    const answer = await visitor(api.url).ask('POST', '/api/v1/sign-in', credentials, headers);
    expect([answer.status, answer.headers.get('set-cookie')]).toEqual([403, null]);
  }
});

test('a token counts in its header only, and a path that is written otherwise is guarded as well', async () => {
  await using api = await guardedApi();
  await api.user('anna', PASSWORD, {});
  const program = visitor(api.url);
  const { body } = await program.ask<{ accessToken: string }>('POST', '/api/v1/auth/token', {
    user: 'anna',
    password: PASSWORD,
  });
  const { accessToken } = body;
  for (const path of [
    `/api/v1/me?access_token=${accessToken}`,
    `/api/v1/me?token=${accessToken}`,
    '/%61pi/v1/me',
    '/api/%76%31/me',
  ]) {
    expect([path, (await program.ask('GET', path)).status]).toEqual([path, 401]);
  }
  const headers = { authorization: `Bearer ${accessToken}` };
  expect((await program.ask('GET', '/api/v1/me', undefined, headers)).status).toBe(200);
  expect((await program.ask('GET', '/%61pi/v1/me', undefined, headers)).status).toBe(200);
});

test('who guesses from one address delays nobody at another, nor break-glass, and what was typed is not kept', async () => {
  await using folder = await temporaryFolder();
  await using database = await metaDatabase({ data: folder.path });
  const known = users(database);
  const password = await hashPassword(PASSWORD, { memory: 64, passes: 1, parallelism: 1 });
  const common = { roles: ['viewer'], scope: ['*'], password, mustChange: false };
  await known.add({ ...common, name: 'anna' });
  await known.add({ ...common, name: 'rescue', breakGlass: true });
  const enforced = enforcement(database, DEFAULT_CONSOLE);
  const delay = failureDelay(database);
  const local = localSignIn({
    users: known,
    delay,
    enforcement: enforced,
    directories: [],
    delegate: undefined,
  });
  const guess = (user: string, ip: string) =>
    local.check({ user, password: 'wrong', ip }).catch((error: { status: number }) => error.status);
  for (const user of ['anna', 'rescue'])
    for (let n = 0; n < 5; n += 1) await guess(user, '10.0.0.66');
  expect(await guess('anna', '10.0.0.66')).toBe(429);
  const anna = await local.check({ user: 'anna', password: PASSWORD, ip: '10.0.0.7' });
  expect(anna.name).toBe('anna');
  const rescue = await local.check({ user: 'rescue', password: PASSWORD, ip: '10.0.0.66' });
  expect(rescue.name).toBe('rescue');
  await guess('my secret typed as a name', '10.0.0.66');
  const kept = await database.all('SELECT key FROM sign_in_failure');
  expect(JSON.stringify(kept)).not.toMatch(/anna|secret|10\.0\.0/);
});

const keysOf = (user: string, ip: string) =>
  [
    { kind: 'user', name: `${user} ${ip}` },
    { kind: 'address', name: ip },
    { kind: 'name', name: user },
  ] as const;

test('a thousand machines that guess a name lock nobody out where they signed in before; one network of IPv6 is one guesser', async () => {
  await using folder = await temporaryFolder();
  await using database = await metaDatabase({ data: folder.path });
  let time = Date.UTC(2026, 0, 15, 8);
  const delay = failureDelay(database, () => time);
  const tried = (user: string, ip: string): Promise<number> => delay.tried(keysOf(user, ip));
  await delay.succeeded(keysOf('anna', '10.0.0.7')[0]);
  for (let n = 0; n < 120; n += 1) await tried('anna', `203.0.113.${n}`);
  expect(await tried('anna', '198.51.100.1')).toBeGreaterThan(0);
  expect(await tried('anna', '10.0.0.7')).toBe(0);
  // there too what is tried from that address counts, under whatever spelling a directory takes for the same name
  for (const spelt of ['ANNA', ' anna', 'a\uFF4Ena']) await tried(spelt, '10.0.0.7');
  expect(await tried('anna', '10.0.0.7')).toBeGreaterThan(0);

  const waits: number[] = [];
  for (let n = 0; n < 35; n += 1) waits.push(await tried(`user-${n}`, `2001:db8:1:2::${n}`));
  expect(waits.filter((wait) => wait > 0)).toHaveLength(5);
  expect(await tried('bert', '2001:db8:1:3::1')).toBe(0);
  // many share an address: what they mistyped counts by the hour
  time += 3_600_000;
  expect(await tried('carl', '2001:db8:1:2::ffff')).toBe(0);
  // a month later it is forgotten that she got in there
  time += 31 * 86_400_000;
  for (let n = 0; n < 120; n += 1) await tried('anna', `203.0.113.${n}`);
  expect(await tried('anna', '10.0.0.7')).toBeGreaterThan(0);
});

test.each([
  ['10.1.2.3', '10.1.2.3'],
  ['::ffff:10.1.2.3', '10.1.2.3'],
  ['2001:DB8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8::6', '2001:db8:0:0::/64'],
  ['2001:0db8:01::', '2001:db8:1:0::/64'],
  ['1::2:3.4.5.6', '1:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80::1'],
  ['not an address', 'not an address'],
])('%s is counted as %s', (address, block) => {
  expect(addressBlock(address)).toBe(block);
});

test('two users do not differ in the case of a letter of any script alone, nor in how wide it is', async () => {
  await using folder = await temporaryFolder();
  await using database = await metaDatabase({ data: folder.path });
  const known = users(database);
  const common = { roles: ['viewer'], scope: ['*'], password: '', mustChange: false };
  await known.add({ ...common, name: 'Änne' });
  await known.add({ ...common, name: 'karl' });
  for (const name of ['änne', 'ÄNNE', '\u212Aarl', 'KARL', '\uFF4Barl'])
    await expect(known.add({ ...common, name })).rejects.toThrow('there is already a user');
  expect(await known.list()).toHaveLength(2);
});

test('while passwords are off, nobody learns whether one was right', async () => {
  await using folder = await temporaryFolder();
  await using database = await metaDatabase({ data: folder.path });
  const known = users(database);
  const password = await hashPassword(PASSWORD, { memory: 64, passes: 1, parallelism: 1 });
  await known.add({ name: 'anna', roles: [], scope: ['*'], password, mustChange: false });
  const off = { passwords: async () => ({ allowed: false, why: 'passwords: false' }) };
  const local = localSignIn({
    users: known,
    delay: failureDelay(database),
    enforcement: { ...enforcement(database, DEFAULT_CONSOLE), ...off },
    directories: [],
    delegate: undefined,
  });
  const answers = [
    { user: 'anna', password: PASSWORD },
    { user: 'anna', password: 'wrong' },
    { user: 'nobody', password: 'wrong' },
  ].map((one) => local.check({ ...one, ip: '::1' }).catch((error: Error) => error.message));
  expect(new Set(await Promise.all(answers))).toEqual(
    new Set(['passwords are not accepted here; use the external sign-in']),
  );
});

test('a name that nobody has takes as long as one that somebody has', async () => {
  await using folder = await temporaryFolder();
  await using database = await metaDatabase({ data: folder.path });
  const known = users(database);
  const password = await hashPassword(PASSWORD);
  await known.add({ name: 'anna', roles: [], scope: ['*'], password, mustChange: false });
  const enforced = enforcement(database, DEFAULT_CONSOLE);
  const delay = failureDelay(database);
  const local = localSignIn({
    users: known,
    delay,
    enforcement: enforced,
    directories: [],
    delegate: undefined,
  });
  const least = { anna: Number.POSITIVE_INFINITY, nobody: Number.POSITIVE_INFINITY };
  const differs = (): boolean => !(Math.abs(Math.log2(least.nobody / least.anna)) < 1);
  // one that is tried more often only comes nearer to what it takes on a quiet machine
  for (let n = 0; n < 4 || (n < 16 && differs()); n += 1) {
    for (const user of ['anna', 'nobody'] as const) {
      const began = performance.now();
      await expect(local.check({ user, password: 'wrong', ip: '::1' })).rejects.toMatchObject({
        message: 'user or password is wrong',
      });
      least[user] = Math.min(least[user], performance.now() - began);
      await delay.succeeded({ kind: 'user', name: `${user} ::1` });
    }
  }
  expect(differs(), JSON.stringify(least)).toBe(false);
});
