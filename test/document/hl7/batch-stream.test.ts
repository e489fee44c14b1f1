import { describe, expect, test } from 'vitest';
import { BatchStream, hl7Batch } from '../../../src/document/index.ts';
import { hl7 } from '../../support/hl7-corpus.ts';
import { random } from '../../support/random.ts';

const MOST = 1_000_000;
const [A, B, C] = ['A', 'B', 'C'].map((id) => `MSH|^~\\&|X||||2026||ADT^A01|${id}|P|2.5`) as [
  string,
  string,
  string,
];

async function* inChunks(body: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size);
}

async function bytesOf(body: Uint8Array | AsyncIterable<Uint8Array>): Promise<Buffer> {
  if (body instanceof Uint8Array) return Buffer.from(body);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function streamed(body: Buffer, size: number, most = MOST) {
  const stream = new BatchStream(inChunks(body, size), most);
  const parts: { text: string; whole: boolean; held: boolean }[] = [];
  for await (const part of stream.parts()) {
    const { whole } = part;
    const held = part.body instanceof Uint8Array;
    parts.push({ text: (await bytesOf(part.body)).toString('latin1'), whole, held });
  }
  return { parts, oddities: stream.oddities() };
}

/** What `hl7Batch` makes of it, in the same form. */
function inMemory(body: Buffer) {
  const { kind, messages, findings } = hl7Batch(body);
  const texts = messages.map((message) => Buffer.from(message).toString('latin1'));
  return {
    parts:
      kind === 'single'
        ? [{ text: body.toString('latin1'), whole: true, held: true }]
        : texts.map((text) => ({ text, whole: false, held: true })),
    oddities: findings.map(({ text }) => text),
  };
}

const BODIES: readonly (readonly [string, Buffer])[] = [
  ['one message', hl7(A, 'PID|1')],
  ['one message without an end', Buffer.from(`${A}\rPID|1`)],
  ['several messages', hl7(A, 'PID|1', B, C)],
  [
    'batches',
    hl7('FHS|^~\\&', 'BHS|^~\\&', A, 'PID|1', B, 'BTS|2', 'BHS|^~\\&', C, 'BTS|1', 'FTS|2'),
  ],
  ['counts that do not agree', hl7('BHS|^~\\&', A, B, 'BTS|3', 'lost')],
  ['LF and blank lines', Buffer.from(`\n\n${A}\nPID|1\n\n\n  ${B}\nPID|2\n`)],
  ['CRLF', Buffer.from(`${A}\r\nPID|1\r\n${B}\r\n`)],
  ['a BOM', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), hl7(A, B)])],
  ['another separator', Buffer.from('MSH#^~\\&#X\rPID#1\rMSH#^~\\&#Y\r')],
  ['lines that only look like it', hl7(A, 'MSHX|1', 'NTE|MSH|', 'MSH', B)],
  ['long lines', hl7(A, `OBX|1|${'MSH|'.repeat(500)}`, B, `NTE|${'x'.repeat(1_000)}`)],
  ['text before the first message', hl7('hello', A, B)],
  ['nothing that is HL7', Buffer.from('hello\rworld\r')],
];

describe.for([1, 2, 3, 7, 64, 100_000])('in chunks of %i bytes', (size) => {
  test.for(BODIES)('%s is taken apart as in memory', async ([, body]) => {
    expect(await streamed(body, size)).toEqual(inMemory(body));
  });
});

test('random bodies in random chunks are taken apart as in memory', async () => {
  const chance = random(7);
  const next = (limit: number): number => chance.below(limit);
  const words = [
    'MSH|',
    A,
    'PID|1',
    'BHS|^~\\&',
    'BTS|1',
    'FHS|',
    'FTS|1',
    '',
    ' ',
    'MSH',
    '\n',
    'x',
  ];
  for (let n = 0; n < 500; n++) {
    const lines = Array.from({ length: 1 + next(12) }, () => words[next(words.length)] ?? '');
    const body = Buffer.from(lines.join(next(4) === 0 ? '\n' : '\r'));
    const expected = inMemory(body);
    const read = await streamed(body, 1 + next(20)).catch((error: { code?: string }) => error.code);
    expect(
      expected.parts.length === 0 ? 'MESSAGE_INVALID' : expected,
      JSON.stringify(String(body)),
    ).toEqual(read);
  }
});

test('no more is read than the message that is asked for', async () => {
  const body = hl7(...Array.from({ length: 500 }, (_, n) => `${A}|${n}|${'x'.repeat(1_000)}`));
  let read = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of inChunks(body, 100)) {
      read += chunk.byteLength;
      yield chunk;
    }
  }
  let delivered = 0;
  for await (const part of new BatchStream(counted(), MOST).parts()) {
    delivered += (await bytesOf(part.body)).length;
    expect(read - delivered).toBeLessThan(1_500);
  }
  expect(delivered).toBe(body.length);
});

test('a single message above the limit goes on as a stream', async () => {
  const body = hl7(A, ...Array.from({ length: 300 }, (_, n) => `OBX|${n}|${'x'.repeat(100)}`));
  const { parts } = await streamed(body, 1_000, 5_000);
  expect(parts).toEqual([{ text: body.toString(), whole: true, held: false }]);
});

test.for([
  ['first', hl7(`${A}|${'x'.repeat(9_000)}`, B)],
  ['last', hl7(B, `${A}|${'x'.repeat(9_000)}`)],
  ['in a batch', hl7('BHS|^~\\&', B, `${A}|${'x'.repeat(9_000)}`, 'BTS|2')],
] as const)(
  'a message above the limit among others (%s) is an error that says so',
  async ([, body]) => {
    await expect(streamed(body, 1_000, 5_000)).rejects.toMatchObject({
      code: 'MESSAGE_TOO_LARGE',
      retryable: false,
      message: expect.stringMatching(/Set batch to whole/),
    });
  },
);
