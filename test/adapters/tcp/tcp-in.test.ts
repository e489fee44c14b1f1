import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import tcpIn from '../../../adapters/tcp/tcp-in.ts';
import { RejectedError } from '../../../src/adapter/index.ts';
import { certificates } from '../../support/certificates.ts';
import { portOf } from '../../support/mllp-sender.ts';
import { openInbound, readGiven, texts } from '../../support/open-adapter.ts';
import { rawClient } from '../../support/raw-client.ts';
import { bodies, connected, receiving, STX_ETX } from './receiving.ts';

const answered = { ...STX_ETX, answer: 'stored' };

describe('a delivered message', () => {
  test.for([
    ['MSH|^~\\&|A|B|||2026||ADT^A01|M1|P|2.5\rPID|1', 'HL7v2:ADT_A01:2.5', 'M1'],
    ['{"a":1}', 'application/json', undefined],
    ['<a/>', 'application/xml', undefined],
    ['12;mmol', 'application/octet-stream', undefined],
  ])('%j is known by its beginning', async ([body, type, dedupeKey]) => {
    await using opened = await receiving(STX_ETX);
    await using sender = await connected(opened);
    sender.write(`\x02${body}\x03`);
    await vi.waitFor(() => expect(opened.delivered).toHaveLength(1));
    expect(opened.delivered[0]).toMatchObject({ type, origin: '127.0.0.1' });
    expect(opened.delivered[0]?.dedupeKey).toBe(dedupeKey);
  });

  test('has the type and charset of the settings, and is known by its bytes where each counts once', async () => {
    await using opened = await receiving({
      ...answered,
      type: 'text/plain',
      charset: 'ISO-8859-1',
      repetitions: 'once',
    });
    await using sender = await connected(opened);
    sender.write('\x02a\x03\x02a\x03');
    await sender.hears('\x06\x06');
    expect(opened.delivered.map(({ type, charset }) => [type, charset])).toEqual(
      Array.from({ length: 2 }, () => ['text/plain', 'ISO-8859-1']),
    );
    expect(opened.delivered[0]?.dedupeKey).toBe(opened.delivered[1]?.dedupeKey);
    expect(opened.delivered[0]?.dedupeKey).toBeTruthy();
  });
});

describe('the answer', () => {
  test('is a fixed one for what is stored and for what is not', async () => {
    await using opened = await receiving({
      answer: 'stored',
      accepted: '"OK" CR LF',
      refused: '"AGAIN" CR LF',
    });
    await using sender = await connected(opened);
    sender.write('one\r\n');
    await sender.hears('OK\r\n');
    opened.refuse();
    sender.write('two\r\n');
    await sender.hears('OK\r\nAGAIN\r\n');
    opened.accept();
    sender.write('two\r\n');
    await sender.hears('OK\r\nAGAIN\r\nOK\r\n');
    expect(bodies(opened)).toEqual(['one', 'two']);
  });

  test('that says nothing of a refusal is the end of the connection', async () => {
    await using opened = await receiving({ ...answered, refused: '' });
    opened.refuse();
    await using sender = await connected(opened);
    sender.write('\x02one\x03\x02two\x03');
    await sender.left();
    expect(sender.heard).toBe('');
    expect(opened.refused).toBe(1);
  });

  test('is that of the target, in the marks of messages or as it is', async () => {
    for (const [answerMarks, heard] of [
      [true, '\x02result\x03'],
      [false, 'result'],
    ] as const) {
      await using opened = await receiving({ ...STX_ETX, answer: 'target', answerMarks });
      opened.answer(() => ({
        reply: { body: Buffer.from('result'), type: 'text/plain' },
        outcome: { status: 'completed' },
      }));
      await using sender = await connected(opened);
      sender.write('\x02question\x03');
      await sender.hears(heard);
      expect(opened.delivered).toHaveLength(1);
    }
  });

  test.for([
    { what: 'did not end well at the target', answer: { outcome: { status: 'error' } } },
    {
      what: 'was set aside, whatever the target said',
      answer: {
        reply: { body: Buffer.from('fine'), type: 'text/plain' },
        outcome: { status: 'suspended' },
      },
    },
    { what: 'has no answer in time', answer: {} },
    {
      what: 'has an answer that cannot be framed',
      answer: {
        reply: { body: Buffer.from('a\x03b'), type: 'text/plain' },
        outcome: { status: 'completed' },
      },
    },
  ])('is that of refused for a message that $what', async ({ answer }) => {
    await using opened = await receiving({ ...STX_ETX, answer: 'target' });
    opened.answer(() => answer);
    await using sender = await connected(opened);
    sender.write('\x02question\x03');
    await sender.hears('\x15');
    expect(opened.delivered).toHaveLength(1);
  });

  test('is empty for a target that has nothing to say', async () => {
    await using opened = await receiving({ ...STX_ETX, answer: 'target', closeAfterEach: true });
    opened.answer(() => ({ outcome: { status: 'completed' } }));
    await using sender = await connected(opened);
    sender.write('\x02question\x03');
    await sender.left();
    expect(sender.heard).toBe('');
  });
});

