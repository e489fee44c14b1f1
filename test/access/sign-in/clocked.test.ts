import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { auditLog } from '../../../src/access/audit/audit-log.ts';
import { metaDatabase } from '../../../src/access/meta/open-meta.ts';
import { consoleGuard } from '../../../src/access/sign-in/console-guard.ts';
import { DEFAULT_CONSOLE } from '../../../src/access/sign-in/console-settings.ts';
import { enforcement } from '../../../src/access/sign-in/enforcement.ts';
import { failureDelay } from '../../../src/access/sign-in/failure-delay.ts';
import { sessions } from '../../../src/access/sign-in/sessions.ts';
import { users } from '../../../src/access/sign-in/users.ts';
import { hashPassword, isPassword, PASSWORD_COST } from '../../../src/credential/password.ts';
import { silentLogger } from '../../../src/log/logger.ts';
import { guardedApi } from '../../support/guarded-api.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { visitor } from '../../support/visitor.ts';

const MINUTE = 60_000;
const QUICK = { memory: 64, passes: 1, parallelism: 1 };
/** Long enough for what happens meanwhile, also on a busy machine. */
const SLOW = { memory: 65_536, passes: 4, parallelism: 1 };
let time = 1_800_000_000_000;
const now = (): number => time;

test('a session ends after 30 minutes without a request, and after 12 hours anyway; its id is nowhere kept', async () => {
  await using folder = await temporaryFolder();
  const database = await metaDatabase({ data: folder.path });
  const open = sessions(database, undefined, now);
  const of = { name: 'anna', via: 'local', roles: [], scope: [], ip: '' };
  const start = (): Promise<string> =>
    open.start({ ...of, provider: undefined, idToken: undefined });
  const idle = await start();
  time += 31 * MINUTE;
  expect(await open.find(idle)).toBeUndefined();
  const busy = await start();
  for (let n = 0; n < 12 * 60; n += 20) {
    expect((await open.find(busy))?.name).toBe('anna');
    time += 20 * MINUTE;
  }
  time += 1;
  expect(await open.find(busy)).toBeUndefined();
  const left = await start();
  for (let n = 0; n < 29; n += 1) {
    expect((await open.find(left, true))?.name).toBe('anna');
    time += MINUTE;
  }
  time += 2 * MINUTE;
  expect(await open.find(left, true)).toBeUndefined();
  const id = await start();
  expect(JSON.stringify(await database.all('SELECT * FROM web_session'))).not.toContain(id);
  await database.close();
});

test('each failure doubles the delay up to 15 minutes, and a success forgets them', async () => {
  await using folder = await temporaryFolder();
  const database = await metaDatabase({ data: folder.path });
  const delay = failureDelay(database, now);
  const keys = [{ kind: 'user', name: 'anna' }] as const;
  const waits: number[] = [];
  for (let n = 0; n < 17; n += 1) {
    let wait = 0;
    // who comes too soon is not counted
    for (let left = await delay.tried(keys); left > 0; left = await delay.tried(keys)) {
      wait += left;
      time += left;
    }
    waits.push(wait / 1_000);
  }
  expect(waits.slice(1, 7)).toEqual([0, 0, 2, 4, 8, 16]);
  expect(waits.at(-1)).toBe(900);
  expect(await delay.tried([{ kind: 'user', name: 'ANNA' }])).toBeGreaterThan(0);
  time += 15 * MINUTE;
  await delay.forgiven(keys[0]);
  expect(await delay.tried(keys)).toBe(0);
  expect((await delay.tried(keys)) / 1_000).toBe(900);
  await delay.succeeded(keys[0]);
  expect(await delay.tried(keys)).toBe(0);
  await database.close();
});

test('passwords come back by themselves when nobody gets in from outside after they were switched off', async () => {
  await using folder = await temporaryFolder();
  const database = await metaDatabase({ data: folder.path });
  const settings = { ...DEFAULT_CONSOLE, passwords: false, digest: 'a' };
  const enforced = enforcement(database, settings, now);
  expect((await enforced.passwords()).allowed).toBe(true);
  await enforced.signedIn(true);
  time += 1;
  expect((await enforced.passwords()).allowed).toBe(false);
  time += 29 * MINUTE;
  expect((await enforced.passwords()).allowed).toBe(false);
  time += 2 * MINUTE;
  expect(await enforced.passwords()).toMatchObject({
    allowed: true,
    why: expect.stringMatching(/nobody has signed in/),
  });
  await enforced.signedIn(false);
  expect((await enforced.passwords()).allowed).toBe(false);
  const other = enforcement(database, { ...settings, digest: 'b' }, now);
  expect((await other.passwords()).why).toMatch(/waits until/);
  await database.close();
});

