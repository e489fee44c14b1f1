import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import { COMMAND, decodeCommand, encodeCommand } from '../../../adapters/dicom/command.ts';
import dicomIn from '../../../adapters/dicom/dicom-in.ts';
import {
  associateRequest,
  dataUnit,
  PDU,
  PduReader,
  type RawPdu,
  readAssociateAccept,
  readRejection,
  releaseRequest,
} from '../../../adapters/dicom/pdu.ts';
import { EXPLICIT_LITTLE_ENDIAN, VERIFICATION } from '../../../adapters/dicom/uids.ts';
import { certificates } from '../../support/certificates.ts';
import {
  dcmtk,
  dicomFile,
  hasDcmtk,
  instanceUid,
  objectOf,
  SECONDARY_CAPTURE,
  storescu,
} from '../../support/dicom.ts';
import { portOf } from '../../support/mllp-sender.ts';
import { type OpenedInbound, openInbound } from '../../support/open-adapter.ts';

const open = (
  given: Readonly<Record<string, unknown>> = {},
  options = {},
): Promise<OpenedInbound> => openInbound(dicomIn, { listen: '127.0.0.1:0', ...given }, options);

/** Speaks to the service unit by unit. */
class Speaker implements AsyncDisposable {
  readonly socket: Socket;
  readonly heard: RawPdu[] = [];
  readonly #reader = new PduReader(512 * 1024);

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('error', () => undefined);
    this.socket.on('data', (chunk: Buffer) => this.heard.push(...this.#reader.push(chunk)));
  }

  async associate(abstractSyntax = SECONDARY_CAPTURE): Promise<void> {
    const contexts = [{ id: 1, abstractSyntax, transferSyntaxes: [EXPLICIT_LITTLE_ENDIAN] }];
    this.socket.write(associateRequest({ called: 'ANY', calling: 'ME', contexts, maxLength: 0 }));
    await vi.waitFor(() => {
      if (this.heard.length === 0) throw new Error('no answer yet');
    });
  }

  /** The command of an object; its data follows. */
  store(instance: number): void {
    const command = encodeCommand({
      field: COMMAND.storeRequest,
      messageId: instance,
      classUid: SECONDARY_CAPTURE,
      instanceUid: instanceUid(instance),
      hasDataSet: true,
    });
    this.send(command, { isCommand: true, isLast: true });
  }

  send(data: Buffer, flags: { isCommand: boolean; isLast: boolean }, context = 1): void {
    this.socket.write(dataUnit({ context, ...flags, data }));
  }

  /** The status of the last answer. */
  get status(): number | undefined {
    const last = this.heard.at(-1);
    return last?.type === PDU.data ? decodeCommand(last.body.subarray(6)).status : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.socket.destroyed) return;
    this.socket.destroy();
    await once(this.socket, 'close');
  }
}

const WORKLIST = '1.2.840.10008.5.1.4.31';
const OBJECT = objectOf(dicomFile({ instance: 1 }));

