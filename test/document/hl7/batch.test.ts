import { expect, test } from 'vitest';
import { hl7Batch } from '../../../src/document/index.ts';
import { hl7 } from '../../support/hl7-corpus.ts';
import { processorTime } from '../../support/processor-time.ts';

const [A, B, C] = ['A', 'B', 'C'].map((id) => `MSH|^~\\&|X||||2026||ADT^A01|${id}|P|2.5`) as [
  string,
  string,
  string,
];

function read(body: Buffer): [kind: string, messages: string[], findings: string[]] {
  const { kind, messages, findings } = hl7Batch(body);
  const texts = messages.map((message) => Buffer.from(message).toString());
  return [kind, texts, findings.map(({ text }) => text)];
}

test('one message is a single one', () => {
  const body = hl7(A, 'PID|1');
  expect(read(body)).toEqual(['single', [body.toString()], []]);
});

test('a file of batches is taken apart into its messages', () => {
  const body = hl7(
    'FHS|^~\\&',
    'BHS|^~\\&',
    A,
    'PID|1',
    B,
    'BTS|2',
    'BHS|^~\\&',
    C,
    'BTS|1',
    'FTS|2',
  );
  expect(read(body)).toEqual(['batch', [`${A}\rPID|1\r`, `${B}\r`, `${C}\r`], []]);
});

test('messages share the memory of their file', () => {
  const body = hl7('BHS|^~\\&', A, 'BTS|1');
  expect(hl7Batch(body).messages[0]?.buffer).toBe(body.buffer);
});

test.for([
  ['a wrong number of messages', ['BHS|^~\\&', A, B, 'BTS|3'], ['BTS-1 is 3, found 2.']],
  [
    'a wrong number of batches',
    ['FHS|^~\\&', 'BHS|^~\\&', A, 'BTS|1', 'FTS|9'],
    ['FTS-1 is 9, found 1.'],
  ],
  ['a batch without end', ['BHS|^~\\&', A], ['BHS without BTS.']],
  ['a file without end', ['FHS|^~\\&', 'BHS|^~\\&', A, 'BTS'], ['FHS without FTS.']],
  ['two batches without end', ['BHS|^~\\&', A, 'BHS|^~\\&', B, 'BTS|1'], ['BHS without BTS.']],
  ['a line between messages', ['BHS|^~\\&', A, 'BTS|1', 'lost'], ['Line 4 is outside a message.']],
  ['a batch without head', [A, B, 'BTS|2'], []],
  ['a count that is no number', ['BHS|^~\\&', A, 'BTS|many'], []],
] as const)('%s is said', ([, segments, findings]) => {
  expect(read(hl7(...segments))[2]).toEqual(findings);
});

test('a count that does not agree has its place and code', () => {
  expect(hl7Batch(hl7('BHS|^~\\&', A, 'BTS|3')).findings).toEqual([
    {
      severity: 'warning',
      code: '102',
      text: 'BTS-1 is 3, found 1.',
      segment: 'BTS',
      segmentIndex: 1,
      field: 1,
    },
  ]);
});

test('several messages without an envelope are told from a batch', () => {
  expect(read(hl7(A, 'PID|1', B))).toEqual(['several', [`${A}\rPID|1\r`, `${B}\r`], []]);
});

test.for(['\n', '\r\n', '\r\r\n'])('lines that end with %j are taken apart', (lineEnd) => {
  const body = Buffer.from(
    `\uFEFF${['BHS|^~\\&', A, 'PID|1', B, 'BTS|2'].join(lineEnd)}${lineEnd}`,
  );
  const [kind, messages, findings] = read(body);
  expect(kind).toBe('batch');
  expect(messages).toEqual([`${A}${lineEnd}PID|1${lineEnd}`, `${B}${lineEnd}`]);
  expect(findings).toEqual([]);
});

test('MSH behind a line feed inside a value starts no message', () => {
  expect(read(hl7(A, 'OBX|1|TX|||x\nMSH|y', 'PID|1'))[0]).toBe('single');
});

test('other delimiters are respected and no message at all is empty', () => {
  const body = Buffer.from('BHS$%*!?$A\rMSH$%*!?$B\rBTS$2\r');
  expect(read(body)).toEqual(['batch', ['MSH$%*!?$B\r'], ['BTS-1 is 2, found 1.']]);
  expect(read(Buffer.from('junk'))).toEqual(['single', [], ['Line 1 is outside a message.']]);
  expect(read(Buffer.alloc(0))).toEqual(['single', [], []]);
});

test('a hundred thousand messages are taken apart in linear time', () => {
  const body = Buffer.from(`BHS|^~\\&\r${`${A}\rPID|1\r`.repeat(100_000)}BTS|100000\r`);
  const start = processorTime();
  const { messages, findings } = hl7Batch(body);
  expect(processorTime() - start).toBeLessThan(3000);
  expect(messages).toHaveLength(100_000);
  expect(findings).toEqual([]);
});
