import { describe, expect, test, vi } from 'vitest';
import { hl7Document } from '../../../src/document/index.ts';
import { certificates } from '../../support/certificates.ts';
import { inMllp, type MllpSender, mllpSender, portOf } from '../../support/mllp-sender.ts';
import { openResources } from '../../support/nothing-open.ts';
import { texts } from '../../support/open-adapter.ts';
import { adt, closed, connected, listening } from './listening.ts';

describe('a delivered message', () => {
  test('has its type, control id, charset and sender', async () => {
    await using opened = await listening();
    await using sender = await connected(opened);
    sender.send(adt('M1', '||||||8859/1'));
    await sender.answered(1);
    expect(opened.delivered[0]).toMatchObject({
      type: 'HL7v2:ADT_A01:2.5.1',
      dedupeKey: 'M1',
      charset: 'iso-8859-1',
      origin: '127.0.0.1',
    });
  });

  test('has the charset of the setting where it names none', async () => {
    await using opened = await listening({ charset: 'windows-1252' });
    await using sender = await connected(opened);
    sender.send(adt('M1'));
    await sender.answered(1);
    expect(opened.delivered[0]?.charset).toBe('windows-1252');
  });

  test('that calls Windows-1252 8859/1 is told of once, and read as what it is if that is set', async () => {
    const sent = Buffer.concat([
      Buffer.from(`${adt('M1', '||||||8859/1')}NTE|1||5 `),
      Buffer.from([0x80, 0x20, 0xe4]),
      Buffer.from('\r'),
    ]);
    const comment = async (
      more: Readonly<Record<string, unknown>>,
    ): Promise<[string, string, string[]]> => {
      await using opened = await listening(more);
      await using sender = await connected(opened);
      sender.send(sent);
      sender.send(Buffer.from(sent.toString('latin1').replace('|M1|', '|M2|'), 'latin1'));
      await sender.answered(2);
      const [message] = opened.delivered;
      const body = Buffer.from(message?.body as Uint8Array);
      expect(body.equals(sent)).toBe(true);
      const read = hl7Document(body, message?.charset);
      return [message?.charset ?? '', read.get('NTE-3'), opened.events.map(({ name }) => name)];
    };
    expect(await comment({})).toEqual(['iso-8859-1', '5 \u0080 ä', ['windows-1252']]);
    expect(await comment({ charset: 'Windows-1252' })).toEqual(['windows-1252', '5 € ä', []]);
  });
});

describe('what other listeners take', () => {
  test.for(['\r', '\n', '\r\n', '\r\n\r\n', ' \n'])(
    'a line end before MSH (%j)',
    async (before) => {
      for (const validate of ['none', 'basic', 'structure']) {
        await using opened = await listening({ validate });
        await using sender = await connected(opened);
        for (const [id, end] of [
          ['M1', '\r'],
          ['M2', '\n'],
          ['M3', '\r\n'],
        ] as const) {
          sender.send(before + withEvent(adt(id)).replaceAll('\r', end));
        }
        sender.send(`${before}BHS|^~\\&\r${withEvent(adt('M4'))}BTS|1\r`);
        await sender.answered(4);
        expect(sender.codes()).toEqual(['AA|M1', 'AA|M2', 'AA|M3', 'AA|M4']);
        sender.send(before + adt('M5') + adt('M6'));
        await sender.answered(5);
        const said = validate === 'none' ? 'MSA|AA|M5' : '2 MSH segments';
        expect(sender.answers[4]).toContain(said);
      }
    },
  );

  test('a message without type or control id, if nothing is checked', async () => {
    await using opened = await listening({ validate: 'none' });
    await using sender = await connected(opened);
    const bare = 'MSH|^~\\&|APP|FAC\rZXX|1\r';
    sender.send(bare);
    sender.send(bare.replace('|1', '|2'));
    sender.send(adt(''));
    await sender.answered(3);
    expect(sender.codes()).toEqual(['AA|', 'AA|', 'AA|']);
    expect(opened.delivered.map(({ type }) => type)).toEqual([
      'HL7v2',
      'HL7v2',
      'HL7v2:ADT_A01:2.5.1',
    ]);
    // one that is repeated after a lost answer is known by its bytes
    expect(new Set(opened.delivered.map(({ dedupeKey }) => dedupeKey))).toEqual(
      new Set(['without MSH-10']),
    );
    await using strict = await listening();
    await using other = await connected(strict);
    other.send(bare);
    await other.answered(1);
    expect(other.codes()).toEqual(['AR|']);
  });
});

/** With the segment that its structure asks for. */
const withEvent = (text: string): string => text.replace('PID|', 'EVN|A01|20260101\rPID|');

