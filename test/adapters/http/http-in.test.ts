import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import httpIn from '../../../adapters/http/http-in.ts';
import { freePort } from '../../../sandbox/free-port.ts';
import { openInbound } from '../../support/open-adapter.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { call, service } from './calling.ts';

test('a message is answered with 202 and its id, and says where it came from', async () => {
  await using one = await service({
    path: '/orders/{ward}',
    name: '{parameter.ward} {header.x-file}',
  });
  const answer = await one.call('/orders/4%20west', {
    headers: { 'content-type': 'application/json; charset=utf-8', 'x-file': 'a.json' },
    body: '{"a":1}',
  });
  expect(answer).toMatchObject({ status: 202, headers: { 'x-message-id': '1' } });
  expect(JSON.parse(answer.body)).toEqual({ id: 1, session: 1, status: 'stored' });
  expect(one.opened.delivered).toMatchObject([
    { type: 'application/json', charset: 'utf-8', name: '4 west a.json', origin: '127.0.0.1' },
  ]);
});

test('numbers of JSON stay as they are written where the request is delivered; a receipt may be empty', async () => {
  await using one = await service({ deliver: 'request', storedStatus: 200, receipt: 'none' });
  const body = '{"order":12345678901234567890,"dose":1.50}';
  const answer = await one.call('/x', { headers: { 'content-type': 'application/json' }, body });
  expect(answer).toMatchObject({ status: 200, body: '', headers: { 'x-message-id': '1' } });
  expect(answer.headers).not.toHaveProperty('content-type');
  const [message] = one.opened.delivered;
  expect(Buffer.from(message?.body as Uint8Array).toString()).toContain(`"body":${body}`);
});

test('HL7 is known by its first segment, and its control id tells a repetition', async () => {
  await using one = await service();
  const body = 'MSH|^~\\&|A|B|C|D|20260101||ADT^A01^ADT_A01|ID-7|P|2.5.1\r';
  await one.call('/x', { headers: { 'content-type': 'application/hl7-v2' }, body });
  expect(one.opened.delivered).toMatchObject([{ type: 'HL7v2:ADT_A01:2.5.1', dedupeKey: 'ID-7' }]);
});

const ADT = 'MSH|^~\\&|A|B|C|D|20260101||ADT^A01^ADT_A01|ID-7|P|2.5.1\r';
const HL7 = { 'content-type': 'application/hl7-v2' };

test.for([
  { what: 'HL7', headers: HL7 },
  { what: 'HL7 without a type', headers: {} },
  { what: 'HL7 as text', headers: { 'content-type': 'text/plain', accept: '*/*' } },
  { what: 'HL7 delivered as its request', headers: HL7, given: { deliver: 'request' } },
])('$what is acknowledged in HL7 once it is stored', async ({ headers, given }) => {
  await using one = await service({ ...given });
  const answer = await one.call('/x', { headers, body: ADT });
  expect(answer).toMatchObject({
    status: 202,
    headers: { 'content-type': 'application/hl7-v2', 'x-message-id': '1' },
  });
  expect(answer.body).toMatch(/^MSH\|\^~\\&\|C\|D\|A\|B\|.*\|ACK\^A01\^ACK\|.*\rMSA\|AA\|ID-7\r$/);
});

test('HL7 that cannot be stored is AR with 503, and a caller that asks for JSON gets JSON', async () => {
  await using one = await service();
  const json = await one.call('/x', { headers: { ...HL7, accept: 'application/json' }, body: ADT });
  expect(JSON.parse(json.body)).toMatchObject({ status: 'stored' });
  const ack = await one.call('/x', {
    headers: HL7,
    body: 'MSH|^~\\&|A|B|C|D|2026||ACK^A01|9|P|2.5.1\rMSA|AA|1\r',
  });
  expect(JSON.parse(ack.body), 'an acknowledgement is not acknowledged').toMatchObject({
    status: 'stored',
  });
  one.opened.refuse();
  const answer = await one.call('/x', { headers: HL7, body: ADT });
  expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
  expect(answer.body).toMatch(/MSA\|AR\|ID-7\|/);
});

