import { mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { compareCommand } from '../../src/cli/command/compare.ts';
import { type Ran, ran } from '../support/command.ts';
import { productionFolder } from '../support/production.ts';

const PRODUCTION = `production: p
services:
  in: { adapter: mllp-in, settings: { listen: 127.0.0.1:2575 }, to: router }
  raw: { adapter: file-in, settings: { folder: in, pattern: ['*'] }, to: file }
processes:
  router:
    rules:
      - { when: 'field("MSH-9.2") == "A01"', send: [{ to: ward, transform: to-ward }, lab] }
      - { otherwise: discard }
operations:
  ward: { adapter: mllp-out, settings: { connect: 127.0.0.1:2576 } }
  lab: { adapter: mllp-out, settings: { connect: 127.0.0.1:2577 } }
  file: { adapter: file-out, settings: { folder: out, name: a } }
transforms: { to-ward: to-ward.yaml }
`;

const adt = (id: string, name: string, sender = 'EPIC', time = '20260101'): string =>
  `MSH|^~\\&|${sender}|M|HUB|M|${time}||ADT^A01|${id}|P|2.5\rPID|1||${id}^^^M||${name}^ANN\r`;

/** The folders `in` (what came) and `old` (what the other engine sent), compared. */
async function compared(
  files: Readonly<Record<string, string | Uint8Array>>,
  ...given: readonly (string | ((folder: string) => Promise<void>))[]
): Promise<Ran> {
  await using folder = await productionFolder({
    'production.yaml': PRODUCTION,
    'to-ward.yaml': 'steps: [{ set: MSH-3, value: WAYBILL }]\n',
  });
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder.path, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
  const flags = given.filter((one) => typeof one === 'string');
  for (const prepare of given) if (typeof prepare !== 'string') await prepare(folder.path);
  const [messages, sent] = [join(folder.path, 'in'), join(folder.path, 'old')];
  return await ran(compareCommand(), [
    folder.path,
    '--messages',
    messages,
    '--sent',
    sent,
    ...flags,
  ]);
}

const TWO = { 'in/in/a.hl7': adt('1', 'MÜLLER'), 'in/in/b.hl7': adt('2', 'BAUM') };

test('the same is the same in any order, encoding, layout, time and number', async () => {
  const { code, output, errors } = await compared({
    ...TWO,
    'old/ward/1.hl7': adt('2', 'BAUM', 'WAYBILL', '20990101'),
    'old/ward/2.hl7': Buffer.from(
      adt('1', 'MÜLLER', 'WAYBILL').replaceAll('\r', '\r\n').replace('^ANN', '^ANN|||'),
      'latin1',
    ),
  });
  expect(errors).toBe('');
  expect(output).toBe(`2 messages
ward: 2 the same, 0 different, 0 missing, 0 more
not compared, since nothing that was sent there is given: lab
1 bodies are no UTF-8 and were read as ISO-8859-1
both send the same
`);
  expect(code).toBe(0);
});

test('differences are told by field, with what is missing, more and doubled', async () => {
  const { code, output } = await compared({
    ...TWO,
    'in/in/c.hl7': adt('3', 'CARL'),
    'in/in/d.hl7': adt('1', 'MÜLLER'),
    'in/in/e.hl7': adt('5', 'EVA').replace('A01', 'A03'),
    'old/ward/all.hl7': [
      adt('1', 'MÜLLER', 'WAYBILL'),
      adt('2', 'BAUM', 'MIRTH'),
      adt('5', 'EVA', 'WAYBILL'),
    ].join(''),
    'in/raw/a.json': '{"id":"4711","name":[{"family":"DOE","given":"JOHN"}]}',
    'old/file/a.json': '{"id":"4711","name":[{"given":"JOHN","family":"ROE"}],"zone":"yes"}',
    'in/raw/c.xml': '<a><id no="4713">1</id><bed>NORTH</bed><room>SOUTH</room></a>',
    'old/file/c.xml': '<a><id no="4713">1</id><room>SOUTH</room><bed>NORTH</bed></a>',
    'in/raw/b.xml': '<a><id no="4712">1</id><ward>WEST 5</ward></a>',
    'old/file/b.xml': '<a>\n  <id no="4712">1</id>\n  <ward>EAST</ward>\n</a>',
  });
  expect(output).toMatch(/^file: 0 the same, 3 different, 0 missing, 0 more$/m);
  // only in another order
  expect(output).toMatch(/^ {2}1 × <(?:room|bed)>, such as .*c\.xml: .*(?:NORTH|SOUTH)/m);
  expect(output).toMatch(
    /^ {2}1 × "family", such as .*a\.json: "family": "ROE" → "family": "DOE"$/m,
  );
  expect(output).toMatch(/^ {2}1 × "zone", such as .*a\.json: "zone": "yes" → nothing$/m);
  expect(output).toMatch(
    /^ {2}1 × <ward>, such as .*b\.xml: <ward>EAST<\/ward> → <ward>WEST 5<\/ward>$/m,
  );
  expect(output).toMatch(/^ward: 1 the same, 1 different, 1 missing, 2 more \(1 doubled\)$/m);
  expect(output).toMatch(
    /^ {2}1 × MSH-3 \(Sending Application\), such as .*all\.hl7: MIRTH → WAYBILL$/m,
  );
  expect(output).toMatch(/they differ\n$/);
  expect(code).toBe(1);
});

test('a message of which only one field differs is found among many', async () => {
  const numbers = Array.from({ length: 120 }, (_, index) => String(index));
  const { output } = await compared({
    'in/in/all.hl7': numbers.map((one) => adt(one, `NAME${one}`)).join(''),
    'old/ward/all.hl7': numbers
      .map((one) => adt(one, one === '7' ? 'OTHER' : `NAME${one}`, 'WAYBILL'))
      .join(''),
  });
  expect(output).toMatch(/^ward: 119 the same, 1 different, 0 missing, 0 more$/m);
  expect(output).toMatch(/1 × PID-5\.1 \(.*: OTHER → NAME7$/m);
});

test('--exact and --ignore say what counts', async () => {
  const files = { 'in/in/a.hl7': adt('1', 'X'), 'old/ward/a.hl7': adt('9', 'X', 'WAYBILL') };
  const same = { ...files, 'old/ward/a.hl7': adt('9', 'X', 'WAYBILL').replace('9^^^M', '1^^^M') };
  expect((await compared(same)).code).toBe(0);
  expect((await compared(same, '--ignore', 'MSH-7')).output).toMatch(/1 × MSH-10/);
  expect((await compared(same, '--exact')).code).toBe(1);
  expect((await compared(files, '--ignore', 'MSH-7,MSH-10,PID-3')).code).toBe(0);
  expect((await compared(files, '--ignore', 'name')).errors).toMatch(/name is no field/);
});

test('a message that fails, and a folder with another name, are told', async () => {
  const failed = await compared({ 'in/in/a.hl7': 'MSH|', 'old/ward/a.hl7': '' });
  expect(failed.output).toMatch(/^1 failed, such as .*a\.hl7: /m);
  expect(failed.code).toBe(1);
  const named = await compared({ ...TWO, 'old/wart/a.hl7': '' });
  expect(named.errors).toMatch(/there is no target wart\. .*ward/);
  expect((await compared({ ...TWO, 'old/a.hl7': '' })).errors).toMatch(/one for each target/);
});

test.each([
  ['the mark of an escape at an end', adt('1', 'X\\.br\\'), adt('1', 'X\\.br')],
  ['a long number of JSON', '{"id":12345678901234567}', '{"id":12345678901234568}'],
])('what differs is not called the same: %s', async (_, came, sent) => {
  const { output } = await compared({ 'in/raw/a': came, 'old/file/a': sent });
  expect(output).toMatch(/^file: 0 the same/m);
});

test('what was recorded of a connection has several messages', async () => {
  const frames = [adt('1', 'X'), adt('2', 'Y')].map((one) => `\u000b${one}\u001c\r`).join('');
  const { output } = await compared({ 'in/raw/a': frames, 'old/file/a': frames });
  expect(output).toMatch(/^2 messages\nfile: 2 the same/);
});

test('JSON that is nested deeply is compared', async () => {
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  const { output, errors } = await compared({ 'in/raw/a': deep, 'old/file/a': deep });
  expect(errors).toBe('');
  expect(output).toMatch(/^file: 1 the same/m);
});

test('links are followed, once; a file that cannot be read is named', async () => {
  await using real = await productionFolder({ 'a.hl7': adt('1', 'X') });
  const given = { 'in/raw/.keep/a': adt('1', 'X'), 'old/file/a': adt('1', 'X') };
  const linked = await compared(given, async (folder) => {
    await symlink(real.path, join(folder, 'in/raw/linked'));
    await symlink('..', join(folder, 'in/raw/linked-to-above'));
    await symlink(join(real.path, 'a.hl7'), join(folder, 'old/file/linked'));
  });
  expect(linked.errors).toBe('');
  expect(linked.output).toMatch(/^2 messages\nfile: 2 the same/);
  const dangling = await compared(given, (folder) => symlink('gone', join(folder, 'in/raw/b')));
  expect(dangling.errors).toMatch(/NOT_FOUND: \S*in\/raw\/b cannot be read: ENOENT/);
  const large = await compared(given, (folder) => truncate(join(folder, 'in/raw/.keep/a'), 3e9));
  expect(large.errors).toMatch(/in\/raw\/\.keep\/a is larger than 256 MB/);
});
