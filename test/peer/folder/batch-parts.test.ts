import { expect, test } from 'vitest';
import type { NewMessage } from '../../../src/adapter/index.ts';
import { messagesIn } from '../../../src/peer/folder/file-messages.ts';

const adt = (id: string, type = 'ADT^A01'): string =>
  `MSH|^~\\&|A|B|C|D|2026||${type}|${id}|P|2.5\rPID|1\r`;

const file = (text: string, type = 'HL7v2'): NewMessage => ({
  body: Buffer.from(text),
  type,
  name: 'lab.hl7',
  dedupeKey: 'lab.hl7 10 99',
});

async function parts(
  message: NewMessage,
): Promise<{ all: NewMessage[]; oddities: readonly string[] }> {
  const found = messagesIn(message);
  const all: NewMessage[] = [];
  for await (const { message: one } of found.messages) all.push(one);
  return { all, oddities: found.oddities() };
}

const textOf = ({ body }: NewMessage): string => Buffer.from(body as Uint8Array).toString();

test('a batch becomes its messages, each with its own type and a key of its own', async () => {
  const messages = [adt('1'), adt('2', 'ORU^R01')];
  const { all, oddities } = await parts(
    file(`FHS|^~\\&\rBHS|^~\\&\r${messages.join('')}BTS|3\rFTS|1\r`),
  );
  expect(all.map(textOf)).toEqual(messages);
  expect(all).toMatchObject([
    { type: 'HL7v2:ADT_A01:2.5', dedupeKey: 'lab.hl7 10 99 1', name: 'lab.hl7' },
    { type: 'HL7v2:ORU_R01:2.5', dedupeKey: 'lab.hl7 10 99 2', name: 'lab.hl7' },
  ]);
  expect(oddities).toEqual(['BTS-1 is 3, found 2.']);
});

test('messages one after the other without an envelope are taken apart too', async () => {
  const { all } = await parts(file(adt('1') + adt('2')));
  expect(all.map(textOf)).toEqual([adt('1'), adt('2')]);
});

test('one message stays as it is, also from a stream', async () => {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(adt('1').slice(0, 20));
    yield Buffer.from(adt('1').slice(20));
  }
  const { all } = await parts({ ...file(''), body: chunks() });
  expect(all.map(textOf)).toEqual([adt('1')]);
  expect(all[0]?.dedupeKey).toBe('lab.hl7 10 99');
});

test('several messages of a stream are taken apart as those in memory', async () => {
  const text = `BHS|^~\\&\r${adt('1')}${adt('2', 'ORU^R01')}BTS|3\r`;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < text.length; at += 7) yield Buffer.from(text.slice(at, at + 7));
  }
  expect(await parts({ ...file(''), body: chunks() })).toEqual(await parts(file(text)));
});

test('what is not HL7 is not read', async () => {
  const csv = file('MSH|a\rMSH|b\r', 'text/csv');
  expect((await parts(csv)).all).toEqual([csv]);
});
