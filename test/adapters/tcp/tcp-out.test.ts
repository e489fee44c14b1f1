import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import tcpOut from '../../../adapters/tcp/tcp-out.ts';
import { certificates } from '../../support/certificates.ts';
import { type Cut, type FramedPeer, framedPeer } from '../../support/framed-peer.ts';
import {
  type OpenedOutbound,
  openOutbound,
  readGiven,
  streamedBody,
  testSteps,
} from '../../support/open-adapter.ts';
import { resettingPeer } from '../../support/resetting-peer.ts';
import { devicePeer } from './device-peer.ts';
import { STX_ETX } from './receiving.ts';

type Given = Readonly<Record<string, unknown>>;

const open = ({ port }: { readonly port: number }, given: Given = {}): Promise<OpenedOutbound> =>
  openOutbound(tcpOut, { connect: `127.0.0.1:${port}`, ...given });

const ACK = { ...STX_ETX, reply: 'bytes', accepted: '^\\x06' };
const line = (text: string): Buffer => Buffer.from(text);

/** Lines that end in LF. */
const byLine: Cut = (bytes) => {
  const end = bytes.indexOf('\n');
  return end < 0 ? undefined : { body: bytes.subarray(0, end), rest: bytes.subarray(end + 1) };
};

const linePeer = (answer: string): Promise<FramedPeer> =>
  framedPeer(byLine, () => Buffer.from(answer));