describe('an association', () => {
  test.for([
    [{ title: 'OURS' }, /calls the AE title ANY, and ours is OURS/, 7],
    [{ from: ['CT1'] }, /its AE title ME is not under from/, 3],
  ] as const)('of somebody unknown is refused and told of: %j', async ([given, text, reason]) => {
    await using opened = await open(given);
    await using speaker = new Speaker(portOf(opened));
    await speaker.associate();
    const [answer] = speaker.heard;
    expect(answer?.type).toBe(PDU.associateReject);
    expect(readRejection(answer?.body ?? Buffer.alloc(0))).toEqual({
      result: 1,
      source: 1,
      reason,
    });
    expect(opened.events).toMatchObject([
      { level: 'warn', name: 'association-refused', text: expect.stringMatching(text) },
    ]);
  });

  test('takes what is stored, and nothing else', async () => {
    await using opened = await open();
    await using speaker = new Speaker(portOf(opened));
    const classes = [VERIFICATION, SECONDARY_CAPTURE, '1.2.840.10008.5.1.4.1.2.2.1'];
    const contexts = classes.map((abstractSyntax, at) => ({
      id: 2 * at + 1,
      abstractSyntax,
      transferSyntaxes: at === 1 ? ['1.2.840.10008.1.2.4.70'] : [EXPLICIT_LITTLE_ENDIAN],
    }));
    speaker.socket.write(associateRequest({ called: 'A', calling: 'B', contexts, maxLength: 0 }));
    await vi.waitFor(() => expect(speaker.heard).toHaveLength(1));
    const { contexts: judged } = readAssociateAccept(speaker.heard[0]?.body ?? Buffer.alloc(0));
    expect(judged.map(({ result }) => result)).toEqual([0, 0, 3]);
  });

  test('with encodings: uncompressed takes no compressed objects', async () => {
    await using opened = await open({ encodings: 'uncompressed' });
    await using speaker = new Speaker(portOf(opened));
    const contexts = [
      { id: 1, abstractSyntax: SECONDARY_CAPTURE, transferSyntaxes: ['1.2.840.10008.1.2.4.70'] },
      {
        id: 3,
        abstractSyntax: SECONDARY_CAPTURE,
        transferSyntaxes: ['1.2.840.10008.1.2.4.70', EXPLICIT_LITTLE_ENDIAN],
      },
    ];
    speaker.socket.write(associateRequest({ called: 'A', calling: 'B', contexts, maxLength: 0 }));
    await vi.waitFor(() => expect(speaker.heard).toHaveLength(1));
    const { contexts: judged } = readAssociateAccept(speaker.heard[0]?.body ?? Buffer.alloc(0));
    expect(judged).toMatchObject([
      { result: 4 },
      { result: 0, transferSyntax: EXPLICIT_LITTLE_ENDIAN },
    ]);
  });

  test('that falls silent is closed', async () => {
    await using opened = await open({ requestTimeout: '50ms' });
    await using speaker = new Speaker(portOf(opened));
    await once(speaker.socket, 'close');
    expect(opened.events).toMatchObject([{ name: 'association-silent' }]);
  });

  test('is released when the sender asks', async () => {
    await using opened = await open();
    await using speaker = new Speaker(portOf(opened));
    await speaker.associate();
    speaker.socket.write(releaseRequest());
    await vi.waitFor(() => expect(speaker.heard.at(-1)?.type).toBe(PDU.releaseReply));
    await vi.waitFor(() => expect(speaker.socket.readableEnded).toBe(true));
    expect(opened.events).toEqual([]);
  });

  test('is aborted when the service stops, after what is in work', async () => {
    const opened = await open();
    await using speaker = new Speaker(portOf(opened));
    await speaker.associate();
    speaker.store(1);
    speaker.send(OBJECT.subarray(0, 20), { isCommand: false, isLast: false });
    opened.hold();
    speaker.send(OBJECT.subarray(20), { isCommand: false, isLast: true });
    await vi.waitFor(() => expect(opened.waiting).toBe(1));
    const closing = opened.close();
    opened.release();
    await closing;
    expect(speaker.heard.map(({ type }) => type)).toEqual([
      PDU.associateAccept,
      PDU.data,
      PDU.abort,
    ]);
    expect(opened.delivered).toHaveLength(1);
  });
});

