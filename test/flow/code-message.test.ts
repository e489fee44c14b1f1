import { expect, test } from 'vitest';
import { documentOf } from '../../src/document/document-of.ts';
import { codeFailed, outputOf } from '../../src/flow/code-message.ts';
import { replyOf } from '../../src/flow/code-reply.ts';
import type { ProcessBody } from '../../src/flow/process-code.ts';

const merge = {
  id: 1,
  sessionId: 1,
  source: 'in',
  target: 'merge',
  created: 0,
  received: 0,
  size: 0,
  type: 'HL7v2:ADT_A40:2.5.1',
  charset: 'ISO-8859-1',
};
const sent = (body: ProcessBody): object => {
  const { type, charset } = outputOf(body, { message: merge });
  return { type, charset };
};
const hl7 = (charset: string): Uint8Array =>
  Buffer.from(
    `MSH|^~\\&|A|B|C|D|20260101||ADT^A08|1|P|2.3||||||${charset}\rPID|1||7||Müller\r`,
    charset === '8859/1' ? 'latin1' : 'utf8',
  );
const document = (bytes: Uint8Array | string, type: string) =>
  documentOf(typeof bytes === 'string' ? Buffer.from(bytes) : bytes, { type });

test('what code sends has the type and charset of what it is, not those of the message that came', () => {
  const update = document(hl7('8859/1'), 'HL7v2:ADT_A08:2.3');
  expect(sent(update)).toEqual({ type: 'HL7v2:ADT_A08:2.3', charset: 'iso-8859-1' });
  expect(sent(hl7('UNICODE UTF-8'))).toMatchObject({ type: 'HL7v2:ADT_A08:2.3' });
  expect(sent({ body: hl7(''), type: 'ADT_A08' })).toMatchObject({ type: 'HL7v2:ADT_A08:2.3' });
  expect(sent(document('{"a":1}', 'application/json'))).toMatchObject({ type: 'application/json' });
  expect(sent(document('<a/>', 'text/xml'))).toMatchObject({ type: 'application/xml' });
  expect(sent({ body: 'Grüße', type: 'text/plain' })).toEqual({
    type: 'text/plain',
    charset: 'utf-8',
  });
});

test('a text that is no HL7 keeps the type of the message, as it always did, but is in UTF-8', () => {
  expect(sent('Grüße')).toEqual({ type: 'HL7v2:ADT_A40:2.5.1', charset: 'utf-8' });
  expect(sent({ body: 'x', type: 'text/plain', charset: 'us-ascii' })).toMatchObject({
    charset: 'us-ascii',
  });
});

test('whatever form an answer has, its body reaches the sender', () => {
  const json = document('{"a":1}', 'application/json');
  const answers = [
    'no such patient',
    { body: '{"error":"away"}', type: 'application/json', code: '504' },
    { body: json, code: 404 },
    json,
    hl7(''),
    { code: 'AE', text: 'refused' },
    undefined,
  ].map((returned) => replyOf('query', returned));
  expect(
    answers.map((reply) => reply && { ...reply, body: Buffer.from(reply.body).toString() }),
  ).toEqual([
    { body: 'no such patient', type: 'text/plain' },
    { body: '{"error":"away"}', type: 'application/json', code: '504' },
    { body: '{"a":1}', type: 'application/json', code: '404' },
    { body: '{"a":1}', type: 'application/json' },
    { body: Buffer.from(hl7('')).toString(), type: 'HL7v2:ADT_A08:2.3' },
    { body: '', type: 'text/plain', code: 'AE', text: 'refused' },
    undefined,
  ]);
});

test('what is no answer fails, instead of an empty one being sent', () => {
  for (const returned of [true, 5, {}, [], { body: 7 }, { status: 'completed' }]) {
    expect(() => replyOf('query', returned as unknown as string)).toThrow(
      /the code of query returned something that is not an answer/,
    );
  }
});

const thrown = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (error) {
    return error;
  }
};

test('what code throws is told by its kind and its place, never by its text', () => {
  expect(
    codeFailed(
      'orders',
      thrown(() => JSON.parse('MUELLER')),
    ).message,
  ).toMatch(/^the code of orders threw SyntaxError at code-message\.test\.ts:\d+:\d+$/);
  // what the engine's own functions throw for code is the code's
  const late = thrown(() => documentOf(undefined as never, { type: 'application/json' }).get('/a'));
  expect(codeFailed('orders', late).message).toMatch(/threw TypeError at code-message\.test\.ts:/);
  expect(codeFailed('orders', 'MUELLER').message).toBe('the code of orders threw UNKNOWN');
  // a text that looks like places in files, and is as long as a body
  const quoting = new Error(`no field in ${'a/'.repeat(50_000)}\nwards/MUELLER:7:12`);
  expect(codeFailed('orders', quoting).message).toMatch(/threw Error at code-message\.test\.ts:/);
});