describe('without an answer', () => {
  test('what cannot be stored is kept and tried until it is, and no more is read meanwhile', async () => {
    await using opened = await receiving();
    opened.refuse();
    await using sender = await connected(opened);
    sender.write('one\ntwo\n');
    await vi.waitFor(() => expect(opened.refused).toBeGreaterThan(1));
    sender.end();
    opened.accept();
    await vi.waitFor(() => expect(bodies(opened)).toEqual(['one', 'two']), { timeout: 5_000 });
    expect(texts(opened)).toMatch(/kept and tried again/);
  });

  test('what its sender sent before it was lost is stored all the same', async () => {
    await using opened = await receiving();
    opened.hold();
    const sender = await connected(opened);
    sender.write('one\ntwo\nthree\n');
    await vi.waitFor(() => expect(opened.waiting).toBe(1));
    sender.reset();
    opened.release();
    await vi.waitFor(() => expect(bodies(opened)).toEqual(['one', 'two', 'three']));
  });

  test('what is refused for good, or not stored when the service stops, is told to be lost', async () => {
    const opened = await receiving();
    await using sender = await connected(opened);
    opened.refuse(new RejectedError('too large'));
    sender.write('one\n');
    await vi.waitFor(() =>
      expect(texts(opened)).toMatch(/\(3 bytes\) is lost: it cannot be stored/),
    );
    opened.refuse();
    sender.write('second\n');
    await vi.waitFor(() => expect(opened.refused).toBeGreaterThan(1));
    await opened.close();
    expect(texts(opened)).toMatch(/\(6 bytes\) is lost: the service stops/);
  });
});

describe('a connection', () => {
  test('is for one message where closeAfterEach says so', async () => {
    await using opened = await receiving({ ...answered, closeAfterEach: true });
    await using sender = await connected(opened);
    sender.write('\x02one\x03\x02two\x03');
    await sender.left();
    expect(sender.heard).toBe('\x06');
    expect(bodies(opened)).toEqual(['one']);
    expect(texts(opened)).toMatch(/sent more than the one message of a connection/);
  });

  test('may be ended by its sender, which still gets its answers', async () => {
    await using opened = await receiving(answered);
    await using sender = await connected(opened);
    sender.end('\x02one\x03\x02two\x03');
    await sender.left();
    expect(sender.heard).toBe('\x06\x06');
  });

  test('ends a message where the framing says so', async () => {
    await using opened = await receiving({ framing: 'closed', answer: 'stored' });
    await using empty = await connected(opened);
    empty.end();
    await empty.left();
    await using sender = await connected(opened);
    sender.write('first ');
    sender.end('and last');
    await sender.left();
    expect(sender.heard).toBe('\x06');
    expect(bodies(opened)).toEqual(['first and last']);
  });

  test('that breaks in the middle of a message delivers nothing of it', async () => {
    await using opened = await receiving({ framing: 'closed' });
    const sender = await connected(opened);
    sender.write('half');
    await vi.waitFor(() => expect(opened.states.length).toBeGreaterThan(0));
    sender.reset();
    await vi.waitFor(() => expect(texts(opened)).toMatch(/left in the middle of a message/));
    expect(bodies(opened)).toEqual([]);
  });

  test.for([
    { given: { limit: '1KB' }, sends: 'x'.repeat(2_000), says: /more than 1024 bytes/ },
    {
      given: { framing: 'length', limit: '1KB' },
      sends: '\x7f\xff\xff\xff',
      says: /more than 1024 bytes/,
    },
    { given: { frameTimeout: '100ms' }, sends: 'x', says: /did not finish a message in time/ },
    {
      given: { framing: 'length', lengthForm: 'digits' },
      sends: 'oops and more',
      says: /a length that is not written in digits/,
    },
    {
      given: { ...STX_ETX, maxJunk: '1KB' },
      sends: 'x'.repeat(2_000),
      says: /2000 bytes came without the start/,
    },
    {
      given: { framing: 'length' },
      sends: 'GET / HTTP/1.1\r\n',
      says: /its side is addressed as a web server/,
    },
    { given: STX_ETX, sends: 'GET / HTTP/1.1\r\n', says: /is addressed as a web server/ },
    {
      given: { answer: 'stored' },
      sends: 'GET / HTTP/1.1\r\n'.repeat(5),
      says: /of another protocol/,
    },
  ])('is closed with a word for $says', async ({ given, sends, says }) => {
    await using opened = await receiving(given);
    await using sender = await connected(opened);
    sender.write(Buffer.from(sends, 'latin1'));
    await sender.left();
    await vi.waitFor(() => expect(texts(opened)).toMatch(says));
    expect(opened.delivered).toEqual([]);
  });

  test('that keeps silent is closed after idleTimeout', async () => {
    await using opened = await receiving({ idleTimeout: '50ms' });
    await using sender = await connected(opened);
    await sender.left();
    expect(sender.heard).toBe('');
  });

  test('of one address takes its places and no more, and one from elsewhere none', async () => {
    await using opened = await receiving({ connectionsPerAddress: 2 });
    await using first = await connected(opened);
    await using second = await connected(opened);
    await using third = await connected(opened);
    await third.left();
    expect([first.closed, second.closed]).toEqual([false, false]);
    await using closed = await receiving({ allowFrom: ['10.1.0.0/16'] });
    await using stranger = await connected(closed);
    await stranger.left();
    expect(texts(closed)).toMatch(/not in allowFrom/);
  });

  test('may come by IPv6', async () => {
    await using opened = await receiving({ listen: '[::1]:0' });
    await using sender = await rawClient(portOf(opened), { host: '::1' });
    sender.write('one\n');
    await vi.waitFor(() => expect(opened.delivered[0]?.origin).toBe('::1'));
  });

  test('in mutual TLS names the sender, and one without a certificate is refused', async () => {
    await using files = await certificates();
    const tls = { certificate: 'hub', clientCertificate: 'required', trust: files.trust };
    await using opened = await receiving(
      { ...answered, tls },
      { credentials: { hub: files.server } },
    );
    const { authority, client } = files;
    const trusting = { ca: authority.certificate, servername: 'localhost' };
    await using sender = await rawClient(portOf(opened), {
      tls: { ...trusting, cert: client.certificate, key: client.key },
    });
    sender.write('\x02one\x03');
    await sender.hears('\x06');
    expect(opened.delivered[0]?.origin).toMatch(/^127\.0\.0\.1 .*CN=client-a/);
    await using nobody = await rawClient(portOf(opened), { tls: trusting });
    await nobody.left();
  });
});

