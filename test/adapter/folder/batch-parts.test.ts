import { expect, test } from 'vitest';
import { batchParts } from '../../../src/adapter/folder/batch-parts.ts';
import type { NewMessage } from '../../../src/adapter/index.ts';

const adt = (id: string, type = 'ADT^A01'): string =>
  `MSH|^~\\&|A|B|C|D|2026||${type}|${id}|P|2.5\rPID|1\r`;

const file = (text: string, type = 'HL7v2'): NewMessage => ({
  body: Buffer.from(text),
  type,
  name: 'lab.hl7',
  dedupeKey: 'lab.hl7 10 99',
});

const textOf = ({ body }: NewMessage): string => Buffer.from(body as Uint8Array).toString();

test('a batch becomes its messages, each with its own type and a key of its own', async () => {
  const messages = [adt('1'), adt('2', 'ORU^R01')];
  const { messages: parts, oddities } = await batchParts(
    file(`FHS|^~\\&\rBHS|^~\\&\r${messages.join('')}BTS|3\rFTS|1\r`),
  );
  expect(parts.map(textOf)).toEqual(messages);
  expect(parts).toMatchObject([
    { type: 'HL7v2:ADT_A01:2.5', dedupeKey: 'lab.hl7 10 99 1', name: 'lab.hl7' },
    { type: 'HL7v2:ORU_R01:2.5', dedupeKey: 'lab.hl7 10 99 2', name: 'lab.hl7' },
  ]);
  expect(oddities).toEqual(['BTS-1 is 3, found 2.']);
});

test('messages one after the other without an envelope are taken apart too', async () => {
  const { messages: parts } = await batchParts(file(adt('1') + adt('2')));
  expect(parts.map(textOf)).toEqual([adt('1'), adt('2')]);
});

test('one message stays as it is, also from a stream', async () => {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(adt('1').slice(0, 20));
    yield Buffer.from(adt('1').slice(20));
  }
  const { messages: parts } = await batchParts({ ...file(''), body: chunks() });
  expect(parts.map(textOf)).toEqual([adt('1')]);
  expect(parts[0]?.dedupeKey).toBe('lab.hl7 10 99');
});

test('what is not HL7 is not read', async () => {
  const csv = file('MSH|a\rMSH|b\r', 'text/csv');
  expect((await batchParts(csv)).messages).toEqual([csv]);
});
