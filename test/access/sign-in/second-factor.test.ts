import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditLog } from '../../../src/access/audit/audit-log.ts';
import { metaDatabase } from '../../../src/access/meta/open-meta.ts';
import { factorSeal } from '../../../src/access/sign-in/factor/factor-seal.ts';
import { factorStore } from '../../../src/access/sign-in/factor/factor-store.ts';
import { codeAt, keyUri, stepAt, timeOf } from '../../../src/access/sign-in/factor/totp.ts';
import { userCommand } from '../../../src/cli/command/user.ts';
import { codesOf, fromBase32, type OwnFactors, setUpApp } from '../../support/authenticator-app.ts';
import { ran } from '../../support/command.ts';
import { type GuardedApi, guardedApi } from '../../support/guarded-api.ts';
import { softPasskey } from '../../support/soft-passkey.ts';
import { type Visitor, visitor } from '../../support/visitor.ts';

const PASSWORD = 'a long walk by the sea';
const SECOND = '/api/v1/sign-in/second-factor';
const OWN = '/api/v1/me/second-factor';

describe('codes by time', () => {
  const secret = Buffer.from('12345678901234567890');

  test.each([
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_111_111_111, '050471'],
    [1_234_567_890, '005924'],
    [2_000_000_000, '279037'],
    [20_000_000_000, '353130'],
  ])('are those of RFC 6238 at %s s', (seconds, code) => {
    expect(codeAt(secret, stepAt(seconds * 1_000))).toBe(code);
  });

  test('are taken one step early or late; further away it is known by how much the clock is off', () => {
    const now = 1_800_000_000_000;
    const off = (by: number): unknown => timeOf(codeAt(secret, stepAt(now + by)), secret, now)?.off;
    expect([0, 30_000, -30_000].map(off)).toEqual([0, 0, 0]);
    expect([60_000, -60_000, 420_000, -1_800_000].map(off)).toEqual([
      60_000, -60_000, 420_000, -1_800_000,
    ]);
    expect([3_600_000, -7_200_000].map(off)).toEqual([3_600_000, -7_200_000]);
    expect(off(40 * 60_000)).toBeUndefined();
    expect(timeOf('', secret, now)).toBeUndefined();
    expect(timeOf('12345', secret, now)).toBeUndefined();
  });

  test('an app learns the secret, and whose it is, from one text', () => {
    const uri = keyUri(secret, 'anna', 'Waybill tie.example');
    expect(uri).toBe(
      'otpauth://totp/Waybill%20tie.example:anna?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Waybill%20tie.example&algorithm=SHA1&digits=6&period=30',
    );
  });
});

describe('what is sealed', () => {
  const own = Buffer.alloc(32, 1);
  const master = { WAYBILL_MASTER_KEY: 'ab'.repeat(32) };

  test('opens with its key and label alone, and is sealed again once there is a master key', async () => {
    const bare = await factorSeal(own, {});
    const keyed = await factorSeal(own, master);
    const old = bare.seal('totp local anna', 'secret');
    expect(old).not.toContain('secret');
    expect([bare.open('totp local anna', old), bare.open('totp local bert', old)]).toEqual([
      'secret',
      undefined,
    ]);
    expect([keyed.open('totp local anna', old), keyed.isOutdated(old)]).toEqual(['secret', true]);
    const sealed = keyed.seal('totp local anna', 'secret');
    expect(keyed.isOutdated(sealed)).toBe(false);
    expect(bare.open('totp local anna', sealed)).toBeUndefined();
    expect(keyed.open('totp local anna', `${sealed.slice(0, -4)}AAAA`)).toBeUndefined();
    expect(keyed.open('totp local anna', '')).toBeUndefined();
  });

  test('opens with the master key before this one, and is sealed again with this one', async () => {
    const sealed = (await factorSeal(own, master)).seal('totp local anna', 'secret');
    const next = { WAYBILL_MASTER_KEY: 'cd'.repeat(32) };
    const without = await factorSeal(own, next);
    expect(without.open('totp local anna', sealed)).toBeUndefined();
    const rotated = await factorSeal(own, {
      ...next,
      WAYBILL_MASTER_KEY_BEFORE: master.WAYBILL_MASTER_KEY,
    });
    expect([rotated.open('totp local anna', sealed), rotated.isOutdated(sealed)]).toEqual([
      'secret',
      true,
    ]);
    const again = rotated.seal('totp local anna', 'secret');
    expect(without.open('totp local anna', again)).toBe('secret');
  });
});

