import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import astmIn from '../../../adapters/astm/astm-in.ts';
import { astmDevice, frame, frames, result } from '../../support/astm-device.ts';
import { certificates } from '../../support/certificates.ts';
import { portOf } from '../../support/mllp-sender.ts';
import { readGiven, texts } from '../../support/open-adapter.ts';
import { answersTo, bodies, connected, receiving, soon } from './receiving.ts';

const ENQ = '\x05';
const EOT = '\x04';

describe('a message', () => {
  test('is put together from its frames, and has a type and where it came from', async () => {
    await using opened = await receiving({ charset: 'ISO-8859-1' });
    await using device = await connected(opened);
    const message = result('C1', `C|1|I|${'x'.repeat(2_000)}\r`);
    expect(await device.send(message)).toBe('\x06');
    expect(bodies(opened)).toEqual([message]);
    expect(opened.delivered[0]).toMatchObject({
      type: 'application/astm',
      charset: 'ISO-8859-1',
      origin: '127.0.0.1',
    });
  });

  test('may stand in one frame with others, or have its records cut anywhere', async () => {
    await using opened = await receiving();
    await using device = await connected(opened);
    const [one, two] = [result('C1'), result('C2')];
    const signs = await answersTo(
      device,
      ENQ,
      frame(1, one.slice(0, 50), '\x17'),
      frame(2, one.slice(50) + two.slice(0, 30), '\x17'),
      frame(3, two.slice(30)),
      EOT,
    );
    expect(signs).toEqual(['ACK', 'ACK', 'ACK', 'ACK']);
    expect(bodies(opened)).toEqual([one, two]);
  });

  test('gets the line ends that a device leaves out, and loses those that are too many', async () => {
    await using opened = await receiving();
    await using device = await connected(opened);
    const signs = await answersTo(
      device,
      ENQ,
      frame(1, 'H|\\^&'),
      frame(2, 'P|1\r\n'),
      frame(3, '\r\nL|1|N'),
      EOT,
    );
    expect(signs).toEqual(['ACK', 'ACK', 'ACK', 'ACK']);
    expect(bodies(opened)).toEqual(['H|\\^&\rP|1\rL|1|N\r']);
  });

  test('that comes again is known by its bytes; a query counts each time', async () => {
    await using opened = await receiving();
    await using device = await connected(opened);
    const query = 'H|\\^&\rQ|1|^S1||ALL\rL|1|N\r';
    for (const message of [result('C1'), query]) await device.send(message);
    expect(opened.delivered.map(({ dedupeKey }) => dedupeKey)).toEqual(['its bytes', undefined]);
  });
});

describe('a frame', () => {
  const [first = '', second = '', ...rest] = frames(result('C1'));

  test('that comes again, since its acknowledgement was lost, is acknowledged and counts once', async () => {
    await using opened = await receiving();
    await using device = await connected(opened);
    const signs = await answersTo(device, ENQ, first, first, second, second, ...rest, EOT);
    expect(new Set(signs)).toEqual(new Set(['ACK']));
    expect(bodies(opened)).toEqual([result('C1')]);
  });

  test.for([
    ['with a wrong checksum', second.replace(/\w\w\r\n$/, 'ZZ\r\n'), /has a wrong checksum/],
    ['with another number', frame(5, 'P|1\r'), /has the number 5 instead of 2/],
  ] as const)(
    '%s is refused until it is right, and operators are told',
    async ([, wrong, told]) => {
      await using opened = await receiving();
      await using device = await connected(opened);
      const signs = await answersTo(device, ENQ, first, wrong, wrong, second, ...rest, EOT);
      expect(signs.slice(0, 5)).toEqual(['ACK', 'ACK', 'NAK', 'NAK', 'ACK']);
      expect(bodies(opened)).toEqual([result('C1')]);
      expect(texts(opened)).toMatch(told);
    },
  );

  test('with records that no header came before is refused', async () => {
    await using opened = await receiving();
    await using device = await connected(opened);
    expect(await answersTo(device, ENQ, frame(1, 'R|1|x\r'), EOT)).toEqual(['ACK', 'NAK']);
    expect(texts(opened)).toMatch(/begins with a record other than H/);
  });

  test('with a wrong checksum is taken where it is not looked at', async () => {
    await using opened = await receiving({ checksum: 'ignore' });
    await using device = await connected(opened);
    const bare = frames(result('C1')).map((one) => one.replace(/\w\w\r\n$/, '\r\n'));
    expect(new Set(await answersTo(device, ENQ, ...bare, EOT))).toEqual(new Set(['ACK']));
    expect(bodies(opened)).toEqual([result('C1')]);
  });
});