describe('an object', () => {
  test('is the same whatever pieces it comes in', async () => {
    await using opened = await open();
    await using speaker = new Speaker(portOf(opened));
    await speaker.associate();
    speaker.store(1);
    for (let at = 0; at < OBJECT.length; at += 1) {
      speaker.send(OBJECT.subarray(at, at + 1), {
        isCommand: false,
        isLast: at === OBJECT.length - 1,
      });
    }
    await vi.waitFor(() => expect(speaker.status).toBe(0));
    expect(objectOf(opened.delivered[0]?.body ?? Buffer.alloc(0))).toEqual(OBJECT);
  });

  test('that breaks off is not stored, and told of', async () => {
    await using opened = await open();
    await using speaker = new Speaker(portOf(opened));
    await speaker.associate();
    speaker.store(1);
    speaker.send(OBJECT.subarray(0, 20), { isCommand: false, isLast: false });
    await new Promise((resolve) => setImmediate(resolve));
    speaker.socket.destroy();
    await vi.waitFor(() => expect(opened.events).toMatchObject([{ name: 'object-unfinished' }]));
    expect(opened.delivered).toEqual([]);
  });

  test('that is larger than limit is refused for good, and the next one taken', async () => {
    await using opened = await open({ limit: '1KB' });
    const large = dicomFile({ instance: 1, picture: Buffer.alloc(400_000) });
    await using speaker = new Speaker(portOf(opened));
    await speaker.associate();
    speaker.store(1);
    speaker.send(objectOf(large).subarray(0, 100_000), { isCommand: false, isLast: false });
    speaker.send(objectOf(large).subarray(100_000), { isCommand: false, isLast: true });
    await vi.waitFor(() => expect(speaker.status).toBe(0xc000));
    speaker.store(2);
    speaker.send(OBJECT, { isCommand: false, isLast: true });
    await vi.waitFor(() => expect(speaker.status).toBe(0));
    expect(opened.events).toMatchObject([{ name: 'object-too-large' }]);
    expect(opened.delivered).toHaveLength(1);
  });

  test('of 60 MB goes to the store as it comes', async () => {
    await using opened = await open();
    let begun = false;
    opened.dawdle(async () => {
      begun = true;
    });
    const size = 60 * 1024 * 1024;
    await using speaker = new Speaker(portOf(opened));
    await speaker.associate();
    speaker.store(1);
    const piece = Buffer.alloc(100 * 1024, 1);
    for (let sent = 0; sent < size; sent += piece.length) {
      speaker.send(piece, { isCommand: false, isLast: false });
      if (speaker.socket.writableNeedDrain) await once(speaker.socket, 'drain');
    }
    expect(begun).toBe(true);
    speaker.send(Buffer.alloc(0), { isCommand: false, isLast: true });
    await vi.waitFor(() => expect(speaker.status).toBe(0), { timeout: 10_000 });
    expect(opened.delivered[0]?.body.length).toBeGreaterThan(size);
  });
});

