import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { replacedPackage } from '../../src/time/own-package.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('another version in the place of the program that runs is noticed, and that it is gone', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'package.json');
  const of = { path, version: '1.0.0' };
  await writeFile(path, '{ "version": "1.0.0" }');
  expect(await replacedPackage(of)).toBe(undefined);
  await writeFile(path, '{ "version": "1.1.0" }');
  expect(await replacedPackage(of)).toEqual({ runs: '1.0.0', installed: '1.1.0' });
  await writeFile(path, '{ "versi');
  expect(await replacedPackage(of), 'half written').toBe(undefined);
  await rm(path);
  expect(await replacedPackage(of)).toEqual({ runs: '1.0.0', installed: undefined });
  expect(await replacedPackage()).toBe(undefined);
});