describe('what is not stored', () => {
  test('is refused with the last frame, and taken when that comes again', async () => {
    await using opened = await receiving();
    await using device = await connected(opened);
    const all = frames(result('C1'));
    const last = all.pop() ?? '';
    opened.refuse();
    const signs = await answersTo(device, ENQ, ...all, last);
    expect(signs.at(-1)).toBe('NAK');
    opened.accept();
    expect(await answersTo(device, last, EOT)).toEqual(['ACK']);
    expect(bodies(opened)).toEqual([result('C1')]);
  });

  test('of several messages in a frame is the one that comes again; the others count once', async () => {
    await using opened = await receiving();
    await using device = await connected(opened);
    const both = frame(1, result('C1') + result('C2'));
    opened.hold();
    device.write(ENQ + both);
    await soon(() => expect(opened.waiting).toBe(1));
    opened.release();
    opened.refuse();
    expect([await device.said(), await device.said()].map((sign) => sign.charCodeAt(0))).toEqual([
      6, 21,
    ]);
    opened.accept();
    expect(await answersTo(device, both, EOT)).toEqual(['ACK']);
    expect(bodies(opened)).toEqual([result('C1'), result('C2')]);
  });

  test('is a message that its device does not end', async () => {
    await using opened = await receiving({ receiveTimeout: '1s' });
    await using device = await connected(opened);
    const [first = '', second = ''] = frames(result('C1'));
    // ended before the terminator, begun anew, and fallen silent
    await answersTo(device, ENQ, first, second, EOT);
    await soon(() => expect(texts(opened)).toMatch(/ended the transmission in the middle/));
    await answersTo(device, ENQ, first, ENQ, first, second);
    await device.send(result('C2'));
    await soon(() => expect(bodies(opened)).toEqual([result('C2')]));
  });

  test('is what a device sends that falls silent; then it may begin again', async () => {
    await using opened = await receiving({ receiveTimeout: '1s' });
    await using device = await connected(opened);
    const [first = '', second = ''] = frames(result('C1'));
    await answersTo(device, ENQ, first);
    await soon(() => expect(texts(opened)).toMatch(/fell silent in the middle of a message/));
    // as of a device that has not noticed: nothing is begun
    device.write(second);
    expect(await device.send(result('C2'))).toBe('\x06');
    expect(bodies(opened)).toEqual([result('C2')]);
  });
});