/** A device that is called: its connections, and a way to write on the last. */
async function device(): Promise<
  AsyncDisposable & { readonly port: number; readonly sockets: Socket[] }
> {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket.on('error', () => undefined));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

const callOut = (port: number) => ({ callOut: { connect: `127.0.0.1:${port}` } });

describe('a sender that is called', () => {
  test('is taken from over the connection that was made to it; its loss is told to the engine', async () => {
    await using peer = await device();
    await using opened = await openInbound(tcpIn, { ...callOut(peer.port), ...answered });
    await vi.waitFor(() => expect(peer.sockets).toHaveLength(1));
    const [socket] = peer.sockets;
    socket?.write('\x02one\x03');
    const [answer] = (await once(socket as Socket, 'data')) as [Buffer];
    expect(answer).toEqual(Buffer.of(6));
    expect(opened.delivered[0]?.origin).toBe(`127.0.0.1:${peer.port}`);
    expect(opened.states.at(-1)).toEqual({
      state: 'connected',
      detail: `127.0.0.1:${peer.port}`,
    });
    socket?.end('\x02two\x03');
    await vi.waitFor(() => expect(opened.lost).toHaveLength(1));
    expect(opened.lost[0]?.message).toMatch(/closed the connection\. It is opened again/);
    expect(bodies(opened)).toEqual(['one', 'two']);
  });

  test('is called by one engine only, as by one that polls', () => {
    const settings = readGiven(tcpIn.settings, callOut(1));
    expect(tcpIn.pollsWith?.(settings)).toBe(true);
    expect(tcpIn.pollsWith?.(readGiven(tcpIn.settings, { listen: '0.0.0.0:1' }))).toBe(false);
  });
});

describe('what check finds', () => {
  test.for<[Readonly<Record<string, unknown>>, (readonly string[])[]]>([
    [{ listen: '0.0.0.0:1' }, []],
    [{}, [['listen']]],
    [{ listen: '0.0.0.0:1', callOut: { connect: 'a:1' } }, [['listen']]],
    [
      { callOut: { connect: 'a:1' }, framing: 'closed', closeAfterEach: true },
      [['closeAfterEach'], ['framing']],
    ],
    [{ listen: '0.0.0.0:1', framing: 'marks', startMark: 'STX' }, [['endMark']]],
    [{ listen: '0.0.0.0:1', framing: 'marks', endMark: '' }, [['endMark']]],
    [{ listen: '0.0.0.0:1', framing: 'fixed' }, [['recordLength']]],
    [{ listen: '0.0.0.0:1', endMark: 'ETX', recordLength: 5 }, [['endMark'], ['recordLength']]],
    [{ listen: '0.0.0.0:1', repetitions: 'once' }, [['repetitions']]],
  ])('%j: %j', async ([given, paths]) => {
    const faults = await tcpIn.check?.(readGiven(tcpIn.settings, given));
    expect(faults?.map(({ path }) => path)).toEqual(paths);
    for (const { what, remedy } of faults ?? []) expect(`${what} ${remedy}`).toMatch(/^[a-z].*\.$/);
  });
});
