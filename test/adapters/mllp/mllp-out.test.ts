import { describe, expect, test, vi } from 'vitest';
import mllpOut from '../../../adapters/mllp/mllp-out.ts';
import { ackOf, mllpPeer } from '../../support/mllp-peer.ts';
import { inMllp } from '../../support/mllp-sender.ts';
import { streamedBody } from '../../support/open-adapter.ts';
import { adt } from './listening.ts';
import { body, open } from './sending.ts';

test.for(['\n', '\r\n'])(
  'segments that end with %j are sent with CR, also of a stream',
  async (end) => {
    await using peer = await mllpPeer();
    peer.script((message) => ackOf(message));
    await using out = await open(peer);
    const written = Buffer.from(adt('M1').replaceAll('\r', end));
    await out.send(written);
    await out.send(streamedBody(written));
    expect(peer.received.map(String)).toEqual([adt('M1'), adt('M1')]);
  },
);

describe('the answer of a scripted peer', () => {
  test.for([
    { code: 'AA', more: '', text: undefined },
    { code: 'AE', more: '|Bed unknown', text: 'Bed unknown' },
    { code: 'AR', more: '', text: undefined },
    { code: 'CA', more: '', text: undefined },
    {
      code: 'AE',
      more: '|No\rERR||PID^1^3|101^Required field missing^HL70357|E||||MRN missing',
      text: 'No; PID-3: MRN missing (101)',
    },
  ])('$code$more becomes the reply', async ({ code, more, text }) => {
    await using peer = await mllpPeer();
    peer.script((message) => ackOf(message, code, undefined, more));
    await using out = await open(peer);
    const reply = await out.send(body('M1'));
    expect(reply).toMatchObject({ type: 'HL7v2:ACK_A01:2.5.1', code });
    expect(reply?.text).toBe(text);
    expect(reply?.problems).toBeUndefined();
    expect(Buffer.from(reply?.body ?? []).toString()).toMatch(/^MSH.*\rMSA/);
  });

  test.for([
    {
      what: 'with another control id',
      script: (message: string) => ackOf(message, 'AA', 'OTHER'),
      problems: ['wrong-control-id'],
    },
    {
      what: 'of another event',
      script: () => inMllp('MSH|^~\\&|R|F|A|B|2026||ACK^A08^ACK|1|P|2.5.1\rMSA|AA|M1\r'),
      problems: ['wrong-type'],
    },
    {
      what: 'without MSA',
      script: () => inMllp('MSH|^~\\&|R|F|A|B|2026||ACK|1|P|2.5.1\r'),
      problems: ['no-code'],
    },
    { what: 'that is no HL7', script: () => inMllp('\u0006'), problems: ['no-code'] },
    { what: 'that is empty', script: () => inMllp(''), problems: ['no-code'] },
  ])('$what is returned with its problem', async ({ script, problems }) => {
    await using peer = await mllpPeer();
    peer.script(script);
    await using out = await open(peer, {}, { ruled: ['wrong-control-id'] });
    expect((await out.send(body('M1')))?.problems).toEqual(problems);
    // What comes next on such a connection could belong to anything.
    peer.script((message) => ackOf(message));
    await out.send(body('M2'));
    expect(peer.connections).toBe(problems.includes('wrong-type') ? 1 : 2);
  });

  test('in two parts, or after junk, counts as well', async () => {
    await using peer = await mllpPeer();
    peer.script((message, socket) => {
      const answer = Buffer.concat([Buffer.from('\r\njunk'), ackOf(message)]);
      socket.write(answer.subarray(0, 20));
      return answer.subarray(20);
    });
    await using out = await open(peer);
    expect(await out.send(body('M1'))).toMatchObject({ code: 'AA' });
  });

  test('without its start byte or its last CR counts as well', async () => {
    await using peer = await mllpPeer();
    const answers = [
      (message: string) => ackOf(message).subarray(1),
      (message: string) => ackOf(message).subarray(0, -1),
    ];
    peer.script((message, _, count) => answers[count - 1]?.(message));
    await using out = await open(peer);
    expect(await out.send(body('M1'))).toMatchObject({ code: 'AA' });
    expect(await out.send(body('M2'))).toMatchObject({ code: 'AA' });
  });
});

