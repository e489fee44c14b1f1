import { readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { builtOnce } from '../../src/build/built-console.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ROOT = join(import.meta.dirname, '../..');

test('what is built from files is built again once one of them changes, by one of those who need it', async () => {
  await using sources = await temporaryFolder('sources');
  const source = join(sources.path, 'source');
  await writeFile(source, 'one');
  const name = `test-${process.pid}`;
  await using _ = {
    [Symbol.asyncDispose]: () =>
      rm(join(ROOT, 'node_modules/.cache', name), { recursive: true, force: true }),
  };
  let built = 0;
  const needed = async (fails = false): Promise<string> => {
    const folder = await builtOnce({
      name,
      sources: [relative(ROOT, source)],
      async into(made) {
        built += 1;
        if (fails) throw new Error('out of order');
        await writeFile(join(made, 'text'), await readFile(source));
      },
    });
    return readFile(join(folder, 'text'), 'utf8');
  };
  await expect(needed(true)).rejects.toThrow('out of order');
  expect(await Promise.all([needed(), needed()])).toEqual(['one', 'one']);
  expect(built).toBe(2);
  await writeFile(source, 'two');
  expect(await needed()).toBe('two');
  await writeFile(source, 'one');
  expect(await needed()).toBe('one');
  expect(built).toBe(3);
});
