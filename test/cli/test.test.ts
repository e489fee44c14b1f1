import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { testCommand } from '../../src/cli/command/check.ts';
import { ran } from '../support/command.ts';
import { productionFolder } from '../support/production.ts';

const FILES = {
  'production.yaml': `production: p
services: { in: { adapter: mllp-in, settings: { listen: 127.0.0.1:2575 }, to: out } }
operations: { out: { adapter: mllp-out, settings: { connect: 127.0.0.1:2576 } } }
`,
  'production.test.yaml': `cases:
  - { name: goes out, text: "MSH|^~\\\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5", expect: { out: 1 } }
  - { name: is another, text: "MSH|^~\\\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5", expect: { out: { fields: { MSH-3: Z } } } }
`,
};

test('cases are shown with what was not as expected; the exit code tells, and JUnit XML is written', async () => {
  await using folder = await productionFolder(FILES);
  const { code, output } = await ran(testCommand(), [
    folder.path,
    '--junit',
    join(folder.path, 'report.xml'),
  ]);
  expect(code).toBe(1);
  expect(output).toMatch(
    /^✓ goes out\n✗ is another\n {4}production\.test\.yaml:3\n {4}out, MSH-3\n {6}expected {2}Z\n {6}actual {4}A\n {6}in {8}MSH\|.*\n1 failed, 1 passed in \d+ ms\n$/,
  );
  const xml = await readFile(join(folder.path, 'report.xml'), 'utf8');
  expect(xml).toContain('<testsuite name="p" tests="2" failures="1"');
});

test('a part of the cases can be chosen, and the report is JSON for programs', async () => {
  await using folder = await productionFolder(FILES);
  const { code, output } = await ran(testCommand(), [folder.path, '--only', 'goes', '--json']);
  expect(code).toBe(0);
  expect(JSON.parse(output)).toMatchObject({
    production: 'p',
    passed: 1,
    failed: 0,
    cases: [{ name: 'goes out', failures: [] }],
  });
});
