import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { transformCommand } from '../../src/cli/command/transform.ts';
import { ran } from '../support/command.ts';
import { SERVER } from '../support/editor.ts';
import { productionFolder } from '../support/production.ts';

const ADMISSION =
  'MSH|^~\\&|EPIC|MAIN|HUB|HUB|20260101||ADT^A01|1|P|2.5\nPID|1||7^^^MAIN||Müller^Ann\nNK1|1|X\nPV1|1|I|W1\n';
const FILES = {
  'production.yaml': `production: p
services: { in: { adapter: mllp-in, settings: { listen: 127.0.0.1:2575 }, to: router } }
processes:
  router:
    rules:
      - { send: { to: out, transform: [to-ward, header] } }
      - { otherwise: discard }
operations: { out: { adapter: mllp-out, settings: { connect: 127.0.0.1:2576 } } }
transforms: { to-ward: to-ward.yaml, header: header.yaml, rows: rows.yaml, shout: shout.ts }
lookups: { wards: wards.csv }
`,
  'to-ward.yaml': `steps:
  - { remove: NK1 }
  - { set: PV1-3.1, to: 'lookup("wards", field("PV1-3.1"))' }
  - { set: PID-5.1, value: Meyer, when: 'field("PV1-2") == "O"' }
`,
  'header.yaml': 'steps: [{ set: MSH-3, value: WAYBILL }]\n',
  'rows.yaml':
    'split: rows\ntype: application/json\nstart: empty\nsteps: [{ set: /ward, to: field("ward") }]\n',
  'shout.ts': `export default ({ document }) => { document.set('PID-5.1', 'LOUD'); return document; };\n`,
  'wards.csv': 'W1,NORTH\n',
  'a.hl7': ADMISSION,
  'a.json': '{"a":1}',
  'rows.csv': 'ward\nA\nB\n',
};

let folder: Awaited<ReturnType<typeof productionFolder>>;
beforeAll(async () => {
  folder = await productionFolder(FILES);
});
afterAll(() => folder[Symbol.asyncDispose]());

const transform = (...args: readonly string[]) =>
  ran(transformCommand(), [...args, '--production', folder.path]);

test('the new message is printed, each step told, and the difference alone', async () => {
  const message = join(folder.path, 'a.hl7');
  const { code, output, errors } = await transform('to-ward', message, '--steps');
  expect(code).toBe(0);
  expect(output).toBe(
    'MSH|^~\\&|EPIC|MAIN|HUB|HUB|20260101||ADT^A01|1|P|2.5\nPID|1||7^^^MAIN||Müller^Ann\nPV1|1|I|NORTH\n',
  );
  expect(errors).toBe(`step 1 (remove NK1)
    - NK1 (Next of Kin / Associated Parties): NK1|1|X
step 2 (set PV1-3.1)
    ~ PV1-3 (Assigned Patient Location): W1 → NORTH
step 3 (set PID-5.1)
    changes nothing
`);
  const diff = await transform('to-ward,header', message, '--diff');
  expect(diff.output.split('\n')).toEqual([
    '~ MSH-3 (Sending Application): EPIC → WAYBILL',
    '- NK1 (Next of Kin / Associated Parties): NK1|1|X',
    '~ PV1-3 (Assigned Patient Location): W1 → NORTH',
    '',
  ]);
});

test('the message comes from standard input byte for byte, and is written so', async () => {
  const [command, ...args] = SERVER.slice(0, -1);
  const output = join(folder.path, 'made.hl7');
  const words = ['transform', 'header', '--production', folder.path, '--output', output];
  const latin1 = ADMISSION.replace('|2.5\n', '|2.5||||||8859/1\n');
  const child = execFile(command ?? '', [...args, ...words]);
  child.stdin?.end(Buffer.from(latin1, 'latin1'));
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect((await readFile(output)).toString('latin1')).toBe(
    latin1.replaceAll('\n', '\r').replace('EPIC', 'WAYBILL'),
  );
});

test('one that splits makes several, one in code has no steps, and JSON is for programs', async () => {
  const rows = await transform('rows', join(folder.path, 'rows.csv'), '--json', '--steps');
  expect(JSON.parse(rows.output)).toMatchObject({
    messages: [
      { type: 'application/json', part: 1, parts: 2, text: '{"ward":"A"}' },
      { part: 2, text: '{"ward":"B"}' },
    ],
    steps: [{ step: 'step 1 (set /ward)' }, { step: 'step 1 (set /ward)' }],
  });
  const coded = await transform('shout', join(folder.path, 'a.hl7'), '--steps', '--diff');
  expect(coded).toMatchObject({
    code: 0,
    errors: '',
    output: '~ PID-5.1 (Patient Name / Family Name): Müller → LOUD\n',
  });
});

test('what is not there is named, and what fails says the step', async () => {
  const message = join(folder.path, 'a.hl7');
  expect(await transform('to-wrd', message)).toMatchObject({
    code: 1,
    errors: 'NOT_FOUND: there is no transform to-wrd. Did you mean to-ward?\n',
  });
  const missing = await transform('to-ward', join(folder.path, 'none.hl7'));
  expect(missing).toMatchObject({ code: 1, output: '' });
  expect(missing.errors).toContain('NOT_FOUND: the message cannot be read');
  const failed = await transform('to-ward', join(folder.path, 'a.json'));
  expect(failed).toMatchObject({ code: 1, errors: expect.stringContaining('step 1 (remove NK1)') });
});
