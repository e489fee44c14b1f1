import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { temporaryFolder } from './support/temporary-folder.ts';

const ROOT = join(import.meta.dirname, '..');

const CONFIG = `
import { TRIED_AGAIN, TriedAgain } from '${join(import.meta.dirname, 'tried-again.ts')}';
export default { test: { globals: true, setupFiles: 'setup.mjs', retry: TRIED_AGAIN, reporters: ['default', new TriedAgain()] } };
`;

const SETUP = `
import { beforeAll, beforeEach } from 'vitest';
import { countedOnce } from '${join(import.meta.dirname, 'tried-again.ts')}';
import { begunAgain } from '${join(import.meta.dirname, 'begun-again.ts')}';
beforeAll(({}, file) => begunAgain(file));
beforeEach(({ onTestFailed }) => { onTestFailed(({ task }) => countedOnce(task)); });
`;

const TESTS = `
let tries = 0;
describe('a peer', () => {
  test('comes late', () => { if (++tries < 2) throw new Error('not there yet\\nsecond line'); });
});
let runs = 0;
test('holds for all', () => { if (++runs < 2) throw new Error('Property failed after 3 tests'); });
let asked = 0;
test('is equal', () => { expect(++asked < 2 ? { a: 1, b: 'x' } : {}).toEqual({}); });
describe('a server', () => {
  let starts = 0;
  beforeAll(() => { if (++starts < 2) throw new Error('did not come up'); });
  test('answers', () => { expect(starts).toBe(2); });
});
describe('a property', () => {
  let left = 0;
  let begun = 0;
  afterEach(() => { if (left === 1) throw new Error('something is left'); });
  test('leaves something', () => { if (++left < 2) throw new Error('Property failed after 2 tests'); });
  describe('to begin with', () => {
    beforeAll(() => { if (++begun < 2) throw new Error('Property failed after 1 tests'); });
    test('holds by then', () => undefined);
  });
});
test('never holds', () => { throw new Error('wrong'); });
test('holds', () => undefined);
`;

test('who passes when tried again is named and counts as passed; a property is not tried again', async () => {
  await using folder = await temporaryFolder('tried-again');
  await writeFile(join(folder.path, 'vitest.config.mjs'), CONFIG);
  await writeFile(join(folder.path, 'setup.mjs'), SETUP);
  await writeFile(join(folder.path, 'late.test.mjs'), TESTS);
  const output = await new Promise<string>((resolve) => {
    execFile(
      join(ROOT, 'node_modules/.bin/vitest'),
      ['run', '--root', folder.path],
      { env: { ...process.env, GITHUB_ACTIONS: '' } },
      (_failed, stdout) => resolve(stripVTControlCharacters(stdout)),
    );
  });
  // the line that .ci/run counts by
  expect(output).toMatch(/^ *Tests {2}3 failed \| 4 passed \| 1 skipped \(8\)$/m);
  // with what it takes to mend them
  expect(output.match(/^flaky: .*\n(?: {2}.*\n)*/gm)).toEqual([
    expect.stringMatching(
      /^flaky: late\.test\.mjs > a server, beforeAll: Error: did not come up\n {2}at .*late\.test\.mjs.*:12:/,
    ),
    `flaky: late.test.mjs > a peer > comes late: not there yet
  second line
  at late.test.mjs:4:53
`,
    `flaky: late.test.mjs > is equal: expected { a: 1, b: 'x' } to deeply equal {}
  - Expected
  + Received
  - {}
  + {
  +   "a": 1,
  +   "b": "x",
  + }
  at late.test.mjs:9:70
`,
  ]);
});