describe('a connection', () => {
  test('may be half closed: what was sent is still answered', async () => {
    await using opened = await listening();
    await using sender = await connected(opened);
    sender.socket.end(Buffer.concat([inMllp(adt('M1')), inMllp(adt('M2'))]));
    await sender.answered(2);
    await closed(sender);
    expect(sender.codes()).toEqual(['AA|M1', 'AA|M2']);
  });

  test('that is gone before the acknowledgement leaves the message stored', async () => {
    await using opened = await listening();
    opened.hold();
    const sender = await connected(opened);
    sender.send(adt('M1'));
    await vi.waitFor(() => expect(opened.waiting).toBe(1));
    sender.socket.resetAndDestroy();
    opened.release();
    await vi.waitFor(() => expect(opened.delivered).toHaveLength(1));
    await using again = await connected(opened);
    again.send(adt('M1'));
    await again.answered(1);
    expect(again.codes()).toEqual(['AA|M1']);
    expect(opened.delivered.map(({ dedupeKey }) => dedupeKey)).toEqual(['M1', 'M1']);
  });

  test('whose sender leaves in the middle of a message is reported, and leaves nothing behind', async () => {
    const resources = openResources();
    await using opened = await listening();
    await using sender = await connected(opened);
    sender.socket.end('\u000bMSH|^~\\&|A');
    await closed(sender);
    await vi.waitFor(() =>
      expect(texts(opened)).toMatch(/left in the middle of a message \(10 bytes/),
    );
    expect(opened.delivered).toEqual([]);
    await opened.close();
    await resources.expectNothingNew();
  });

  test('that sends a byte now and then is closed when a message takes too long in total', async () => {
    await using opened = await listening({ frameTimeout: '150ms' });
    await using sender = await connected(opened);
    for (const byte of inMllp(adt('M1')).subarray(0, -1)) {
      if (sender.closed || sender.socket.destroyed) break;
      sender.write(Buffer.of(byte));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await closed(sender);
    expect(texts(opened)).toMatch(/did not finish a message in time/);
    expect(sender.answers).toEqual([]);
  });

  test('that never reads its acknowledgements is closed', async () => {
    await using opened = await listening({ writeTimeout: '100ms' });
    await using sender = await connected(opened);
    sender.socket.pause();
    // MSA-2 repeats MSH-10, so that a few hundred answers fill every buffer on the way.
    const message = inMllp(adt('C'.repeat(30_000)));
    for (let n = 0; n < 500; n++) sender.write(message);
    await vi.waitFor(() => expect(texts(opened)).toMatch(/does not read its acknowledgements/), {
      timeout: 5_000,
    });
  });

  test('that sends faster than messages are stored is slowed down', async () => {
    await using opened = await listening();
    opened.hold();
    await using sender = await connected(opened);
    const message = inMllp(adt('M1', `||||||${' '.repeat(60_000)}`));
    for (let n = 0; n < 400; n++) sender.write(message);
    await vi.waitFor(() => expect(opened.waiting).toBe(1));
    await vi.waitFor(() => expect(sender.socket.writableLength).toBeGreaterThan(5_000_000));
    opened.release();
    await sender.answered(400);
  });

  test('that sends nothing is closed after idleTimeout, but not while its message is in work', async () => {
    await using opened = await listening({ idleTimeout: '1s' });
    opened.hold();
    await using busy = await connected(opened);
    busy.send(adt('M1'));
    await vi.waitFor(() => expect(opened.waiting).toBe(1));
    await using idle = await connected(opened);
    // By then the time of the busy one has run out as well.
    await closed(idle);
    expect(busy.closed).toBe(false);
    opened.release();
    await busy.answered(1);
    await closed(busy);
  });

  test('that sends nothing but junk is closed once that is more than maxJunk', async () => {
    await using opened = await listening({ maxJunk: '1KB' });
    await using sender = await connected(opened);
    sender.write(Buffer.alloc(1_000, 'x'));
    sender.send(adt('M1'));
    await sender.answered(1);
    sender.write(Buffer.alloc(1_000, 'x'));
    sender.write(Buffer.alloc(1_000, 'x'));
    await closed(sender);
    expect(texts(opened)).toMatch(/2000 bytes came without the start of a message/);
  });

  test('that sends junk before each message is told of once a minute, with how much it was', async () => {
    await using opened = await listening();
    await using sender = await connected(opened);
    const skipped = (): string[] =>
      opened.events.filter(({ name }) => name === 'bytes-skipped').map(({ text }) => text);
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      for (let n = 1; n <= 20; n++) {
        sender.write(Buffer.from('junk!'));
        sender.send(adt(`M${n}`));
        await sender.answered(n);
      }
      expect(skipped()).toHaveLength(1);
      vi.advanceTimersByTime(61_000);
      sender.write(Buffer.from('junk!'));
      sender.send(adt('M21'));
      await sender.answered(21);
      expect(skipped()).toEqual([
        expect.stringContaining('sent 5 bytes that belong to no message'),
        expect.stringContaining('sent 100 bytes that belong to no message'),
      ]);
    } finally {
      vi.useRealTimers();
    }
  });

  test('that sends what is not HL7 five times in a row is closed', async () => {
    await using opened = await listening();
    await using sender = await connected(opened);
    for (let n = 0; n < 4; n++) sender.send('hello');
    sender.send(adt('M1'));
    await sender.answered(5);
    expect(sender.closed).toBe(false);
    for (let n = 0; n < 5; n++) sender.send('hello');
    await closed(sender);
    expect(sender.codes()).toEqual([...Array(4).fill('AR|'), 'AA|M1', ...Array(5).fill('AR|')]);
  });

  test('that sends too much is told so, if the header came, and closed', async () => {
    await using opened = await listening({ limit: '4KB' });
    await using sender = await connected(opened);
    sender.send(adt('M1', `||||||${' '.repeat(5_000)}`));
    await closed(sender);
    expect(sender.codes()).toEqual(['AR|M1']);
    expect(sender.answers[0]).toMatch(/larger than this port takes/);
  });

  test('that leaves out the last CR is answered after a pause', async () => {
    await using opened = await listening();
    await using sender = await connected(opened);
    sender.write(Buffer.from(`\u000b${adt('M1')}\u001c`));
    await sender.answered(1);
    expect(sender.codes()).toEqual(['AA|M1']);
  });

  test('with ascii-lf framing is answered in it', async () => {
    await using opened = await listening({ framing: 'ascii-lf' });
    await using sender = await connected(opened);
    const lines: string[] = [];
    sender.socket.on('data', (data) => lines.push(data.toString()));
    sender.write(Buffer.from(`${adt('M1')}\n`));
    await vi.waitFor(() => expect(lines.join('')).toMatch(/^MSH[^\n]*MSA\|AA\|M1\r\n$/));
  });
});

describe('who may connect', () => {
  test('is limited by address', async () => {
    await using opened = await listening({ allowFrom: ['10.0.0.0/8', '192.0.2.1'] });
    await using sender = await connected(opened);
    await closed(sender);
    expect(texts(opened)).toBe('Refused 127.0.0.1: its address is not in allowFrom.');
    await using other = await listening({ allowFrom: ['127.0.0.0/8'] });
    await using welcome = await connected(other);
    welcome.send(adt('M1'));
    await welcome.answered(1);
  });

  test('is limited in number', async () => {
    await using opened = await listening({ maxConnections: 1 });
    await using first = await connected(opened);
    first.send(adt('M1'));
    await first.answered(1);
    await using second = await connected(opened);
    await closed(second);
    expect(texts(opened)).toMatch(/there are 1 connections already \(maxConnections\)/);
  });

  test('with replace: a new connection takes the place of the old, after its message is answered', async () => {
    await using opened = await listening({ connections: 'replace' });
    opened.hold();
    await using old = await connected(opened);
    old.send(adt('M1'));
    await vi.waitFor(() => expect(opened.waiting).toBe(1));
    await using fresh = await connected(opened);
    opened.release();
    fresh.send(adt('M2'));
    await fresh.answered(1);
    await closed(old);
    expect([...old.codes(), ...fresh.codes()]).toEqual(['AA|M1', 'AA|M2']);
  });

  test('with refuse: a new connection is refused while the old is open', async () => {
    await using opened = await listening({ connections: 'refuse' });
    const old = await connected(opened);
    old.send(adt('M1'));
    await old.answered(1);
    await using second = await connected(opened);
    await closed(second);
    expect(texts(opened)).toMatch(/has a connection already/);
    await old[Symbol.asyncDispose]();
    await vi.waitFor(async () => {
      await using third = await connected(opened);
      third.send(adt('M2'));
      await third.answered(1);
    });
  });

  test('with TLS and client certificates: the trusted, whose subject is in the origin', async () => {
    await using all = await certificates();
    await using opened = await listening(
      {
        tls: {
          certificate: 'hub',
          clientCertificate: 'required',
          trust: all.trust,
          allow: ['CN=client-a'],
        },
      },
      { credentials: { hub: all.server } },
    );
    const secure = (client?: { certificate: string; key: string }): Promise<MllpSender> =>
      mllpSender(portOf(opened), {
        ca: all.authority.certificate,
        servername: 'localhost',
        ...(client && { cert: client.certificate, key: client.key }),
      });
    await using good = await secure(all.client);
    good.send(adt('M1'));
    await good.answered(1);
    expect(opened.delivered[0]?.origin).toBe('127.0.0.1 CN=client-a');
    for (const client of [undefined, all.otherClient, all.expiredClient, all.strangeClient]) {
      await using refused = await secure(client);
      refused.send(adt('M2'));
      await closed(refused);
    }
    expect(opened.delivered).toHaveLength(1);
    expect(opened.events.map(({ name }) => name)).toEqual(Array(4).fill('refused'));
  });
});
