import { describe, expect, test } from 'vitest';
import astmIn from '../../../adapters/astm/astm-in.ts';
import astmOut from '../../../adapters/astm/astm-out.ts';
import {
  type AstmSide,
  astmDevice,
  astmServer,
  frames,
  result,
} from '../../support/astm-device.ts';
import { certificates } from '../../support/certificates.ts';
import { portOf } from '../../support/mllp-sender.ts';
import {
  type OpenedOutbound,
  openInbound,
  openOutbound,
  readGiven,
  streamedBody,
  testSteps,
} from '../../support/open-adapter.ts';
import { bodies, soon } from './receiving.ts';

type Given = Readonly<Record<string, unknown>>;

const ORDER = 'H|\\^&|||HUB\rP|1||4711\rO|1|S1||^^^GLU|R\rL|1|N\r';
const body = Buffer.from(ORDER);

const open = ({ port }: { readonly port: number }, given: Given = {}): Promise<OpenedOutbound> =>
  openOutbound(astmOut, { connect: `127.0.0.1:${port}`, ...given });

/** The one connection of a device, once it is there. */
async function sideOf(server: { readonly sides: AstmSide[] }): Promise<AstmSide> {
  await soon(() => expect(server.sides.length).toBeGreaterThan(0));
  const [side] = server.sides;
  if (side === undefined) throw new Error('nobody is connected');
  return side;
}

describe('a message', () => {
  test('goes out frame by frame, and is done once the last is acknowledged', async () => {
    await using server = await astmServer();
    await using out = await open(server);
    expect(await out.send(body)).toMatchObject({ code: 'ACK' });
    const side = await sideOf(server);
    await soon(() => expect(side.heard).toBe(`\x05${frames(ORDER).join('')}\x04`));
    await out.send(body);
    expect(server.received.map(String)).toEqual([ORDER, ORDER]);
    expect(server.sides).toHaveLength(1);
  });

  test('that is large goes out whole', async () => {
    await using server = await astmServer();
    await using out = await open(server, { frameText: 60_000 });
    const records = Array.from({ length: 3_000 }, (_, n) => `R|${n}|^^^X|${'1'.repeat(300)}\r`);
    const message = `H|\\^&\r${records.join('')}L|1|N\r`;
    await out.send(streamedBody(Buffer.from(message)));
    expect(server.received.map(String)).toEqual([message]);
  });

  test.for([
    ['MSH|^~\\&|A\r', /does not begin with a header record/],
    ['H|\\^&\rP|1\r', /does not end with a terminator record/],
    ['H|\\^&\rC|1|\x04\rL|1\r', /has the byte 0x04/],
  ] as const)('%j is set aside', async ([text, says]) => {
    await using server = await astmServer();
    await using out = await open(server);
    const sending = out.send(Buffer.from(text, 'latin1'));
    await expect(sending).rejects.toMatchObject({ code: 'ADAPTER_SUSPEND' });
    await expect(sending).rejects.toThrow(says);
    expect((await sideOf(server)).heard).toBe('');
  });
});