describe('signing in with a second factor', () => {
  let api: GuardedApi;
  let admin: Visitor;

  beforeAll(async () => {
    api = await guardedApi({
      settings: () => 'secondFactor: { required: [engineer] }\n',
    });
    admin = await known('admin', 'administrator');
  });
  afterAll(() => api[Symbol.asyncDispose]());

  /** A user with that role, signed in. */
  async function known(name: string, role: string): Promise<Visitor> {
    await api.user(name, PASSWORD, { roles: [role] });
    const somebody = visitor(api.url);
    expect((await somebody.signIn(name, PASSWORD)).status).toBe(200);
    return somebody;
  }
  const begun = async (name: string): Promise<Visitor> => {
    const somebody = visitor(api.url);
    const answer = await somebody.ask<{ secondFactor?: { kinds: string[] } }>(
      'POST',
      '/api/v1/sign-in',
      { user: name, password: PASSWORD },
    );
    expect([answer.status, answer.body.secondFactor?.kinds]).toEqual([200, ['totp']]);
    return somebody;
  };
  const use = async (code: string): Promise<number> =>
    (await (await begun('dora')).ask('POST', SECOND, { code })).status;
  const causes = async (name: string): Promise<string[]> =>
    (
      await admin.ask<{ events: { user: string; cause: string }[] }>('GET', '/api/v1/sign-in/trace')
    ).body.events
      .filter(({ user }) => user === name)
      .map(({ cause }) => cause);

  test('an app is set up with the password and its first code; the secret stands nowhere in the database', async () => {
    const anna = await known('anna', 'viewer');
    const start = (password: string) => anna.ask('POST', `${OWN}/totp`, { password });
    expect((await start('not it')).status).toBe(401);
    const elsewhere = visitor(api.url);
    await elsewhere.signIn('anna', PASSWORD);
    const { secret, codes } = await setUpApp(anna, PASSWORD);
    expect(new Set(codes).size).toBe(10);
    expect(codes[0]).toMatch(/^(?:\w{4}-){3}\w{4}$/);
    // the other session has not proved it, this one goes on
    expect([(await elsewhere.me()).status, (await anna.me()).status]).toEqual([401, 200]);
    expect((await anna.ask<OwnFactors>('GET', OWN)).body).toMatchObject({
      allowed: true,
      required: false,
      codesLeft: 10,
      passkeys: [],
      obstacle: expect.stringContaining('127.0.0.1 is an address'),
    });
    await using database = await metaDatabase({ data: api.data });
    const kept = JSON.stringify(await database.all('SELECT * FROM totp, recovery_code'));
    for (const one of [secret.toString('base64'), ...codes]) expect(kept).not.toContain(one);

    const again = await begun('anna');
    expect((await again.me()).status).toBe(401);
    const [code = ''] = codesOf(secret);
    expect(
      (await again.ask('POST', SECOND, { code: `${code.slice(0, 3)} ${code.slice(3)}` })).status,
    ).toBe(200);
    expect((await again.me()).body.name).toBe('anna');
    await using audit = await auditLog({ data: api.data });
    const [row] = await audit.list({ actor: 'anna', action: 'sign-in' });
    expect(JSON.parse(row?.detail ?? '')).toMatchObject({ secondFactor: 'totp' });
    expect(await audit.list({ action: 'second-factor.add' })).toMatchObject([{ actor: 'anna' }]);
    // a device that is lost may still be signed in
    const remove = { password: PASSWORD, which: 'totp' };
    expect((await anna.ask('POST', `${OWN}/remove`, remove)).status).toBe(200);
    expect([(await again.me()).status, (await anna.me()).status]).toEqual([401, 200]);
  });

  test('a code is taken once; one that is right for another time names the clock, and is not taken then', async () => {
    const bert = await known('bert', 'viewer');
    const { secret } = await setUpApp(bert, PASSWORD);
    const now = stepAt(Date.now());
    const [code = ''] = codesOf(secret);
    const first = await begun('bert');
    expect((await first.ask('POST', SECOND, { code })).status).toBe(200);
    const second = await begun('bert');
    const replayed = await second.ask('POST', SECOND, { code });
    expect([replayed.status, replayed.body['detail']]).toEqual([
      401,
      expect.stringContaining('used already'),
    ]);
    const late = await second.ask('POST', SECOND, { code: codeAt(secret, now - 14) });
    expect(late.body['detail']).toMatch(
      /clock of the device .* is about [78] min behind this server/,
    );
    expect(await causes('bert')).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/about [78] min behind/),
        expect.stringMatching(/used already, or older/),
      ]),
    );
    await using database = await metaDatabase({ data: api.data });
    const store = factorStore(database);
    await store.tellStep('local bert', now + 14);
    expect(await store.useStep('local bert', now + 14)).toBe(false);
    expect(await store.useStep('local bert', now + 15)).toBe(true);
  });

  test('tries are limited as those of passwords are, and the right password does not make more of them', async () => {
    const carl = await known('carl', 'viewer');
    const { codes } = await setUpApp(carl, PASSWORD);
    const seen: number[] = [];
    for (let n = 0; n < 4; n += 1) {
      const somebody = await begun('carl');
      seen.push((await somebody.ask('POST', SECOND, { code: 'wrong-code-here-now' })).status);
    }
    expect(seen).toEqual([401, 401, 401, 429]);
    expect((await (await begun('carl')).ask('POST', SECOND, { code: codes[0] })).status).toBe(429);
  });

  test('a recovery code is taken once, and a new set voids the old', async () => {
    const dora = await known('dora', 'viewer');
    const { codes } = await setUpApp(dora, PASSWORD);
    const [one = '', two = ''] = codes;
    expect(await use(one.toLowerCase())).toBe(401);
    expect([await use(one), await use(one)]).toEqual([200, 401]);
    const { body } = await dora.ask<{ codes: string[] }>('POST', `${OWN}/recovery-codes`, {
      password: PASSWORD,
    });
    expect(body.codes).toHaveLength(10);
    expect([await use(body.codes[0] ?? ''), await use(two)]).toEqual([200, 401]);
  });

  test('two tabs that set the first one up at once get one set of recovery codes; the other is told', async () => {
    const nora = await known('nora', 'viewer');
    const begunInTab = async () =>
      (
        await nora.ask<{ secret: string; ticket: string }>('POST', `${OWN}/totp`, {
          password: PASSWORD,
        })
      ).body;
    const tabs = [await begunInTab(), await begunInTab()];
    const confirmed = await Promise.all(
      tabs.map(({ secret, ticket }) =>
        nora.ask<{ codes?: string[]; codesElsewhere?: boolean }>('POST', `${OWN}/totp/confirm`, {
          ticket,
          code: codeAt(fromBase32(secret), stepAt(Date.now())),
        }),
      ),
    );
    expect(confirmed.map(({ status }) => status)).toEqual([200, 200]);
    const [got, told] = confirmed.map(({ body }) => body).toSorted((one) => (one.codes ? -1 : 1));
    expect(told).toEqual({ codesElsewhere: true });
    expect(got?.codes).toHaveLength(10);
    expect((await nora.ask<OwnFactors>('GET', OWN)).body.codesLeft).toBe(10);
    const somebody = await begun('nora');
    expect((await somebody.ask('POST', SECOND, { code: got?.codes?.[0] })).status).toBe(200);
    // one that is begun later is not the first one
    const third = await begunInTab();
    const code = codeAt(fromBase32(third.secret), stepAt(Date.now()));
    const added = await nora.ask('POST', `${OWN}/totp/confirm`, { ticket: third.ticket, code });
    expect([added.status, added.body]).toEqual([200, {}]);
  });

  test('the second step belongs to the browser that typed the password, and ends with a new password', async () => {
    const emil = await known('emil', 'viewer');
    const { secret, codes } = await setUpApp(emil, PASSWORD);
    const [code = ''] = codesOf(secret);
    const nobody = visitor(api.url);
    const refused = await nobody.ask('POST', SECOND, { code });
    expect([refused.status, refused.body['detail']]).toEqual([
      401,
      expect.stringContaining('begin again'),
    ]);
    const begunOne = await begun('emil');
    const forged = visitor(api.url);
    for (const [name, value] of begunOne.cookies)
      forged.cookies.set(name, `${value.slice(0, -3)}AAA`);
    expect((await forged.ask('POST', SECOND, { code })).status).toBe(401);
    await admin.ask('POST', '/api/v1/users/emil/password');
    expect((await begunOne.ask('POST', SECOND, { code: codes[0] })).status).toBe(401);
  });

  test('a password alone gives no tokens either; tokens made before stay as they are', async () => {
    const fred = await known('fred', 'administrator');
    const made = await fred.ask<{ token: string }>('POST', '/api/v1/tokens', {
      label: 'x',
      days: 1,
    });
    const held = { authorization: `Bearer ${made.body.token}` };
    const { codes } = await setUpApp(fred, PASSWORD);
    const program = visitor(api.url);
    const token = (more: object) =>
      program.ask('POST', '/api/v1/auth/token', { user: 'fred', password: PASSWORD, ...more });
    const missing = await token({});
    expect([missing.status, missing.body['code']]).toEqual([401, 'SECOND_FACTOR_REQUIRED']);
    expect((await token({ code: 'nothing-like-a-code' })).status).toBe(401);
    expect((await token({ code: codes[0] })).status).toBe(200);
    expect((await program.ask('GET', '/api/v1/me', undefined, held)).status).toBe(200);
  });

  test('whoever removes one ends every token, and whoever adds one those that began with the password', async () => {
    const ines = await known('ines', 'administrator');
    const made = async (): Promise<string> =>
      (await ines.ask<{ token: string }>('POST', '/api/v1/tokens', { label: 'x', days: 1 })).body
        .token;
    const pair = async (more: object = {}): Promise<string> =>
      (
        await visitor(api.url).ask<{ accessToken: string }>('POST', '/api/v1/auth/token', {
          user: 'ines',
          password: PASSWORD,
          ...more,
        })
      ).body.accessToken;
    const holds = async (token: string): Promise<number> =>
      (
        await visitor(api.url).ask('GET', '/api/v1/me', undefined, {
          authorization: `Bearer ${token}`,
        })
      ).status;
    const [own, before] = [await made(), await pair()];
    const { codes } = await setUpApp(ines, PASSWORD);
    expect([await holds(own), await holds(before)]).toEqual([200, 401]);
    const after = await pair({ code: codes[0] });
    expect(await holds(after)).toBe(200);
    const remove = { password: PASSWORD, which: 'totp' };
    expect((await ines.ask('POST', `${OWN}/remove`, remove)).status).toBe(200);
    expect([await holds(own), await holds(after)]).toEqual([401, 401]);
    // an administrator's reset and the command line do the same
    await setUpApp(ines, PASSWORD);
    const second = await made();
    expect((await admin.ask('DELETE', '/api/v1/users/ines/second-factor')).status).toBe(200);
    expect(await holds(second)).toBe(401);
    await ines.signIn('ines', PASSWORD);
    await setUpApp(ines, PASSWORD);
    const third = await made();
    await ran(userCommand(), ['reset-factor', 'ines', '--data', api.data]);
    expect(await holds(third)).toBe(401);
  });

  test('a passkey with the id of somebody else’s is not added, and not said to be', async () => {
    const [owner, thief] = [await known('olga', 'viewer'), await known('theo', 'viewer')];
    const origin = api.url.replace('127.0.0.1', 'localhost');
    const id = Buffer.alloc(32, 7);
    const add = async (who: Visitor) => {
      const there = visitor(origin);
      for (const [name, value] of who.cookies) there.cookies.set(name, value);
      await there.me();
      const asked = await there.ask<{ ticket: string; options: { challenge: string } }>(
        'POST',
        `${OWN}/passkey`,
        { password: PASSWORD },
      );
      const { ticket, options } = asked.body;
      const response = softPasskey(id, { challenge: options.challenge, origin });
      return there.ask('POST', `${OWN}/passkey/confirm`, { ticket, label: 'key', response });
    };
    expect((await add(owner)).status).toBe(200);
    const stolen = await add(thief);
    expect([stolen.status, stolen.body['code']]).toEqual([409, 'CONFLICT']);
    expect((await thief.ask<OwnFactors>('GET', OWN)).body).toMatchObject({
      passkeys: [],
      codesLeft: 0,
    });
    expect((await owner.ask<OwnFactors>('GET', OWN)).body.passkeys).toHaveLength(1);
    expect((await add(owner)).status).toBe(409);
  });

  test('who needs one sets it up before anything else, and does not remove the last', async () => {
    const gina = await known('gina', 'engineer');
    expect((await gina.me()).body).toMatchObject({ mustAddFactor: true });
    const early = await gina.ask('POST', '/api/v1/deploy', {});
    expect([early.status, early.body['code']]).toEqual([403, 'SECOND_FACTOR_REQUIRED']);
    const program = await visitor(api.url).ask('POST', '/api/v1/auth/token', {
      user: 'gina',
      password: PASSWORD,
    });
    expect([program.status, program.body['code']]).toEqual([403, 'SECOND_FACTOR_REQUIRED']);
    await setUpApp(gina, PASSWORD);
    expect((await gina.me()).body).not.toHaveProperty('mustAddFactor');
    expect((await gina.ask('POST', '/api/v1/deploy', {})).status).toBe(200);
    const remove = (which: string) =>
      gina.ask('POST', `${OWN}/remove`, { password: PASSWORD, which });
    expect((await remove('totp')).status).toBe(409);
    expect((await remove('none')).status).toBe(404);
  });

  test('an administrator resets it, which ends the sessions; so does the command line', async () => {
    const hans = await known('hans', 'engineer');
    await setUpApp(hans, PASSWORD);
    const shown = await admin.ask<{ users: { name: string; secondFactor: string[] }[] }>(
      'GET',
      '/api/v1/users',
    );
    expect(shown.body.users.find(({ name }) => name === 'hans')?.secondFactor).toEqual(['totp']);
    const reset = () => admin.ask('DELETE', '/api/v1/users/hans/second-factor');
    expect((await reset()).status).toBe(200);
    expect((await reset()).status).toBe(404);
    expect((await hans.me()).status).toBe(401);
    expect((await hans.signIn('hans', PASSWORD)).status).toBe(200);
    expect((await hans.me()).body).toMatchObject({ mustAddFactor: true });
    await setUpApp(hans, PASSWORD);
    const { code, errors } = await ran(userCommand(), ['reset-factor', 'hans', '--data', api.data]);
    expect(code, errors).toBe(0);
    expect((await hans.me()).status).toBe(401);
    await using audit = await auditLog({ data: api.data });
    expect(
      await audit.list({ action: 'user.second-factor-reset', object: 'user hans' }),
    ).toMatchObject([
      { via: 'command line', object: 'user hans' },
      { actor: 'admin', object: 'user hans' },
    ]);
    expect((await ran(userCommand(), ['reset-factor', 'hans', '--data', api.data])).code).toBe(1);
  });

  test('the user for emergencies needs none, and another user of a removed one’s name begins without', async () => {
    const iris = await known('iris', 'viewer');
    await setUpApp(iris, PASSWORD);
    expect((await admin.ask('DELETE', '/api/v1/users/iris')).status).toBe(200);
    const other = await known('IRIS', 'viewer');
    expect((await other.ask<OwnFactors>('GET', OWN)).body.codesLeft).toBe(0);
    await api.user('break-glass-1', PASSWORD, { roles: ['engineer'], breakGlass: true });
    const emergency = visitor(api.url);
    await emergency.signIn('break-glass-1', PASSWORD);
    expect((await emergency.me()).body).not.toHaveProperty('mustAddFactor');
  });
});

const wrong = (text: string) => guardedApi({ settings: () => text });

test('what is wrong with the setting is told with its place', async () => {
  await expect(wrong('secondFactor: { required: [admin] }')).rejects.toThrow(
    /secondFactor\.required: there is no role admin/,
  );
  await expect(wrong('secondFactor: { ldap: true }')).rejects.toThrow(
    /secondFactor\.ldap: there is no directory/,
  );
});
