import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

test('each of the 28 problems stands on the page, with tests that are there', async () => {
  const page = await readFile(join(root, 'docs/sign-in.md'), 'utf8');
  const rows = page.matchAll(/^\| (\d+) \| .* \| ([^|]+) \|$/gm).toArray();
  expect(rows.map(([, number]) => Number(number))).toEqual(
    Array.from({ length: 28 }, (_, index) => index + 1),
  );
  for (const [, , cell = ''] of rows) {
    for (const [, path = ''] of cell.matchAll(/`([^`]+)`/g)) await access(join(root, 'test', path));
  }
});