/** A peer that answers a message as soon as it begins. */
async function hastyPeer() {
  let heard = '';
  const server = createServer((socket) => {
    socket.on('data', (chunk) => {
      if (chunk.includes(2)) socket.write('\u0006');
      heard += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    heard: () => heard,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}

/** A peer that hears everything until it is ended, and then answers and ends too. */
async function closingPeer(
  answer: string,
): Promise<AsyncDisposable & { readonly port: number; readonly heard: string[] }> {
  const heard: string[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let all = '';
    socket.on('data', (chunk) => {
      all += chunk.toString('latin1');
    });
    socket.on('end', () => {
      heard.push(all);
      socket.end(answer);
    });
    socket.on('error', () => undefined);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    heard,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}

describe('the answer', () => {
  test.for<[string, string, string]>([
    ['OK 7', 'accepted', ''],
    ['BUSY', 'busy', ''],
    ['ERR full', 'refused', ''],
    ['RC=E05;', 'E05', ''],
    ['RC=0;', '0', ''],
    ['what', 'unknown', ''],
    ['ERR OK', 'refused', ''],
  ])('%j has the code %s', async ([answer, code]) => {
    await using peer = await linePeer(`${answer}\r\n`);
    const patterns = {
      accepted: 'OK',
      busy: '^BUSY',
      refused: '^ERR',
      code: '^RC=(\\w+)',
    };
    await using out = await open(peer, { reply: 'line', ...patterns });
    const reply = await out.send(line('one'));
    expect(reply).toMatchObject({ code, type: 'application/octet-stream' });
    expect(Buffer.from(reply?.body ?? []).toString()).toBe(answer);
  });

  test('without patterns has no code, and its type is known by its beginning or said', async () => {
    await using peer = await linePeer('{"a":1}\n');
    await using out = await open(peer, { reply: 'line' });
    const reply = await out.send(line('one'));
    expect(reply).toMatchObject({ type: 'application/json' });
    expect(reply?.code).toBeUndefined();
    await using typed = await open(peer, { reply: 'line', replyType: 'text/plain' });
    expect(await typed.send(line('one'))).toMatchObject({ type: 'text/plain' });
  });

  test('is framed as messages are', async () => {
    await using peer = await devicePeer();
    peer.script((body) => Buffer.from(`\x02re: ${body}\x03`));
    await using out = await open(peer, { ...STX_ETX, reply: 'framed' });
    expect(Buffer.from((await out.send(line('one')))?.body ?? []).toString()).toBe('re: one');
  });

  test('is all that comes until the peer closes', async () => {
    await using peer = await closingPeer('line 1\nline 2\n');
    await using out = await open(peer, { framing: 'closed', reply: 'closed' });
    for (const text of ['one', 'two']) {
      const reply = await out.send(line(text));
      expect(Buffer.from(reply?.body ?? []).toString()).toBe('line 1\nline 2\n');
    }
    expect(peer.heard).toEqual(['one', 'two']);
  });

  test('may be nothing but the end of the connection', async () => {
    await using peer = await closingPeer('');
    await using out = await open(peer, { framing: 'closed', reply: 'closed' });
    expect((await out.send(line('one')))?.body).toHaveLength(0);
  });

  test('is not waited for where none is', async () => {
    await using peer = await framedPeer(byLine, () => undefined);
    await using out = await open(peer);
    expect(await out.send(line('one'))).toBeUndefined();
    expect(await out.send(line('two'))).toBeUndefined();
    await vi.waitFor(() => expect(peer.received.map(String)).toEqual(['one\r', 'two\r']));
    expect(peer.connections).toBe(1);
  });

  test('is not needed to notice that the system refuses the bytes', async () => {
    await using peer = await resettingPeer('tcp');
    await using out = await open(peer);
    await out.send(line('one'));
    await peer.heard;
    peer.reset();
    await expect(out.send(line('two'))).rejects.toMatchObject({ retryable: true });
  });

  test.for<[string, (socket: Socket) => void]>([
    ['ends', (socket) => void socket.end()],
    ['resets', (socket) => void socket.resetAndDestroy()],
  ])(
    'is not needed to notice that a peer %s the connection instead of reading',
    async ([, leave]) => {
      await using peer = await framedPeer(byLine, () => undefined);
      await using out = await open(peer);
      await out.send(line('one'));
      await vi.waitFor(() => expect(peer.received).toHaveLength(1));
      for (const socket of peer.open) socket.pause();
      const sent = out.send(Buffer.alloc(16_000_000, 'x'));
      for (const socket of peer.open) leave(socket);
      await expect(sent).rejects.toMatchObject({
        code: 'ADAPTER_TEMPORARY',
        message: expect.stringContaining('It may have it'),
      });
    },
  );

  test('that comes late is not taken for that of the next message', async () => {
    await using peer = await devicePeer();
    peer.hold();
    await using out = await open(peer, { ...ACK, replyTimeout: '1s' });
    await expect(out.send(line('one'))).rejects.toMatchObject({
      code: 'REPLY_TIMEOUT',
      retryable: true,
      message: expect.stringMatching(/did not answer within 1000 ms\. It may have/),
    });
    peer.script((body) => (body === 'two' ? Buffer.of(0x15) : Buffer.of(6)));
    peer.release();
    expect(await out.send(line('two'))).toMatchObject({ code: 'unknown' });
    expect(peer.connections).toBe(2);
  });

  test('that has more than it should ends the connection, so that the rest belongs to no message', async () => {
    await using peer = await devicePeer();
    peer.script(() => Buffer.of(6, 0x15));
    await using out = await open(peer, ACK);
    expect(await out.send(line('one'))).toMatchObject({ code: 'accepted' });
    await vi.waitFor(() => expect(peer.open.size).toBe(0));
    peer.script((_, socket) => {
      setTimeout(() => socket.write(Buffer.of(0x15)), 20);
      return Buffer.of(6);
    });
    expect(await out.send(line('two'))).toMatchObject({ code: 'accepted' });
    await vi.waitFor(() => expect(peer.open.size).toBe(0));
    peer.script(() => Buffer.of(6));
    expect(await out.send(line('three'))).toMatchObject({ code: 'accepted' });
  });

  test.for<[Given, string]>([
    [{ reply: 'bytes', replyBytes: 2 }, 'K'],
    [{ reply: 'line' }, '\n'],
    [{ ...STX_ETX, reply: 'framed' }, '\u0003'],
  ])(
    '%j that has the beginning of another one with it is not put before that of the next message',
    async ([given, end]) => {
      await using peer = await devicePeer();
      await using out = await open(peer, { ...STX_ETX, ...given });
      const start = given['reply'] === 'framed' ? '\u0002' : '';
      peer.script(() => Buffer.from(`${start}O${end}${start}x`));
      const first = await out.send(line('one'));
      peer.script(() => Buffer.from(`${start}P${end}`));
      const second = await out.send(line('two'));
      const answers = [first, second].map((one) => Buffer.from(one?.body ?? '').toString()[0]);
      expect(answers).toEqual(['O', 'P']);
    },
  );

  test.for<[string, Given, RegExp]>([
    ['x'.repeat(2_000), { reply: 'line', replyLimit: '1KB' }, /answer larger than 1024 bytes/],
    ['no marks', { ...STX_ETX, reply: 'framed' }, /not framed as an answer should be/],
    ['HTTP/1.1 400 Bad', { ...STX_ETX, reply: 'framed' }, /is a web server/],
    [
      'half',
      { reply: 'line', replyTimeout: '1s' },
      /4 bytes arrived, but not the end of an answer/,
    ],
  ])('%j that cannot be read fails the message: %j', async ([answer, given, says]) => {
    await using peer = await framedPeer(
      (bytes) => (bytes.length === 0 ? undefined : { body: bytes, rest: Buffer.alloc(0) }),
      () => Buffer.from(answer),
    );
    await using out = await open(peer, given);
    await expect(out.send(line('one'))).rejects.toThrow(says);
  });

  test('that cannot be read is told also where the body is not there whole yet', async () => {
    await using peer = await framedPeer(
      (bytes) => (bytes.length === 0 ? undefined : { body: bytes, rest: Buffer.alloc(0) }),
      () => Buffer.from('HTTP/1.1 400 Bad'),
    );
    await using out = await open(peer, { ...STX_ETX, reply: 'framed' });
    const last = Promise.withResolvers<Buffer>();
    const sent = out.send({
      size: 3,
      inline: undefined,
      bytes: () => Promise.resolve(line('abc')),
      async *stream() {
        yield line('a');
        yield line('b');
        yield await last.promise;
      },
    });
    await expect(sent).rejects.toThrow(/is a web server/);
    last.resolve(line('c'));
  });
});

describe('a connection', () => {
  test('is kept for the next message, or one is made for each', async () => {
    await using peer = await devicePeer();
    await using kept = await open(peer, ACK);
    for (const text of ['one', 'two']) await kept.send(line(text));
    expect(peer.connections).toBe(1);
    await using each = await open(peer, { ...ACK, stayConnected: '0s' });
    for (const text of ['three', 'four']) await each.send(line(text));
    expect(peer.connections).toBe(4);
    await vi.waitFor(() => expect(peer.open.size).toBe(1));
  });

  test('that the peer has closed is made anew', async () => {
    await using peer = await devicePeer();
    await using out = await open(peer, ACK);
    await out.send(line('one'));
    for (const socket of peer.open) socket.destroy();
    await vi.waitFor(() => expect(out.states.at(-1)?.state).toBe('waiting'));
    expect(await out.send(line('two'))).toMatchObject({ code: 'accepted' });
  });

  test('of a peer that reads nothing is given up after writeTimeout', async () => {
    await using peer = await framedPeer(byLine, () => undefined);
    await using out = await open(peer, { writeTimeout: '500ms', ...STX_ETX });
    await out.send(line('x\n'));
    for (const socket of peer.open) socket.pause();
    await expect(out.send(streamedBody(Buffer.alloc(50_000_000, 'x')))).rejects.toThrow(
      /did not take the bytes/,
    );
  });

  test('that is answered before it is read whole is written whole before the next', async () => {
    await using peer = await hastyPeer();
    await using out = await open(peer, { ...ACK, stayConnected: '1m' });
    const large = Buffer.alloc(3_000_000, 'x');
    const replies = [await out.send(streamedBody(large)), await out.send(line('two'))];
    expect(replies.map((reply) => reply?.code)).toEqual(['accepted', 'accepted']);
    await vi.waitFor(() => expect(peer.heard()).toHaveLength(large.length + 7));
    expect(peer.heard().slice(large.length)).toBe('x\u0003\u0002two\u0003');
  });

  test('is in TLS, with a certificate of our own', async () => {
    await using files = await certificates();
    const { server, client, trust, authority } = files;
    await using peer = await devicePeer({
      cert: server.certificate,
      key: server.key,
      ca: authority.certificate,
      requestCert: true,
    });
    const connect = `localhost:${peer.port}`;
    const tls = { trust, certificate: 'hub' };
    const options = { credentials: { hub: client } };
    await using out = await openOutbound(tcpOut, { connect, ...ACK, tls }, options);
    expect(await out.send(line('one'))).toMatchObject({ code: 'accepted' });
    const steps = await testSteps(tcpOut, { connect, ...ACK, tls }, options);
    expect(steps.map(({ name, result }) => [name, result])).toEqual([
      ['name', 'passed'],
      ['TCP', 'passed'],
      ['TLS', 'passed'],
    ]);
    expect(peer.received.map(String)).toEqual(['one']);
  });
});

describe('a body', () => {
  test('that the peer would cut in two is set aside, and the next one goes through', async () => {
    await using peer = await devicePeer();
    await using out = await open(peer, ACK);
    for (const body of [line('a\x03b'), streamedBody(line(`${'x'.repeat(200_000)}\x03`))]) {
      await expect(out.send(body)).rejects.toMatchObject({ code: 'ADAPTER_SUSPEND' });
    }
    await out.send(line('ab'));
    expect(peer.received.map(String)).toEqual(['ab']);
  });

  test('in tiny parts goes out whole', async () => {
    await using peer = await devicePeer();
    await using out = await open(peer, ACK);
    const parts = ['a', 'b', 'c', '', 'd'].map((part) => Buffer.from(part));
    await out.send({
      size: 4,
      inline: undefined,
      bytes: () => Promise.resolve(Buffer.concat(parts)),
      async *stream() {
        yield* parts;
      },
    });
    expect(peer.received.map(String)).toEqual(['abcd']);
  });

  test('that is empty goes out as a message without content', async () => {
    await using peer = await devicePeer();
    await using out = await open(peer, ACK);
    expect(await out.send(Buffer.alloc(0))).toMatchObject({ code: 'accepted' });
    expect(peer.received.map(String)).toEqual(['']);
  });
});

describe('what check finds', () => {
  test.for<[Given, (readonly string[])[]]>([
    [{}, []],
    [{ reply: 'line', accepted: 'OK' }, []],
    [{ accepted: 'OK', code: 'x' }, [['accepted'], ['code']]],
    [{ framing: 'closed', reply: 'framed' }, [['reply']]],
    [{ framing: 'lines', pad: 'SP' }, [['pad']]],
  ])('%j: %j', async ([given, paths]) => {
    const settings = readGiven(tcpOut.settings, { connect: 'a:1', ...given });
    expect((await tcpOut.check?.(settings))?.map(({ path }) => path)).toEqual(paths);
  });

  test('refuses a pattern that takes no bounded time, and one that is not written correctly', () => {
    for (const accepted of ['(?=x)', '(']) {
      expect(() => readGiven(tcpOut.settings, { connect: 'a:1', accepted })).toThrow(
        /settings\.accepted: a regular expression/,
      );
    }
  });
});