test.for([
  [{ outcome: { status: 'completed' } }, 200, 'AA'],
  [{ outcome: { status: 'suspended' } }, 422, 'AE'],
  [{ reply: { body: Buffer.from(''), type: 'text/plain', code: '503' } }, 503, 'AR'],
  [
    {
      reply: { body: Buffer.from(''), type: 'text/plain' },
      outcome: { status: 'suspended' },
    },
    422,
    'AE',
  ],
  [
    {
      reply: {
        body: Buffer.from('MSH|^~\\&|W|W|H|H|2026||ACK|77|P|2.5.1\rMSA|AE|X|no bed\r'),
        type: 'HL7v2:ACK:2.5.1',
        code: 'AE',
      },
    },
    422,
    'AE',
  ],
  [{}, 504, 'AE'],
] as const)('the answer of the target to HL7 %j is %i and %s', async ([answered, status, code]) => {
  await using one = await service({ answer: 'target' });
  one.opened.answer(() => answered);
  const answer = await one.call('/x', { headers: HL7, body: ADT });
  expect(answer.status).toBe(status);
  expect(answer.body).toContain(`MSA|${code}|ID-7`);
});

test('an idempotency key belongs to its path', async () => {
  await using one = await service();
  await one.call('/x', { headers: { 'idempotency-key': 'k' }, body: 'a' });
  await one.call('/y', { headers: { 'idempotency-key': 'k' }, body: 'a' });
  const keys = one.opened.delivered.map(({ dedupeKey }) => dedupeKey);
  expect(new Set(keys).size).toBe(2);
});

test('a GET is delivered as a document of the request and answered by the target', async () => {
  await using one = await service({
    methods: ['GET'],
    answer: 'target',
    path: '/patients/{id}',
    headers: ['X-Unit', 'Authorization'],
  });
  one.opened.answer(() => ({
    reply: { body: Buffer.from('{"name":"x"}'), type: 'application/json', code: '200' },
  }));
  const answer = await one.call('/patients/7?_count=2&tag=a&tag=b', {
    method: 'GET',
    headers: { 'x-unit': 'icu', authorization: 'Bearer secret' },
  });
  expect(answer).toMatchObject({ status: 200, body: '{"name":"x"}' });
  expect(JSON.parse(String(one.opened.delivered[0]?.body))).toEqual({
    method: 'GET',
    path: '/patients/7',
    parameters: { id: '7' },
    query: { _count: '2', tag: ['a', 'b'] },
    headers: { 'x-unit': 'icu' },
  });
});

test.for([
  [{ reply: { body: Buffer.alloc(0), type: 'text/plain', code: '404' } }, 404],
  [{ reply: { body: Buffer.from('x'), type: 'text/plain', code: 'AE' } }, 422],
  [{ reply: { body: Buffer.from('x'), type: 'text/plain' } }, 200],
  [
    {
      reply: { body: Buffer.from('x'), type: 'text/plain' },
      outcome: { status: 'suspended' },
    },
    202,
  ],
  [{ outcome: { status: 'completed' } }, 200],
  [{ outcome: { status: 'discarded' } }, 200],
  [{ outcome: { status: 'suspended' } }, 202],
  [{ outcome: { status: 'error', text: 'secret' } }, 502],
  [{}, 504],
] as const)('the answer of the target %j is given as %i', async ([answered, status]) => {
  await using one = await service({ answer: 'target' });
  one.opened.answer(() => answered);
  const answer = await one.call('/x', { body: 'x' });
  expect(answer.status).toBe(status);
  expect(answer.body).not.toContain('secret');
});

test('a message that cannot be stored is answered with 503 and when to try again', async () => {
  await using one = await service();
  one.opened.refuse();
  expect(await one.call('/x', { body: 'x' })).toMatchObject({
    status: 503,
    headers: { 'retry-after': '5' },
  });
});

test('another method is answered with those that are taken, another path with 404', async () => {
  await using one = await service({ path: '/in' });
  expect(await one.call('/in', { method: 'GET' })).toMatchObject({
    status: 405,
    headers: { allow: 'POST' },
  });
  expect(await one.call('/out', { body: 'x' })).toMatchObject({ status: 404 });
  expect(one.opened.delivered).toEqual([]);
});