describe('a caller who means harm, or is no DICOM at all', () => {
  const NONSENSE: readonly (readonly [what: string, bytes: Buffer, event: string])[] = [
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), 'wrong-protocol'],
    ['TLS', Buffer.from([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 3]), 'wrong-protocol'],
    ['noise', Buffer.alloc(400, 0xee), 'association-broken'],
    ['a unit without an end', Buffer.from([1, 0, 0xff, 0xff, 0xff, 0xff]), 'association-broken'],
    [
      'data before an association',
      dataUnit({ context: 1, isCommand: true, isLast: true, data: Buffer.alloc(2) }),
      'association-broken',
    ],
    ['a request that is cut off', Buffer.from([1, 0, 0, 0, 0, 2, 0, 1]), 'association-broken'],
  ];
  test.for(NONSENSE)('%s ends with an event and no more', async ([, bytes, event]) => {
    await using opened = await open();
    await using speaker = new Speaker(portOf(opened));
    speaker.socket.write(bytes);
    speaker.socket.resume();
    await once(speaker.socket, 'close');
    expect(opened.events).toMatchObject([{ level: 'warn', name: event }]);
    expect(await dcmtkEcho(opened)).toBe(0);
  });

  test('a command without an end, data of no command, a context that was not agreed', async () => {
    await using opened = await open();
    const attempts: ((speaker: Speaker) => void)[] = [
      (one) => {
        for (let n = 0; n < 3; n++)
          one.send(Buffer.alloc(30_000), { isCommand: true, isLast: false });
      },
      (one) => one.send(OBJECT, { isCommand: false, isLast: true }),
      (one) => one.send(OBJECT, { isCommand: true, isLast: true }, 9),
      (one) => one.send(Buffer.from('nonsense!'), { isCommand: true, isLast: true }),
    ];
    for (const attempt of attempts) {
      await using speaker = new Speaker(portOf(opened));
      await speaker.associate();
      attempt(speaker);
      await once(speaker.socket, 'close');
      expect(speaker.heard.at(-1)?.type).toBe(PDU.abort);
    }
    expect(opened.delivered).toEqual([]);
    expect(await dcmtkEcho(opened)).toBe(0);
  });

  const FIND = encodeCommand({
    field: COMMAND.findRequest,
    messageId: 1,
    classUid: WORKLIST,
    hasDataSet: true,
  });

  test('a query that is left in the middle ends with an event', async () => {
    await using opened = await open({ queries: 'target' });
    await using speaker = new Speaker(portOf(opened));
    await speaker.associate(WORKLIST);
    speaker.send(FIND, { isCommand: true, isLast: true });
    speaker.send(Buffer.alloc(20), { isCommand: false, isLast: false });
    await new Promise((resolve) => setImmediate(resolve));
    speaker.socket.destroy();
    await vi.waitFor(() => expect(opened.events).toMatchObject([{ name: 'object-unfinished' }]));
    expect(opened.delivered).toEqual([]);
    expect(await dcmtkEcho(opened)).toBe(0);
  });

  test.for(['1MB', '100MB'])(
    'a query that is too large is refused, with limit %s',
    async (limit) => {
      await using opened = await open({ queries: 'target', limit });
      await using speaker = new Speaker(portOf(opened));
      await speaker.associate(WORKLIST);
      speaker.send(FIND, { isCommand: true, isLast: true });
      for (let n = 1; n <= 20; n++) {
        speaker.send(Buffer.alloc(100_000), { isCommand: false, isLast: n === 20 });
      }
      await vi.waitFor(() => expect(speaker.status).toBe(0xc000));
      expect(opened.delivered).toEqual([]);
      expect(await dcmtkEcho(opened)).toBe(0);
    },
  );

  test('commands that are none of ours are refused, and the association goes on', async () => {
    await using opened = await open();
    await using speaker = new Speaker(portOf(opened));
    await speaker.associate();
    const find = { field: COMMAND.findRequest, messageId: 1, classUid: SECONDARY_CAPTURE };
    speaker.send(encodeCommand({ ...find, hasDataSet: true }), { isCommand: true, isLast: true });
    speaker.send(OBJECT, { isCommand: false, isLast: true });
    await vi.waitFor(() => expect(speaker.status).toBe(0x0211));
    speaker.store(2);
    speaker.send(OBJECT, { isCommand: false, isLast: true });
    await vi.waitFor(() => expect(speaker.status).toBe(0));
  });
});

async function dcmtkEcho(opened: OpenedInbound): Promise<number> {
  if (!hasDcmtk) return 0;
  return (await dcmtk('echoscu', '127.0.0.1', String(portOf(opened)))).code;
}

describe.skipIf(!hasDcmtk)('a caller with DCMTK', () => {
  const credentials = { pacs: { kind: 'basic', user: 'ct', password: 'geheim' } } as const;

  test.for([
    [['--user', 'ct', '--password', 'geheim'], 0],
    [['--user', 'ct', '--password', 'wrong'], 1],
    [[], 1],
  ] as const)('signs in by its user identity: %j', async ([given, delivered]) => {
    await using opened = await open({ credential: 'pacs' }, { credentials });
    await storescu(portOf(opened), [dicomFile()], ...given);
    expect(opened.delivered).toHaveLength(1 - delivered);
    expect(opened.events.map(({ name }) => name)).toEqual(
      delivered === 0 ? [] : ['association-refused'],
    );
    expect(JSON.stringify([opened.events, opened.log])).not.toContain('geheim');
  });

  test('over TLS, with a certificate of its own', async () => {
    await using files = await certificates();
    const { server, client, trust } = files;
    const options = { credentials: { hub: server } };
    const tls = { certificate: 'hub', clientCertificate: 'required', trust };
    await using opened = await open({ tls }, options);
    const key = await files.file('client.key', client.key);
    const certificate = await files.file('client.pem', client.certificate);
    const sent = await storescu(
      portOf(opened),
      [dicomFile()],
      '+tls',
      key,
      certificate,
      '+cf',
      trust,
    );
    expect(sent, sent.said).toMatchObject({ code: 0 });
    expect(opened.delivered[0]?.origin).toContain('CN=client-a');
  });
});
