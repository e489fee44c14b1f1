import { spawnSync } from 'node:child_process';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { FileWatch } from '../../src/cli/watch-files.ts';
import { productionFolder } from '../support/production.ts';

test('every way of saving is seen, also twice, in new folders and elsewhere; other files are not', async () => {
  await using production = await productionFolder({ 'production.yaml': 'production: first\n' });
  await using elsewhere = await productionFolder({ 'table.csv': 'a,b\n' });
  const { path } = production;
  const changed = vi.fn<() => Promise<void>>(() => Promise.resolve());
  const watch = await FileWatch.start({
    folder: path,
    files: () => [join(elsewhere.path, 'table.csv')],
    without: [join(path, 'data')],
    changed,
  });
  await vi.waitFor(() => expect(changed).toHaveBeenCalledOnce());
  const seen = async (save: () => unknown): Promise<void> => {
    const before = changed.mock.calls.length;
    await save();
    await vi.waitFor(() => expect(changed.mock.calls.length).toBeGreaterThan(before), 5_000);
  };
  const file = join(path, 'production.yaml');
  for (let time = 0; time < 2; time++) {
    await seen(() => spawnSync('sed', ['-i', 's/first/second/', file]));
    await seen(async () => {
      await writeFile(`${file}.new`, 'production: modules\n');
      await rename(`${file}.new`, file);
    });
    await seen(() => writeFile(file, 'production: modules\n'));
  }
  await seen(() => production.write({ 'new/folder/rules.yaml': 'rules: []\n' }));
  await seen(() => writeFile(join(path, 'new/folder/rules.yaml'), 'rules: [1]\n'));
  await seen(() => elsewhere.write({ 'table.csv': 'c,d\n' }));
  /** How often it was told once nothing came for a while: of one save it may hear twice. */
  const quiet = async (): Promise<number> => {
    const { length } = changed.mock.calls;
    await new Promise((resolve) => setTimeout(resolve, 600));
    return changed.mock.calls.length === length ? length : quiet();
  };
  const before = await quiet();
  await production.write({ 'message.hl7': 'MSH' });
  expect(await quiet()).toBe(before);
  await watch.close();
});