test('a path with all below it is answered also without the slash after it, and none that only begins like it', async () => {
  await using one = await service({ path: '/orders/*' });
  const sent = ['/orders', '/orders/', '/orders/a/b', '/ordersx'].map((path) =>
    one.call(path, { method: 'POST', body: 'a' }),
  );
  const statuses = (await Promise.all(sent)).map(({ status }) => status);
  expect(statuses).toEqual([202, 202, 202, 404]);
});

test('a body beyond the limit is refused before it is read, and in the middle when it does not say how long it is', async () => {
  await using one = await service({ limit: '2MB' });
  const large = Buffer.alloc(3_000_000, 'x');
  expect((await one.call('/x', { body: large })).status).toBe(413);
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let n = 0; n < 30; n++) yield large.subarray(0, 100_000);
  }
  expect((await one.call('/x', { body: pieces() as never })).status).toBe(413);
  expect(one.opened.delivered).toEqual([]);
});

test('a large body is passed on as it comes, whole', async () => {
  await using one = await service();
  const large = Buffer.alloc(20_000_000, 'abc');
  expect(
    (await one.call('/x', { body: large, headers: { 'content-type': 'application/pdf' } })).status,
  ).toBe(202);
  expect(one.opened.delivered[0]?.body.equals(large)).toBe(true);
});

test('a client that breaks off in the middle of its body delivers nothing', async () => {
  await using one = await service();
  const { port } = new URL(one.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write('POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\nbegin');
  await once(socket, 'connect');
  await new Promise((resolve) => setImmediate(resolve));
  socket.destroy();
  expect((await one.call('/x', { body: 'whole' })).status).toBe(202);
  await one.opened.close();
  expect(one.opened.delivered.map(({ body }) => String(body))).toEqual(['whole']);
});

test('a client that sends too slowly is cut off', async () => {
  await using one = await service({ requestTimeout: '300ms' });
  const socket = connect(Number(new URL(one.url).port), '127.0.0.1');
  socket.write('POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nb');
  socket.resume();
  await vi.waitFor(() => expect(socket.destroyed || socket.readableEnded).toBe(true), 5_000);
  expect(one.opened.delivered).toEqual([]);
});

test.for(['/../x', '/a/%2e%2e/x', '/a/./x', '/a\\..\\x'])(
  'a path with dots (%s) is not taken',
  async (path) => {
    await using one = await service();
    const socket = connect(Number(new URL(one.url).port), '127.0.0.1');
    socket.end(
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx`,
    );
    const [first] = (await once(socket, 'data')) as [Buffer];
    expect(String(first)).toMatch(/^HTTP\/1.1 404/);
  },
);

test('a JSON Schema names the places that are wrong and quotes no value', async () => {
  await using folder = await temporaryFolder('schema');
  const schema = {
    type: 'object',
    required: ['mrn'],
    properties: { mrn: { type: 'string', maxLength: 3 } },
  };
  await writeFile(join(folder.path, 'order.json'), JSON.stringify(schema));
  await using one = await service({ schema: 'order.json' }, { folder: folder.path });
  const wrong = await one.call('/x', { body: '{"mrn":"SECRET"}' });
  expect(wrong.status).toBe(422);
  expect(JSON.parse(wrong.body)).toMatchObject({
    errors: [{ at: '/mrn', problem: expect.any(String) }],
  });
  expect(wrong.body).not.toContain('SECRET');
  expect((await one.call('/x', { body: '{"mrn":' })).status).toBe(400);
  expect((await one.call('/x', { body: '{"mrn":"1"}' })).status).toBe(202);
});

test('services share a port by path and method, and one may stop while the other goes on', async () => {
  const listen = `127.0.0.1:${await freePort()}`;
  const first = await openInbound(httpIn, { listen, path: '/a/*' });
  await using second = await openInbound(httpIn, { listen, path: '/a/{id}/exact' });
  const url = `http://${listen}`;
  await call(`${url}/a/1/exact`, { body: 'second' });
  await call(`${url}/a/1/other`, { body: 'first' });
  expect(first.delivered.map(({ body }) => String(body))).toEqual(['first']);
  expect(second.delivered.map(({ body }) => String(body))).toEqual(['second']);
  for (const path of ['/a/*', '/a/{other}/exact']) {
    await expect(openInbound(httpIn, { listen, path })).rejects.toThrow(
      /under-test already answers/,
    );
  }
  await first.close();
  expect((await call(`${url}/a/1/other`, { body: 'x' })).status).toBe(404);
  expect((await call(`${url}/a/1/exact`, { body: 'x' })).status).toBe(202);
  await second.close();
  await using again = await openInbound(httpIn, { listen, path: '/a/*' });
  expect((await call(`${url}/a/1`, { body: 'x' })).status).toBe(202);
  expect(again.delivered).toHaveLength(1);
});

test('services that share a port and stop at the same time leave it free', async () => {
  const listen = `127.0.0.1:${await freePort()}`;
  const both = await Promise.all(['/a', '/b'].map((path) => openInbound(httpIn, { listen, path })));
  await call(`http://${listen}/a`, { body: 'x' });
  await Promise.all(both.map((one) => one.close()));
  await expect(call(`http://${listen}/a`, { body: 'x' })).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  });
});

