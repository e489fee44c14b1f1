import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FORMAT_PAGE, formatPage, formatSchemas } from '../../src/build/reference-pages.ts';
import { blocksIn, fillReference } from '../../src/definition/reference.ts';
import { stepKinds } from '../../src/transform/read-steps.ts';

const ROOT = join(import.meta.dirname, '../..');
const PAGE = join(ROOT, FORMAT_PAGE);
const page = await readFile(PAGE, 'utf8');

test('the tables of the reference page are those of the declarations', async () => {
  // `npm run build` writes the page; so does `vitest run -u` for this test.
  await expect(formatPage(ROOT)).toMatchFileSnapshot(PAGE);
});

test.for(Object.keys(formatSchemas) as (keyof typeof formatSchemas)[])(
  'the reference page leaves out no block of keys of the %s schema',
  (name) => {
    for (const path of new Set(blocksIn(formatSchemas[name]))) {
      const marked = `<!-- keys of ${name}: ${path} -->\n<!-- end of keys -->`;
      const table = fillReference(marked, formatSchemas).split('\n').slice(1, -1).join('\n');
      expect(page.includes(table), path).toBe(true);
    }
  },
);

test('the reference page shows every step of a transform with every key', () => {
  for (const { keys } of stepKinds) {
    for (const key of keys) expect(page).toMatch(new RegExp(`[{\`( ]${key}\\b`));
  }
});

test('a marker for a block that does not exist is an error', () => {
  const marked = '<!-- keys of production: hosts.* -->\n<!-- end of keys -->';
  expect(() => fillReference(marked, formatSchemas)).toThrow(
    'production: hosts.*, which does not exist',
  );
});