describe('an acknowledgement that is not of the message in flight', () => {
  test.for([
    { what: 'a second one of the message before', sends: ['M1'], comes: 'M1' },
    { what: 'a late one of a message before that', sends: ['M1', 'M2'], comes: 'M1' },
  ])('$what is set aside, told once, and the right one counts', async ({ sends, comes }) => {
    await using peer = await mllpPeer();
    await using out = await open(peer, {}, { ruled: ['wrong-control-id'] });
    for (const id of sends) expect(await out.send(body(id))).toMatchObject({ code: 'AA' });
    peer.script((message) => Buffer.concat([ackOf(message, 'AA', comes), ackOf(message, 'AE')]));
    expect(await out.send(body('M8'))).toMatchObject({ code: 'AE' });
    // out of order, and with the connection kept
    peer.script((message, socket) => {
      setTimeout(() => socket.write(ackOf(message, 'AE')), 50);
      return ackOf(message, 'AA', comes);
    });
    const reply = await out.send(body('M9'));
    expect(reply).toMatchObject({ code: 'AE' });
    expect(reply?.problems).toBeUndefined();
    expect(peer.connections).toBe(1);
    expect(out.events).toEqual([
      {
        level: 'warn',
        name: 'acknowledgement-set-aside',
        text: expect.stringMatching(
          /late or repeated acknowledgement of an earlier message arrived; it was set aside/,
        ),
      },
    ]);
  });

  test('is set aside while nothing is in flight, and the connection stays', async () => {
    await using peer = await mllpPeer();
    peer.script((message, socket) => {
      setTimeout(() => socket.write(ackOf(message)), 20);
      return ackOf(message);
    });
    await using out = await open(peer);
    await out.send(body('M1'));
    await vi.waitFor(() => expect(out.events).toHaveLength(1));
    await out.send(body('M2'));
    expect(peer.connections).toBe(1);
  });

  test.for([
    { what: 'of a message that nobody knows', comes: 'NOBODY' },
    { what: 'without a control id', comes: '' },
  ])(
    '$what: the right one is waited for, or none is taken for all that came',
    async ({ comes }) => {
      await using peer = await mllpPeer();
      await using out = await open(peer, { ackTimeout: '1s' });
      peer.script((message) => Buffer.concat([ackOf(message, 'AA', comes), ackOf(message, 'AE')]));
      expect(await out.send(body('M1'))).toMatchObject({ code: 'AE' });
      peer.script((message) => ackOf(message, 'AA', comes));
      await expect(out.send(body('M2'))).rejects.toMatchObject({
        code: 'REPLY_TIMEOUT',
        message: expect.stringMatching(
          /has a control id other than.*replies: \{ wrong-control-id: warn \}/,
        ),
      });
      // a connection for each message can have no other answer
      await using once = await open(peer, { stayConnected: '0s' });
      expect(await once.send(body('M3'))).toMatchObject({ problems: ['wrong-control-id'] });
    },
  );

  test('cannot be told where the message has no control id: the next one counts', async () => {
    await using peer = await mllpPeer();
    peer.script((message) => ackOf(message, 'AA', 'THEIRS'));
    await using out = await open(peer);
    expect(await out.send(body(''))).toMatchObject({ code: 'AA' });
  });
});

describe('without an answer', () => {
  test('the message is retried after ackTimeout', async () => {
    await using peer = await mllpPeer();
    peer.script(() => undefined);
    await using out = await open(peer, { ackTimeout: '50ms' });
    await expect(out.send(body('M1'))).rejects.toMatchObject({
      code: 'REPLY_TIMEOUT',
      retryable: true,
      message: expect.stringMatching(/did not acknowledge within 50 ms\. It may have/),
    });
  });

  test('in marks the bytes that came are named', async () => {
    await using peer = await mllpPeer();
    peer.script(() => Buffer.from('thank you\r\n'));
    await using out = await open(peer, { ackTimeout: '1s' });
    await expect(out.send(body('M1'))).rejects.toMatchObject({
      message: expect.stringMatching(/11 bytes arrived outside the marks.*framing/),
    });
  });

  test.for([
    { what: 'closes at once', script: () => undefined },
    {
      what: 'closes in the middle of it',
      script: (message: string) => ackOf(message).subarray(0, 30),
    },
  ])('because the peer $what, the message is retried', async ({ script }) => {
    await using peer = await mllpPeer();
    peer.script((message, socket) => {
      socket.end(script(message) ?? '');
      return undefined;
    });
    await using out = await open(peer);
    await expect(out.send(body('M1'))).rejects.toMatchObject({
      code: 'ADAPTER_TEMPORARY',
      message: expect.stringMatching(/closed the connection before it acknowledged.*may have it/),
    });
  });

  test('a late acknowledgement is never credited to the next message', async () => {
    await using peer = await mllpPeer();
    const late: (() => void)[] = [];
    peer.script((message, socket, count) => {
      if (count > 1) return ackOf(message, 'AE');
      late.push(() => socket.write(ackOf(message, 'AA', 'M2')));
      return undefined;
    });
    await using out = await open(peer, { ackTimeout: '1s' });
    await expect(out.send(body('M1'))).rejects.toMatchObject({ code: 'REPLY_TIMEOUT' });
    for (const send of late) send();
    expect(await out.send(body('M2'))).toMatchObject({ code: 'AE' });
    expect(peer.connections).toBe(2);
  });

  test('none is waited for with reply: none', async () => {
    await using peer = await mllpPeer();
    peer.script(() => undefined);
    await using out = await open(peer, { reply: 'none' });
    expect(await out.send(body('M1'))).toBeUndefined();
    await vi.waitFor(() => expect(peer.received).toEqual([body('M1')]));
  });
});