describe('a connection', () => {
  test.for([
    [
      { limit: '1KB' },
      ENQ + frames(result('C1', `C|1|${'x'.repeat(1_500)}\r`)).join(''),
      /larger than 1024 bytes/,
    ],
    [{}, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', /is addressed as a web server/],
    [
      { maxJunk: '1KB' },
      result('C1').repeat(20),
      /belong to no frame.*without the low-level protocol/,
    ],
  ] as const)('%j is closed with a word for what cannot be read', async ([given, sends, told]) => {
    await using opened = await receiving(given);
    await using device = await connected(opened);
    device.write(sends);
    await soon(() => expect(device.closed).toBe(true));
    expect(texts(opened)).toMatch(told);
    expect(opened.delivered).toEqual([]);
  });

  test('that is silent is closed after idleTimeout', async () => {
    await using opened = await receiving({ idleTimeout: '50ms' });
    await using device = await connected(opened);
    await soon(() => expect(device.closed).toBe(true));
    expect(device.heard).toBe('');
  });

  test('in mutual TLS names the device', async () => {
    await using files = await certificates();
    const { server, client, trust, authority } = files;
    const tls = { certificate: 'hub', clientCertificate: 'required', trust };
    await using opened = await receiving({ tls }, { credentials: { hub: server } });
    await using device = await astmDevice(portOf(opened), {
      ca: authority.certificate,
      servername: 'localhost',
      cert: client.certificate,
      key: client.key,
    });
    expect(await device.send(result('C1'))).toBe('\x06');
    expect(opened.delivered[0]?.origin).toMatch(/CN=client-a/);
  });
});

const answered = (body: string, status = 'completed') => ({
  reply: { body: Buffer.from(body), type: 'application/astm' },
  outcome: { status },
});

describe('the answer of the target', () => {
  const order = 'H|\\^&|||HUB\rP|1||4711\rO|1|S1||^^^GLU|R\rL|1|N\r';
  const query = 'H|\\^&\rQ|1|^S1||ALL\rL|1|N\r';

  test('goes to the device over the connection of its query, after that has ended', async () => {
    await using opened = await receiving({ answer: 'target' });
    opened.answer(() => answered(order));
    await using device = await connected(opened);
    expect(await device.send(query)).toBe('\x06');
    await soon(() => expect(device.received).toEqual([order]));
    expect(device.heard.endsWith('\x04')).toBe(true);
    // and the line is free for both again
    expect(await device.send(result('C1'))).toBe('\x06');
    await soon(() => expect(device.received).toEqual([order, order]));
  });

  test('waits while the device says that it is busy', async () => {
    await using opened = await receiving({ answer: 'target', busyWait: '50ms' });
    opened.answer(() => answered(order));
    await using device = await connected(opened);
    device.onEnq('\x15');
    await device.send(query);
    await soon(() => expect(device.heard.split('\x05').length).toBeGreaterThan(2));
    device.onEnq('\x06');
    await soon(() => expect(device.received).toEqual([order]));
    expect(opened.events).toEqual([]);
  });

  test.for([
    ['says something in words of its own', answered('{"ok":true}')],
    ['says nothing', answered('')],
    ['did not take the message', answered(order, 'suspended')],
  ] as const)('is none where it %s', async ([, answer]) => {
    await using opened = await receiving({ answer: 'target' });
    opened.answer(() => answer);
    await using device = await connected(opened);
    await device.send(query);
    await device.send(query);
    expect(device.received).toEqual([]);
    expect(opened.events).toEqual([]);
  });

  test.for([
    ['cannot be sent', answered('H|\\^&\rP|1\r'), '\x06', /does not end with a terminator/],
    ['is refused by the device', answered(order), '\x15', /did not accept the answer to its query/],
  ] as const)('that %s is told', async ([, answer, sign, told]) => {
    await using opened = await receiving({ answer: 'target' });
    opened.answer(() => answer);
    await using device = await connected(opened);
    device.onFrame(() => sign);
    await device.send(query);
    await soon(() => expect(texts(opened)).toMatch(told));
  });
});

test('one engine of several calls a device, and check wants one way to it', async () => {
  const called = { callOut: { connect: 'a:1' } };
  expect(astmIn.pollsWith?.(readGiven(astmIn.settings, called))).toBe(true);
  for (const [given, count] of [
    [called, 0],
    [{ ...called, listen: '0.0.0.0:1' }, 1],
    [{}, 1],
  ] as const) {
    expect(await astmIn.check?.(readGiven(astmIn.settings, given))).toHaveLength(count);
  }
});

test('a device that does not wait for its answers holds up nobody else', async () => {
  await using opened = await receiving();
  const flood = connect(portOf(opened), '127.0.0.1').on('error', () => undefined);
  flood.resume();
  // answered one by one from the front of a list, it stands still for half a minute
  flood.write(Buffer.alloc(200_000, 0x05));
  await using device = await connected(opened);
  const begin = performance.now();
  device.write('\x05');
  expect(await device.said()).toBe('\x06');
  expect(performance.now() - begin).toBeLessThan(5_000);
  flood.destroy();
});
