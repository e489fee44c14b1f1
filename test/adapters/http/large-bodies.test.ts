import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { type Called, type Service, service } from './calling.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const HL7_TYPE = { 'content-type': 'application/hl7-v2' };
const KEY = { lab: { kind: 'bearer', token: async () => 'shared' } } as const;

const json = (size: number): Buffer => Buffer.from(JSON.stringify({ mrn: '1'.repeat(size) }));

function hl7(size: number): Buffer {
  const head = 'MSH|^~\\&|A|B|C|D|20260101||ORU^R01^ORU_R01|ID-9|P|2.5.1\rPID|1||4711\r';
  return Buffer.from(`${head}OBX|1|ED|PDF||^^^Base64^${'A'.repeat(size)}\r`);
}

/** Sent in pieces, without a length. */
async function* pieces(body: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < body.length; at += 65_536) yield body.subarray(at, at + 65_536);
}

/** The same body once with its length and once in pieces. */
async function bothWays(
  one: Service,
  body: Buffer,
  headers: Readonly<Record<string, string>>,
): Promise<Called[]> {
  return [
    await one.call('/x', { headers, body }),
    await one.call('/x', { headers, body: pieces(body) as never }),
  ];
}

async function* oversized(): AsyncGenerator<Buffer> {
  const block = Buffer.alloc(1_048_576);
  for (let n = 0; n < 66; n++) yield block;
}

const statuses = (answers: readonly Called[]): number[] => answers.map(({ status }) => status);

test.for([30, 3_000_000])(
  'a signed body of %i bytes is checked and delivered whole',
  async (size) => {
    await using one = await service(
      { callers: { kind: 'hmac', credentials: ['lab'] } },
      { credentials: KEY },
    );
    const body = json(size);
    const signature = createHmac('sha256', 'shared').update(body).digest('hex');
    const signed = { ...JSON_TYPE, 'x-hub-signature-256': signature };
    expect(statuses(await bothWays(one, body, signed))).toEqual([202, 202]);
    expect(one.opened.delivered.map((message) => message.body.equals(body))).toEqual([true, true]);
    const other = { ...signed, 'x-hub-signature-256': signature.replaceAll(/[0-9]/g, '0') };
    expect(statuses(await bothWays(one, body, other))).toEqual([401, 401]);
  },
);

test.for([30, 3_000_000])(
  'a body of %i bytes that satisfies the schema is delivered whole',
  async (size) => {
    await using folder = await temporaryFolder('schema');
    await writeFile(join(folder.path, 'order.json'), '{"type":"object","required":["mrn"]}');
    await using one = await service({ schema: 'order.json' }, { folder: folder.path });
    const body = json(size);
    expect(statuses(await bothWays(one, body, JSON_TYPE))).toEqual([202, 202]);
    expect(one.opened.delivered.map((message) => message.body.equals(body))).toEqual([true, true]);
    expect(statuses(await bothWays(one, Buffer.from('{}'), JSON_TYPE))).toEqual([422, 422]);
  },
);

test.for([30, 3_000_000])('HL7 of %i bytes keeps its type and its control id', async (size) => {
  await using one = await service();
  const body = hl7(size);
  expect(statuses(await bothWays(one, body, HL7_TYPE))).toEqual([202, 202]);
  expect(
    one.opened.delivered.map((message) => [
      message.type,
      message.dedupeKey,
      message.body.equals(body),
    ]),
  ).toEqual([
    ['HL7v2:ORU_R01:2.5.1', 'ID-9', true],
    ['HL7v2:ORU_R01:2.5.1', 'ID-9', true],
  ]);
});

test('an empty body that comes in pieces is delivered as the document of its request', async () => {
  await using one = await service();
  const socket = connect(Number(new URL(one.url).port), '127.0.0.1');
  socket.end(
    'POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n',
  );
  const [first] = (await once(socket, 'data')) as [Buffer];
  expect(String(first)).toMatch(/^HTTP\/1.1 202/);
  expect(JSON.parse(String(one.opened.delivered[0]?.body))).toEqual({
    method: 'POST',
    path: '/x',
    parameters: { '*': 'x' },
    query: {},
    headers: {},
  });
});

test('a body that is checked as a whole and has more than 64 MB is refused', async () => {
  await using one = await service(
    { callers: { kind: 'hmac', credentials: ['lab'] }, limit: '1GB' },
    { credentials: KEY },
  );
  const signed = { ...JSON_TYPE, 'x-hub-signature-256': '0'.repeat(64) };
  const answer = await one.call('/x', { headers: signed, body: oversized() as never });
  expect(answer).toMatchObject({ status: 413, body: expect.stringContaining('64 MB') });
});