describe('connections', () => {
  test('are opened at once and kept for the next message', async () => {
    await using peer = await mllpPeer();
    await using out = await open(peer);
    expect(out.states).toEqual([{ state: 'connected', detail: `127.0.0.1:${peer.port}` }]);
    for (let n = 0; n < 5; n++) await out.send(body(`M${n}`));
    expect(peer.connections).toBe(1);
  });

  test('are as many as messages in flight, with one message on each', async () => {
    await using peer = await mllpPeer();
    peer.hold();
    await using out = await open(peer);
    const sending = ['M1', 'M2', 'M3'].map((id) => out.send(body(id)));
    await vi.waitFor(() => expect(peer.received).toHaveLength(3));
    expect(peer.open.size).toBe(3);
    peer.release();
    const codes = (await Promise.all(sending)).map((reply) => reply?.code);
    expect(codes).toEqual(['AA', 'AA', 'AA']);
  });

  test('are opened for each message with stayConnected 0s', async () => {
    await using peer = await mllpPeer();
    await using out = await open(peer, { stayConnected: '0s' });
    await out.send(body('M1'));
    await out.send(body('M2'));
    expect(peer.connections).toBe(3);
    await vi.waitFor(() => expect(peer.open.size).toBe(0));
  });

  test('are closed after they were idle for stayConnected', async () => {
    await using peer = await mllpPeer();
    await using out = await open(peer, { stayConnected: '50ms' });
    await out.send(body('M1'));
    await vi.waitFor(() => expect(peer.open.size).toBe(0));
    await vi.waitFor(() => expect(out.states.at(-1)?.state).toBe('waiting'));
    expect(await out.send(body('M2'))).toMatchObject({ code: 'AA' });
  });

  test('that the peer closed are replaced for the next message', async () => {
    await using peer = await mllpPeer();
    await using out = await open(peer);
    for (const socket of peer.open) socket.destroy();
    await vi.waitFor(() => expect(out.states.at(-1)?.state).toBe('waiting'));
    expect(await out.send(body('M1'))).toMatchObject({ code: 'AA' });
  });

  test('are not used any more after the peer spoke unasked', async () => {
    await using peer = await mllpPeer();
    await using out = await open(peer);
    await vi.waitFor(() => expect(peer.open.size).toBe(1));
    for (const socket of peer.open) socket.write(ackOf(adt('X'), 'AA', 'M1'));
    await vi.waitFor(() => expect(peer.open.size).toBe(0));
    peer.script((message) => ackOf(message, 'AE'));
    expect(await out.send(body('M1'))).toMatchObject({ code: 'AE' });
  });

  test('send no faster than throttle', async () => {
    await using peer = await mllpPeer();
    await using out = await open(peer, { throttle: 10 });
    const begin = performance.now();
    for (let n = 0; n < 6; n++) await out.send(body(`M${n}`));
    // five pauses of 100 ms: far more than six exchanges take by themselves
    expect(performance.now() - begin).toBeGreaterThan(490);
  });
});

describe('a body', () => {
  test.for(['\u000b', '\u001c\r'])('with the marks %j is kept for a person', async (mark) => {
    await using peer = await mllpPeer();
    await using out = await open(peer);
    const message = Buffer.from(`${adt('M1')}NTE|1||a${mark}b\r`);
    await expect(out.send(message)).rejects.toMatchObject({ code: 'ADAPTER_SUSPEND' });
    const filler = Buffer.from(`${adt('M2')}NTE|1||${'x'.repeat(65_536 - adt('M2').length - 8)}`);
    const split = Buffer.concat([filler, Buffer.from(mark)]);
    await expect(out.send(streamedBody(split))).rejects.toMatchObject({ code: 'ADAPTER_SUSPEND' });
    expect(peer.received).toEqual([]);
  });

  test('that is not HL7 is sent as it is', async () => {
    await using peer = await mllpPeer();
    peer.script(() => inMllp('MSH|^~\\&|R|F|A|B|2026||ACK|1|P|2.5\rMSA|AA|\r'));
    await using out = await open(peer);
    expect(await out.send(Buffer.from('<a/>'))).toMatchObject({ code: 'AA' });
    expect(peer.received.map(String)).toEqual(['<a/>']);
  });

  test('the peer does not take in time is retried', async () => {
    await using peer = await mllpPeer();
    await using out = await open(peer, { writeTimeout: '100ms' });
    await vi.waitFor(() => expect(peer.open.size).toBe(1));
    for (const socket of peer.open) socket.pause();
    const large = Buffer.concat([body('M1'), Buffer.alloc(30_000_000, 'x')]);
    await expect(out.send(streamedBody(large))).rejects.toMatchObject({
      code: 'ADAPTER_TEMPORARY',
      message: expect.stringMatching(/did not take the bytes.*within 100 ms/),
    });
  });
});

test('replies are judged like in IRIS unless the operation says otherwise', () => {
  expect(mllpOut.replies).toEqual({
    AA: 'complete',
    CA: 'complete',
    AE: 'suspend',
    CE: 'suspend',
    AR: ['retry', 'fail'],
    CR: ['retry', 'fail'],
    other: 'suspend',
    'wrong-control-id': 'warn',
    'wrong-type': 'complete',
    'no-code': 'suspend',
    none: 'retry',
  });
});