test('a password is kept as an argon2id string with its cost, never twice the same', async () => {
  const [one, two] = await Promise.all([hashPassword('by the sea'), hashPassword('by the sea')]);
  const { memory, passes, parallelism } = PASSWORD_COST;
  expect(one).toMatch(
    new RegExp(String.raw`^\$argon2id\$v=19\$m=${memory},t=${passes},p=${parallelism}\$`),
  );
  expect(one).not.toBe(two);
  expect(await isPassword('by the sea', one)).toBe(true);
  expect(await isPassword('by the lake', one)).toBe(false);
});

test('beyond this machine there is no console until somebody can sign in', async () => {
  await using folder = await temporaryFolder();
  const parts = {
    production: 'ward',
    place: { data: folder.path },
    file: undefined,
    hosts: async () => [],
    log: silentLogger,
  };
  await expect(consoleGuard({ ...parts, host: '0.0.0.0' })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('while there is no user'),
  });
  const database = await metaDatabase({ data: folder.path });
  const anna = { name: 'anna', roles: ['viewer'], scope: ['*'], password: '', mustChange: true };
  await users(database).add(anna);
  await database.close();
  const guarded = await consoleGuard({ ...parts, host: '0.0.0.0' });
  await guarded.close();
  expect(guarded.firstCode).toBeUndefined();
});

test('a password that was typed for a name gets into no log', async () => {
  await using api = await guardedApi();
  await api.user('anna', 'a long walk by the sea', {});
  const typed = 'a long walk by the sea';
  expect((await visitor(api.url).signIn(typed, 'anna')).status).toBe(401);
  expect((await visitor(api.url).signIn('anna', 'x')).status).toBe(401);
  await using audit = await auditLog({ data: api.data });
  const told = [...api.log, ...(await audit.list({})).map((row) => JSON.stringify(row))].join('\n');
  expect(told).toMatch(/there is no such user/);
  expect(told).toMatch(/"user":"anna".*the password is wrong/);
  expect(told).not.toContain(typed);
});

test('a password that is changed while it is checked begins no session', async () => {
  await using api = await guardedApi();
  await using meta = await metaDatabase({ data: api.data });
  const another = await hashPassword('another', QUICK);
  const began = performance.now();
  const slow = await hashPassword('a long walk by the sea', SLOW);
  const checking = performance.now() - began;
  /** What a sign-in comes to whose password is changed a while after the try was counted. */
  const changedAfter = async (user: string, wait: number): Promise<string> => {
    await api.user(user, 'a long walk by the sea', {});
    await users(meta).setPassword(user, { password: slow, mustChange: false });
    const trying = visitor(api.url).signIn(user, 'a long walk by the sea');
    await vi.waitFor(
      async () => expect(await meta.all('SELECT * FROM sign_in_failure')).not.toEqual([]),
      { interval: 2 },
    );
    await sleep(wait);
    await users(meta).setPassword(user, { password: another, mustChange: false });
    const { status } = await trying;
    await meta.run('DELETE FROM sign_in_failure');
    const begun = await meta.all('SELECT * FROM web_session WHERE name = ?', user);
    return `${status}, ${begun.length} sessions, ${api.log.findLast((line) => line.includes(user))}`;
  };
  // The user is read soon after the count, and the check takes as long as the hash took: a change in between is one
  // while it is checked. On a busy machine it may come before or after.
  const found: string[] = [];
  const during = /^401, 0 sessions, .*while it was being checked/;
  for (const share of [0.5, 0.2, 0.8, 0.05]) {
    found.push(await changedAfter(`anna${share}`, checking * share));
    if (during.test(found.at(-1) ?? '')) break;
  }
  expect(found.at(-1), found.join('\n')).toMatch(during);
});

test('behind a proxy that speaks HTTPS the cookie is __Host- and Secure, and the public origin is taken', async () => {
  await using api = await guardedApi({
    trustProxy: true,
    settings: () => 'publicUrl: https://tie.example/waybill',
  });
  await api.user('anna', 'a long walk by the sea', {});
  const credentials = { user: 'anna', password: 'a long walk by the sea' };
  const proxied = {
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'tie.example',
    origin: 'https://tie.example',
  };
  const answer = await visitor(api.url).ask('POST', '/api/v1/sign-in', credentials, proxied);
  expect(answer.headers.get('set-cookie')).toMatch(
    /^__Host-sid-[\da-f]{8}=[\w-]+; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
  );
  const foreign = await visitor(api.url).ask('POST', '/api/v1/sign-in', credentials, {
    ...proxied,
    origin: 'https://else.example',
  });
  expect([foreign.status, foreign.body['detail']]).toEqual([403, 'not from https://else.example']);
});
