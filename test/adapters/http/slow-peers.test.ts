import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { expect, test, vi } from 'vitest';
import httpOut from '../../../adapters/http/http-out.ts';
import { type UnreadError, unreadAnswer } from '../../../src/peer/http-server/http-listener.ts';
import { megabytes } from '../../support/megabytes.ts';
import { openResources } from '../../support/nothing-open.ts';
import { openOutbound } from '../../support/open-adapter.ts';
import { listening } from '../../support/tcp-server.ts';
import { service } from './calling.ts';

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A server that takes its time over every piece of the body, and stops reading after so many bytes. */
const reading = (every: number, most = Number.POSITIVE_INFINITY): Server =>
  createServer((request, response) => {
    let read = 0;
    request.on('error', () => undefined);
    request.on('data', ({ length }: Buffer) => {
      read += length;
      request.pause();
      if (read < most) void pause(every).then(() => request.resume());
    });
    request.on('end', () => response.end(String(read)));
  });

test('a server that reads slowly is given more time than timeout, as long as it goes on', async () => {
  await using server = await listening(reading(3));
  const resources = openResources();
  const opened = await openOutbound(httpOut, {
    url: `http://127.0.0.1:${server.port}/`,
    timeout: '2s',
  });
  const begin = performance.now();
  const reply = await opened.send(megabytes(60));
  expect(String(reply?.body)).toBe('60000000');
  expect(performance.now() - begin).toBeGreaterThan(2_000);
  await opened.close();
  await server[Symbol.asyncDispose]();
  await resources.expectNothingNew();
});

test('a server that stops reading is given up after timeout, and leaves nothing open', async () => {
  await using server = await listening(reading(0, 1_000_000));
  const resources = openResources();
  const opened = await openOutbound(httpOut, {
    url: `http://127.0.0.1:${server.port}/`,
    timeout: '300ms',
  });
  await expect(opened.send(megabytes(30))).rejects.toMatchObject({
    code: 'ADAPTER_TEMPORARY',
    message: expect.stringMatching(/did not answer within 300 ?ms/),
  });
  await opened.close();
  await server[Symbol.asyncDispose]();
  await resources.expectNothingNew();
});

test('a server that stops in the middle of its answer is given up after timeout', async () => {
  await using server = await listening(
    createServer((_, response) => {
      response.writeHead(200, { 'content-length': 500 });
      response.write('x');
    }),
  );
  await using opened = await openOutbound(httpOut, {
    url: `http://127.0.0.1:${server.port}/`,
    timeout: '1s',
  });
  await expect(opened.send(Buffer.from('x'))).rejects.toMatchObject({
    code: 'ADAPTER_TEMPORARY',
    message: expect.stringMatching(/stopped in the middle of its answer within 1 ?s/),
  });
});

test('a caller that does not read its answer is cut off, and holds up nobody', async () => {
  const resources = openResources();
  const one = await service({ answer: 'target', requestTimeout: '2s' });
  const large = Buffer.alloc(30_000_000, 'x');
  one.opened.answer(() => ({ reply: { body: large, type: 'text/plain' } }));
  const socket = connect(Number(new URL(one.url).port), '127.0.0.1');
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => undefined);
  socket.write('POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx');
  // it hears of the end only once it reads
  await vi.waitFor(() =>
    expect(one.opened.events).toMatchObject([
      { level: 'warn', name: 'answer-unread', text: expect.stringContaining('127.0.0.1') },
    ]),
  );
  socket.resume();
  await closed;
  expect(socket.bytesRead).toBeLessThan(large.length);
  one.opened.answer(() => ({}));
  expect((await one.call('/x', { body: 'x' })).status).toBe(504);
  await one.opened.close();
  await resources.expectNothingNew();
});

test('callers that find all connections taken are told of, once a minute', async () => {
  await using one = await service({ maxConnections: 2 });
  const port = Number(new URL(one.url).port);
  const sockets = Array.from({ length: 6 }, (_, n) =>
    connect({ port, host: '127.0.0.1', localAddress: `127.0.0.${n + 1}` }).on(
      'error',
      () => undefined,
    ),
  );
  await vi.waitFor(() => expect(sockets.filter(({ closed }) => closed)).toHaveLength(4));
  expect(one.opened.events).toMatchObject([
    {
      level: 'warn',
      name: 'refused',
      text: expect.stringContaining('2 connections already (maxConnections)'),
    },
  ]);
  for (const socket of sockets) socket.destroy();
  await vi.waitFor(async () => expect((await one.call('/x', { body: 'x' })).status).toBe(202));
});

test('what never becomes a request is answered as by node, and told once a minute; an idle connection is not', async () => {
  await using one = await service({ requestTimeout: '2s' });
  const port = Number(new URL(one.url).port);
  const answered = async (bytes: string | Buffer): Promise<string> => {
    const socket = connect(port, '127.0.0.1');
    socket.write(bytes);
    return (await socket.toArray()).join('');
  };
  const head = 'POST /x HTTP/1.1\r\nHost: x\r\n';
  const hello = Buffer.from('160301020001000', 'hex');
  expect(
    await Promise.all([
      answered(''),
      answered(head),
      answered(`${head}Content-Length: 9\r\n\r\nx`),
      answered('\x0bMSH|^~\\&|'),
      answered(hello),
      answered(hello),
      answered('SSH-2.0-OpenSSH\r\n'),
      answered(`${head}X: ${'x'.repeat(20_000)}\r\n\r\n`),
    ]),
  ).toEqual(
    [408, 408, 408, 400, 400, 400, 400, 431].map((code) =>
      expect.stringMatching(`^HTTP/1.1 ${code} `),
    ),
  );
  // a caller that leaves in the middle of its request
  const gone = connect(port, '127.0.0.1').end(`${head}Content-Length: 9\r\n\r\nx`);
  expect((await gone.toArray()).join('')).toMatch(/^HTTP\/1.1 400 /);
  const told = one.opened.events.map(({ name, text }) => `${name}: ${text}`).toSorted();
  expect(told).toEqual([
    'refused: Refused 127.0.0.1: it did not finish a request in time (requestTimeout).',
    'refused: Refused 127.0.0.1: it sends MLLP, not HTTP: it needs an mllp-in.',
    'refused: Refused 127.0.0.1: it speaks TLS, not HTTP. Add a tls block to the settings.',
    'refused: Refused 127.0.0.1: the headers of its request are too long.',
    'refused: Refused 127.0.0.1: what it sends is no HTTP (HPE_INVALID_METHOD).',
  ]);
  expect((await one.call('/x', { body: 'x' })).status).toBe(202);
});

const failed = (code: string): UnreadError => Object.assign(new Error('x'), { code });

test('a connection that failed before it spoke HTTP is answered nothing: what cannot be written would hold it for ever', () => {
  expect(unreadAnswer(failed('ERR_TLS_HANDSHAKE_TIMEOUT'))).toBeUndefined();
  expect(unreadAnswer(failed('ECONNRESET'))).toBeUndefined();
  expect(unreadAnswer(failed('HPE_INVALID_METHOD'))).toMatch(/^HTTP\/1.1 400 /);
});