/** What operators hear of a preflight of https://portal.example. */
async function heardOf(
  cors: Record<string, unknown> | undefined,
  asked: Record<string, string>,
): Promise<string | undefined> {
  await using one = await service(cors === undefined ? {} : { cors });
  const headers = {
    origin: 'https://portal.example',
    'access-control-request-method': 'POST',
    ...asked,
  };
  await one.call('/x', { method: 'OPTIONS', headers });
  return one.opened.events.find(({ name }) => name === 'refused')?.text;
}

test('operators hear which page, header or method a preflight asked for in vain', async () => {
  const cors = { origins: ['https://portal.example'] };
  const asks = 'Refused 127.0.0.1 in a preflight: a page of the origin https://portal.example';
  expect(await heardOf(cors, { 'access-control-request-headers': 'content-type' })).toBeUndefined();
  expect(await heardOf(cors, { 'access-control-request-headers': 'content-type,x-csrf' })).toBe(
    `${asks} wants to send the header x-csrf, which is not under cors.headers.`,
  );
  expect(await heardOf(cors, { 'access-control-request-method': 'DELETE' })).toBe(
    `${asks} wants to send DELETE, which is not accepted here.`,
  );
  expect(await heardOf(undefined, {})).toBe(
    `${asks} asks whether it may call, and there is no cors.`,
  );
  expect(await heardOf(cors, { origin: 'https://evil.example' })).toContain(
    'the origin https://evil.example, which is not listed under cors',
  );
  expect(await heardOf(cors, { origin: 'x'.repeat(5_000) })).toContain('null, or of no known form');
});

test('a preflight is answered before any sign-in, and strangers are told nothing', async () => {
  await using one = await service(
    {
      methods: ['POST', 'PUT'],
      callers: { kind: 'api-key', credentials: ['key'] },
      cors: { origins: ['https://portal.example'], credentials: true },
    },
    { credentials: { key: { kind: 'bearer', token: async () => 'k' } } },
  );
  const preflight = (origin: string): ReturnType<typeof one.call> =>
    one.call('/x', {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    });
  expect(await preflight('https://portal.example')).toMatchObject({
    status: 204,
    headers: {
      'access-control-allow-origin': 'https://portal.example',
      'access-control-allow-methods': 'POST, PUT',
      'access-control-allow-credentials': 'true',
      'access-control-max-age': '600',
      vary: 'Origin',
    },
  });
  const stranger = await preflight('https://evil.example');
  expect(stranger.status).toBe(403);
  expect(stranger.headers).not.toHaveProperty('access-control-allow-origin');
  const refused = await one.call('/x', {
    headers: { origin: 'https://portal.example' },
    body: 'x',
  });
  expect(refused).toMatchObject({
    status: 401,
    headers: { 'access-control-allow-origin': 'https://portal.example' },
  });
});

test('a transfer encoding that is not taken apart here is refused, and nothing is delivered', async () => {
  await using one = await service();
  const socket = connect(Number(new URL(one.url).port), '127.0.0.1');
  socket.write(
    'POST /x HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n',
  );
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 501 /);
  expect(one.opened.delivered).toEqual([]);
});
