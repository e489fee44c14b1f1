import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { killedPickup } from '../../support/killed-pickup.ts';
import { KILLS, killedAgainAndAgain } from '../../support/killed-service.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const COUNT = 200;
const ORDER = { adapter: 'file-in', credentials: {} };

test('a process that is killed again and again loses no file, keeps their order, and repeats at most one message a kill', async () => {
  await using home = await temporaryFolder('file-killed');
  const order = { ...ORDER, settings: {}, base: home.path };
  const { came, delivered, archived } = await killedPickup(home.path, order, 11);
  expect(delivered).toEqual(came.contents);
  expect(archived).toEqual(came.files);
});

test('in the middle of a large file of many messages as well', async () => {
  await using home = await temporaryFolder('file-killed');
  const inbox = join(home.path, 'in');
  const archive = join(home.path, 'done');
  for (const path of [inbox, archive]) await mkdir(path);
  const expected = Array.from({ length: COUNT }, (_, n) => `M${String(n).padStart(4, '0')}`);
  const note = 'x'.repeat(10_000);
  const messages = expected.map(
    (id) => `MSH|^~\\&|A|B|C|D|2026||ADT^A01|${id}|P|2.5\rNTE|1||${note}\r`,
  );
  const batch = `BHS|^~\\&\r${messages.join('')}BTS|${COUNT}\r`;
  await writeFile(join(home.path, 'all.hl7'), batch);
  await rename(join(home.path, 'all.hl7'), join(inbox, 'all.hl7'));
  const settings = { folder: inbox, archive, every: '5ms', stable: '0s' };
  await killedAgainAndAgain(
    { ...ORDER, settings },
    { seed: 12, kills: KILLS, expected, left: () => readdir(inbox) },
  );
  expect(await readFile(join(archive, 'all.hl7'), 'utf8')).toBe(batch);
});
