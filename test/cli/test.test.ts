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

const BODY = 'MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5\nPID|1||7||Doe^Jane\nPV1|1|I\n';
const withBodies = (cases: string) => ({
  ...FILES,
  'messages/a.hl7': BODY,
  'production.test.yaml': `cases:\n${cases}`,
});
const EXPECTING = (name: string, file: string, message = 'messages/a.hl7'): string =>
  `  - { name: ${name}, message: ${message}, expect: { out: { body: ${file} } } }\n`;

test('every difference from an expected file is shown, as fields', async () => {
  await using folder = await productionFolder({
    ...withBodies(EXPECTING('one', 'expected/out.hl7')),
    'expected/out.hl7': BODY.replace('|A|B|', '|Z|B|')
      .replace('Jane', 'Joan')
      .replace('PV1|1|I\n', ''),
  });
  const { code, output } = await ran(testCommand(), [folder.path]);
  expect(code).toBe(1);
  for (const text of [
    'out, body, MSH-3 (Sending Application)\n      expected  Z\n      actual    A\n',
    'out, body, PID-5.2 (Patient Name / Given Name)\n      expected  Joan\n      actual    Jane\n',
    'out, body, PV1 (Patient Visit)\n      expected  nothing\n      actual    PV1|1|I\n',
  ]) {
    expect(output).toContain(text);
  }
  const json = await ran(testCommand(), [folder.path, '--json']);
  expect(json.output).not.toContain('bodies');
});

test('--update writes expected files, also new ones, with the line ends they had', async () => {
  await using folder = await productionFolder({
    ...withBodies(
      EXPECTING('one', 'expected/new/out.hl7') +
        EXPECTING('other', 'expected/windows.hl7') +
        '  - { name: is another, message: messages/a.hl7, expect: { out: { fields: { MSH-3: Z } } } }\n',
    ),
    'expected/windows.hl7': BODY.replace('Jane', 'Joan').replaceAll('\n', '\r\n'),
  });
  const { code, output } = await ran(testCommand(), [folder.path, '--update']);
  // what a person wrote as fields is not changed
  expect(code).toBe(1);
  expect(output).toContain('1 failed, 2 passed');
  expect(output).toContain(`wrote ${join(folder.path, 'expected/new/out.hl7')}\n`);
  expect(await readFile(join(folder.path, 'expected/new/out.hl7'), 'utf8')).toBe(BODY);
  expect(await readFile(join(folder.path, 'expected/windows.hl7'), 'utf8')).toBe(
    BODY.replaceAll('\n', '\r\n'),
  );
  const again = await ran(testCommand(), [folder.path, '--update']);
  expect(again.output).not.toContain('wrote');
});

test('--update writes nothing where two messages want one file, or outside of the folder', async () => {
  await using folder = await productionFolder({
    ...withBodies(EXPECTING('one', 'out.hl7') + EXPECTING('two', 'out.hl7', 'messages/b.hl7')),
    'messages/b.hl7': BODY.replace('Jane', 'Joan'),
  });
  const both = await ran(testCommand(), [folder.path, '--update']);
  expect(both).toMatchObject({ code: 1, output: '' });
  expect(both.errors).toContain('out.hl7 is expected of messages that differ');
  await expect(readFile(join(folder.path, 'out.hl7'))).rejects.toThrow('ENOENT');

  await using other = await productionFolder(withBodies(EXPECTING('one', '../out.hl7')));
  const outside = await ran(testCommand(), [other.path, '--update']);
  expect(outside).toMatchObject({ code: 1 });
  expect(outside.errors).toContain('../out.hl7 is not the path of a file of the production');
});