describe('a device', () => {
  test('that refuses a frame gets it again, six times and no more', async () => {
    await using server = await astmServer();
    let refusals = 3;
    server.each((side) => side.onFrame(() => (refusals-- > 0 ? '\x15' : '\x06')));
    await using out = await open(server);
    expect(await out.send(body)).toMatchObject({ code: 'ACK' });
    refusals = Number.POSITIVE_INFINITY;
    const side = await sideOf(server);
    await soon(() => expect(side.heard.endsWith('\x04')).toBe(true));
    const before = side.heard.length;
    expect(await out.send(body)).toMatchObject({ code: 'NAK' });
    const first = frames(ORDER)[0] ?? '';
    await soon(() => expect(side.heard.slice(before)).toBe(`\x05${first.repeat(6)}\x04`));
  });

  test('that is busy is left alone for a while', async () => {
    await using server = await astmServer();
    server.each((side) => side.onEnq('\x15'));
    await using out = await open(server, { busyWait: '200ms' });
    expect(await out.send(body)).toMatchObject({ code: 'BUSY' });
    const begin = performance.now();
    server.each((side) => side.onEnq('\x06'));
    expect(await out.send(body)).toMatchObject({ code: 'ACK' });
    expect(performance.now() - begin).toBeGreaterThan(150);
  });

  test('that asks for the line with EOT has taken the frame', async () => {
    await using server = await astmServer();
    server.each((side) => side.onFrame((_, count) => (count === 2 ? '\x04' : '\x06')));
    await using out = await open(server);
    expect(await out.send(body)).toMatchObject({ code: 'ACK' });
    expect(server.received.map(String)).toEqual([ORDER]);
  });

  test.for([
    ['an enquiry', (side: AstmSide) => side.onEnq(''), '\x05\x04', /to an enquiry \(ENQ\)/],
    [
      'a frame',
      (side: AstmSide) => side.onFrame(() => ''),
      `\x05${frames(ORDER)[0]}\x04`,
      /to a frame\./,
    ],
    [
      'the last frame',
      (side: AstmSide) => side.onFrame((text) => (text.startsWith('L') ? '' : '\x06')),
      `\x05${frames(ORDER).join('')}\x04`,
      /to the last frame of a message: it may have it/,
    ],
  ] as const)(
    'that does not answer %s is told that it is over, and the message fails',
    async ([, set, heard, says]) => {
      await using server = await astmServer();
      server.each(set);
      await using out = await open(server, { replyTimeout: '1s' });
      const sending = out.send(body);
      await expect(sending).rejects.toMatchObject({ code: 'REPLY_TIMEOUT', retryable: true });
      await expect(sending).rejects.toThrow(says);
      const side = await sideOf(server);
      await soon(() => expect(side.heard).toBe(heard));
    },
  );

  test('that answers too late answers nothing that is asked after it', async () => {
    await using server = await astmServer();
    const late: (() => void)[] = [];
    server.each((side) =>
      side.onFrame(() => {
        late.push(() => side.write('\x06'));
        return '';
      }),
    );
    await using out = await open(server, { replyTimeout: '1s', busyWait: '2s' });
    await expect(out.send(body)).rejects.toMatchObject({ code: 'REPLY_TIMEOUT' });
    server.each((side) => side.onFrame(() => '\x15'));
    const second = out.send(body);
    for (const answer of late) answer();
    // had it been taken for an answer to ENQ, the frames would have been taken for acknowledged
    await expect(second).resolves.toMatchObject({ code: 'NAK' });
    expect(server.received).toEqual([]);
  });

  test('that wants to send is told that nothing is taken here, and so are operators', async () => {
    await using server = await astmServer();
    await using out = await open(server);
    const side = await sideOf(server);
    expect(await side.send(result('C1'))).toBe('\x15');
    expect(out.events).toEqual([
      {
        level: 'warn',
        name: 'device-not-heard',
        text: expect.stringMatching(/name that under through/),
      },
    ]);
    expect(await out.send(body)).toMatchObject({ code: 'ACK' });
  });

  test('that has left is connected to again for the next message', async () => {
    await using server = await astmServer();
    await using out = await open(server);
    await out.send(body);
    (await sideOf(server)).reset();
    await soon(() => expect(out.states.at(-1)?.state).toBe('waiting'));
    expect(await out.send(body)).toMatchObject({ code: 'ACK' });
    expect(server.sides).toHaveLength(2);
  });
});

