import { expect, test } from 'vitest';
import type { MetaDatabase } from '../../../src/access/meta/meta-database.ts';
import { metaDatabase } from '../../../src/access/meta/open-meta.ts';
import { refusedSignIns } from '../../../src/access/sign-in/refused-sign-ins.ts';
import { guardedApi } from '../../support/guarded-api.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { visitor } from '../../support/visitor.ts';

const MINUTE = 60_000;
const DAY = 24 * 3_600_000;
const refusal = (name: string, ip: string) => ({
  name,
  via: 'local',
  ip,
  cause: 'the password is wrong',
});
const rowsOf = async (database: MetaDatabase): Promise<number> =>
  (await database.all('SELECT 1 FROM refused_sign_in')).length;

test('a flood of refused sign-ins is a bounded number of rows with their counts, and they end with their age', async () => {
  await using folder = await temporaryFolder('refused');
  await using database = await metaDatabase({ data: folder.path });
  let at = Date.UTC(2026, 5, 1);
  const refused = refusedSignIns(database, () => at);
  let audited = 0;
  for (let n = 0; n < 300; n++) {
    if (await refused.add(refusal('anna', `192.0.2.${n % 250}`))) audited += 1;
  }
  for (let n = 0; n < 40; n++) await refused.add(refusal('anna', '192.0.2.1'));
  expect(await rowsOf(database)).toBe(101);
  expect(audited).toBeLessThanOrEqual(60);
  const [most] = await refused.list(1);
  expect(most).toMatchObject({ name: 'others', ip: 'others', count: 150 });
  const one = (await refused.list(200)).find(({ ip }) => ip === '192.0.2.1');
  expect(one).toEqual({ ...refusal('anna', '192.0.2.1'), minute: at, count: 42 });

  // what goes on is news again after an hour
  at += 61 * MINUTE;
  expect(await refused.add(refusal('anna', '192.0.2.1'))).toBe(true);
  expect(await refused.add(refusal('anna', '192.0.2.1'))).toBe(false);
  at += 91 * DAY;
  await refused.add(refusal('bob', '192.0.2.9'));
  expect(await rowsOf(database)).toBe(1);
});

test('refusals are counted for an administrator, told in the audit log once, and logged once a minute', async () => {
  await using api = await guardedApi();
  await api.user('root', 'a long walk by the sea', { roles: ['administrator'] });
  const stranger = visitor(api.url);
  for (let n = 0; n < 2; n++) await stranger.signIn('root', 'guessed');
  for (let n = 0; n < 20; n++) {
    await stranger.ask('GET', '/api/v1/me', undefined, { authorization: 'Bearer wb_guessed' });
  }
  const logged = api.log.join('').match(/"event":"sign-in-refused"/g) ?? [];
  expect(logged.length).toBeLessThanOrEqual(2);
  const root = visitor(api.url);
  expect((await root.signIn('root', 'a long walk by the sea')).status).toBe(200);
  const { body } = await root.ask<{ rows: { count: number }[] }>('GET', '/api/v1/sign-in/refused');
  expect(body.rows.map((row) => ({ ...row, minute: 0, ip: '' }))).toEqual([
    { name: 'root', via: 'local', ip: '', cause: 'the password is wrong', count: 2, minute: 0 },
  ]);
  const audit = await root.ask<{ rows: { outcome: string }[] }>(
    'GET',
    '/api/v1/audit?action=sign-in',
  );
  expect(audit.body.rows.filter(({ outcome }) => outcome === 'refused')).toHaveLength(1);
});
