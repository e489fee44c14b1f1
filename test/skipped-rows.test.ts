import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { problemRows } from './skipped-rows.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const ROOT = join(import.meta.dirname, '..');
const NAMED = 'test/adapters/http/peers.test.ts';

const CONFIG = `
import { SkippedRows } from '${join(import.meta.dirname, 'skipped-rows.ts')}';
export default { test: { globals: true, include: ['test/**/*.ts'], reporters: [new SkippedRows()] } };
`;

async function run(environment: Record<string, string>): Promise<{ code: unknown; said: string }> {
  await using folder = await temporaryFolder('skipped-rows');
  await writeFile(join(folder.path, 'vitest.config.mjs'), CONFIG);
  for (const file of [NAMED, 'test/not-in-the-table.test.ts']) {
    await mkdir(join(folder.path, dirname(file)), { recursive: true });
    const tests = `test('runs', () => undefined); test.skipIf(true)('needs a server', () => undefined);`;
    await writeFile(join(folder.path, file), tests);
  }
  const { WAYBILL_ALL_SERVERS: _, ...rest } = process.env;
  const ran = new Promise<{ code: unknown; said: string }>((resolve) => {
    execFile(
      join(ROOT, 'node_modules/.bin/vitest'),
      ['run', '--root', folder.path],
      { env: { ...rest, ...environment } },
      (failed, stdout) =>
        resolve({ code: failed?.code ?? 0, said: stripVTControlCharacters(stdout) }),
    );
  });
  return await ran;
}

test('a skipped test of the table is named, and fails the run where all servers are installed', async () => {
  const here = await run({});
  expect(here).toEqual({ code: 0, said: `skipped: ${NAMED} > needs a server\n` });
  expect(await run({ WAYBILL_ALL_SERVERS: '1' })).toEqual({ code: 1, said: here.said });
});

test('rows are read with their numbers and files', () => {
  const page =
    '## Common problems\n\n| # | a | b | test |\n|---|\n| 3 | a `x` | b | `one.test.ts`, `b/two.test.ts` |\n';
  expect(problemRows(page)).toEqual([{ number: 3, files: ['one.test.ts', 'b/two.test.ts'] }]);
});
