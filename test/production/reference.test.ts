import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { adapters } from '../../adapters/index.ts';
import { productionForm } from '../../src/production/grammar/production-form.ts';
import { blocksIn, fillReference } from '../../src/production/reference.ts';
import { testSchema, transformSchema } from '../../src/production/schema.ts';
import { stepKinds } from '../../src/transform/read-steps.ts';

const PAGE = join(import.meta.dirname, '../../docs/production-format.md');
const SCHEMAS = {
  production: productionForm.schema(),
  transform: transformSchema(),
  test: testSchema(),
};
const page = await readFile(PAGE, 'utf8');

test('the tables of the reference page are those of the declarations', async () => {
  // `npm run build` writes the page; so does `vitest run -u` for this test.
  await expect(fillReference(page, SCHEMAS)).toMatchFileSnapshot(PAGE);
});

test.for(Object.keys(SCHEMAS) as (keyof typeof SCHEMAS)[])(
  'the reference page leaves out no block of keys of the %s schema',
  (name) => {
    for (const path of new Set(blocksIn(SCHEMAS[name]))) {
      const marked = `<!-- keys of ${name}: ${path} -->\n<!-- end of keys -->`;
      const table = fillReference(marked, SCHEMAS).split('\n').slice(1, -1).join('\n');
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
  expect(() => fillReference(marked, SCHEMAS)).toThrow('production: hosts.*, which does not exist');
});

test('every adapter has a page of its own to refer to', async () => {
  for (const { type } of adapters) {
    await expect(readFile(join(PAGE, `../adapters/${type}.md`), 'utf8')).resolves.toContain(type);
  }
});