/** A service with a device connected to it, and an operation that sends over its connection. */
async function together(given: Given = {}) {
  await using stack = new AsyncDisposableStack();
  const service = stack.use(await openInbound(astmIn, { listen: '127.0.0.1:0', ...given }));
  const device = stack.use(await astmDevice(portOf(service)));
  await device.send(result('C0'));
  // both are hosts of the same name in these tests
  const out = stack.use(await openOutbound(astmOut, { through: 'under-test', ...given }));
  const all = stack.move();
  return { service, device, out, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

describe('over the connection that a service has with the device', () => {
  test('messages go both ways', async () => {
    await using all = await together();
    expect(await all.out.send(body)).toMatchObject({ code: 'ACK' });
    expect(await all.device.send(result('C1'))).toBe('\x06');
    expect(await all.out.send(body)).toMatchObject({ code: 'ACK' });
    expect(all.device.received).toEqual([ORDER, ORDER]);
    expect(bodies(all.service)).toEqual([result('C0'), result('C1')]);
    expect(all.out.states.at(-1)?.detail).toBe('127.0.0.1, through under-test');
  });

  test('a message waits until the device has ended its own', async () => {
    await using all = await together();
    const [first = '', ...rest] = frames(result('C1'));
    all.device.write(`\x05${first}`);
    await all.device.said();
    await all.device.said();
    const sending = all.out.send(body);
    for (const one of rest) {
      all.device.write(one);
      await all.device.said();
    }
    expect(all.device.heard).not.toContain('\x05');
    all.device.write('\x04');
    expect(await sending).toMatchObject({ code: 'ACK' });
    expect(bodies(all.service)).toContain(result('C1'));
  });

  test('where both begin at once the device goes first', async () => {
    await using all = await together({ contentionWait: '30s' });
    // the device has begun too, and heard nothing yet
    all.device.onEnq('\x05');
    const sending = all.out.send(body);
    await soon(() => expect(all.device.heard).toContain('\x05'));
    all.device.onEnq('\x06');
    const begin = performance.now();
    expect(await all.device.send(result('C1'))).toBe('\x06');
    // and then at once ours
    expect(await sending).toMatchObject({ code: 'ACK' });
    expect(performance.now() - begin).toBeLessThan(20_000);
    expect(all.device.received).toEqual([ORDER]);
    expect(bodies(all.service)).toContain(result('C1'));
  });

  test('where both begin at once and the device does not begin again, it is our turn after a while', async () => {
    await using all = await together({ contentionWait: '100ms' });
    let enquiries = 0;
    all.device.onEnq('\x05');
    const sending = all.out.send(body);
    await soon(() => {
      enquiries = all.device.heard.split('\x05').length - 1;
      expect(enquiries).toBeGreaterThan(0);
    });
    all.device.onEnq('\x06');
    expect(await sending).toMatchObject({ code: 'ACK' });
  });

  test('as an instrument we begin again first', async () => {
    await using all = await together({ role: 'instrument' });
    all.device.onEnq('\x05');
    const sending = all.out.send(body);
    await soon(() => expect(all.device.heard).toContain('\x05'));
    all.device.onEnq('\x06');
    expect(await sending).toMatchObject({ code: 'ACK' });
  });

  test('a device that is not there is waited for, and so is a service', async () => {
    await expect(openOutbound(astmOut, { through: 'nobody' })).rejects.toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
      message: expect.stringMatching(/No device is connected to nobody on this engine\. Switch/),
    });
    await using all = await together();
    await all.device[Symbol.asyncDispose]();
    await soon(() => expect(all.service.states.length).toBeGreaterThan(0));
    await expect(all.out.send(body)).rejects.toMatchObject({
      code: expect.stringMatching(/ADAPTER_(NOT_CONNECTED|TEMPORARY)/),
      retryable: true,
    });
    await using other = await astmDevice(portOf(all.service));
    await soon(() => expect(other.closed).toBe(false));
    await expect(all.out.send(body)).resolves.toMatchObject({ code: 'ACK' });
  });

  test('of several devices one is named', async () => {
    await using service = await openInbound(astmIn, { listen: '[::]:0' });
    const port = portOf(service);
    await using first = await astmDevice(port);
    await first.send(result('C1'));
    await using out = await openOutbound(astmOut, { through: 'under-test', device: '127.0.0.1' });
    expect(await out.send(body)).toMatchObject({ code: 'ACK' });
    await expect(
      openOutbound(astmOut, { through: 'under-test', device: '10.9.9.9' }),
    ).rejects.toThrow(/10\.9\.9\.9 is not connected/);
  });
});

test('its connection test says what it would use, and says nothing to a device', async () => {
  await using server = await astmServer();
  const own = await testSteps(astmOut, { connect: `127.0.0.1:${server.port}` });
  expect(own.map(({ name, result: how }) => `${name} ${how}`)).toEqual([
    'name passed',
    'TCP passed',
  ]);
  expect(server.sides.every(({ heard }) => heard === '')).toBe(true);
  await using all = await together();
  const through = await testSteps(astmOut, { through: 'under-test' });
  expect(through).toMatchObject([{ name: 'device', result: 'passed' }]);
  expect(through[0]?.detail).toBe('127.0.0.1 is connected to under-test');
  const none = await testSteps(astmOut, { through: 'nobody' });
  expect(none).toMatchObject([{ name: 'device', result: 'failed', remedy: expect.any(String) }]);
  expect(all.device.heard).not.toContain('\x05');
});

test('it speaks TLS, with a certificate of our own', async () => {
  await using files = await certificates();
  const { server: own, client, trust, authority } = files;
  await using server = await astmServer({
    cert: own.certificate,
    key: own.key,
    ca: authority.certificate,
    requestCert: true,
  });
  await using out = await openOutbound(
    astmOut,
    { connect: `localhost:${server.port}`, tls: { trust, certificate: 'hub' } },
    { credentials: { hub: client } },
  );
  expect(await out.send(body)).toMatchObject({ code: 'ACK' });
});

test('check wants one way to the device', async () => {
  for (const [given, paths] of [
    [{ connect: 'a:1' }, []],
    [{ through: 'a' }, []],
    [{}, ['connect']],
    [{ connect: 'a:1', through: 'a' }, ['connect']],
    [{ connect: 'a:1', device: '10.1.2.3' }, ['device']],
    [{ through: 'a', tls: {} }, ['tls']],
  ] as const) {
    const faults = await astmOut.check?.(readGiven(astmOut.settings, given));
    expect(faults?.map(({ path }) => path[0])).toEqual(paths);
  }
});
