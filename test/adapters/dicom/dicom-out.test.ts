import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import { COMMAND, decodeCommand, encodeCommand } from '../../../adapters/dicom/command.ts';
import dicomIn from '../../../adapters/dicom/dicom-in.ts';
import dicomOut from '../../../adapters/dicom/dicom-out.ts';
import {
  type AssociateAccept,
  type AssociateRequest,
  associateAccept,
  associateReject,
  CONTEXT_RESULT,
  dataUnit,
  dataValues,
  PDU,
  PduReader,
  readAssociateRequest,
  releaseReply,
} from '../../../adapters/dicom/pdu.ts';
import { certificates } from '../../support/certificates.ts';
import { CT_IMAGE, dicomFile, hasDcmtk, objectOf, startArchive } from '../../support/dicom.ts';
import { portOf } from '../../support/mllp-sender.ts';
import {
  type OpenedOutbound,
  openInbound,
  openOutbound,
  testSteps,
} from '../../support/open-adapter.ts';

const given = (port: number, more = {}): Record<string, unknown> => ({
  connect: `127.0.0.1:${port}`,
  title: 'ARCHIVE',
  ...more,
});

const failure = (sending: Promise<unknown>): Promise<Error & { code?: string }> =>
  sending.then(
    () => new Error('it was sent'),
    (error: unknown) => error as Error,
  );

interface Peer extends AsyncDisposable {
  readonly port: number;
  readonly associations: number;
  readonly longest: number;
}

/** What a peer does that DCMTK does not: it answers as it is told. */
async function peer(how: {
  readonly reject?: { result: number; source: number; reason: number };
  readonly result?: number;
  readonly status?: number;
  readonly comment?: string;
  readonly maxLength?: number;
  readonly silent?: boolean;
  readonly breaks?: boolean;
}): Promise<Peer> {
  const sockets = new Set<Socket>();
  let associations = 0;
  let longest = 0;
  const judged = (request: AssociateRequest, contexts: AssociateAccept['contexts']): Buffer =>
    how.reject === undefined
      ? associateAccept(request, { contexts, maxLength: how.maxLength ?? 0 })
      : associateReject(how.reject);
  const serve = (socket: Socket): void => {
    sockets.add(socket.on('error', () => undefined));
    const reader = new PduReader(512 * 1024);
    socket.on('data', (chunk: Buffer) => {
      for (const { type, body } of reader.push(chunk)) {
        longest = Math.max(longest, type === PDU.data ? body.length : 0);
        if (type === PDU.associateRequest) {
          associations += 1;
          const request = readAssociateRequest(body);
          const contexts = request.contexts.map(({ id, transferSyntaxes: [first = ''] }) => ({
            id,
            result: how.result ?? CONTEXT_RESULT.accepted,
            transferSyntax: first,
          }));
          socket.write(judged(request, contexts));
        }
        if (type === PDU.releaseRequest && how.silent !== true) socket.end(releaseReply());
        if (type !== PDU.data || how.silent === true) continue;
        for (const { isCommand, isLast, data, context } of dataValues(body)) {
          if (isCommand) pending = decodeCommand(data);
          else if (how.breaks === true) socket.destroy();
          else if (isLast) socket.write(answer(context));
        }
      }
    });
  };
  let pending = decodeCommand(encodeCommand({ field: COMMAND.storeRequest, messageId: 0 }));
  const answer = (context: number): Buffer => {
    const bytes = encodeCommand({
      field: COMMAND.storeReply,
      messageId: pending.messageId,
      status: how.status ?? 0,
      comment: how.comment ?? '',
    });
    return dataUnit({ context, isCommand: true, isLast: true, data: bytes });
  };
  const server: Server = createServer(serve).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get associations() {
      return associations;
    },
    get longest() {
      return longest;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

const opened = (port: number, more = {}, options = {}): Promise<OpenedOutbound> =>
  openOutbound(dicomOut, given(port, more), options);

describe('an association that the peer refuses', () => {
  test.for([
    [
      { result: 1, source: 1, reason: 3 },
      /does not know our AE title. Have ownTitle entered there/,
    ],
    [{ result: 1, source: 1, reason: 7 }, /has another AE title. Correct title/],
    [{ result: 2, source: 3, reason: 2 }, /as many associations as it takes/],
    [{ result: 1, source: 1, reason: 1 }, /gives no reason/],
  ] as const)('is told in words: %j', async ([reject, words]) => {
    await using refusing = await peer({ reject });
    const error = await failure(opened(refusing.port));
    expect(error).toMatchObject({
      code: 'ADAPTER_NOT_CONNECTED',
      message: expect.stringMatching(words),
    });
    const steps = await testSteps(dicomOut, given(refusing.port));
    expect(steps.at(-1)).toMatchObject({ name: 'association', result: 'failed' });
  });

  test('is told of a web server, and of one that is silent', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    expect((await failure(opened(port))).message).toMatch(/is a web server/);
    server.close();
    await using mute = await peer({ silent: true });
    await using one = await opened(mute.port, { replyTimeout: '100ms' });
    expect(await failure(one.send(dicomFile()))).toMatchObject({ code: 'REPLY_TIMEOUT' });
  });
});

describe('an object', () => {
  test('that the peer does not take is set aside, with class, encoding and reason', async () => {
    await using one = await peer({ result: CONTEXT_RESULT.noAbstractSyntax });
    await using out = await opened(one.port);
    expect(await failure(out.send(dicomFile({ classUid: CT_IMAGE })))).toMatchObject({
      code: 'ADAPTER_SUSPEND',
      message: expect.stringMatching(
        /does not take objects of this class: CT Image \(1\.2[\d.]+\) in Explicit VR Little Endian/,
      ),
    });
  });

  test.for([
    [0xb000, 'B000', 'stored, with values changed: why'],
    [0xa702, 'A702', 'out of resources: why'],
    [0xc123, 'C123', 'cannot understand the object: why'],
    [0x0111, '0111', 'the object is there already: why'],
  ] as const)('is answered with status %i', async ([status, code, text]) => {
    await using one = await peer({ status, comment: 'why' });
    await using out = await opened(one.port);
    expect(await out.send(dicomFile())).toMatchObject({ code, text });
  });

  test('goes in pieces of the length that the peer takes', async () => {
    await using one = await peer({ maxLength: 4_096 });
    await using out = await opened(one.port);
    await out.send(dicomFile({ picture: Buffer.alloc(100_000) }));
    expect(one.longest).toBeLessThanOrEqual(4_096);
    expect(one.longest).toBeGreaterThan(4_000);
  });

  test.for([
    [Buffer.alloc(0), /it is too short/],
    [Buffer.alloc(1_000), /DICM does not stand after its first 128 bytes/],
    [dicomFile().subarray(0, 160), /its head \(group 0002\)/],
    [
      Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), Buffer.alloc(20)]),
      /no usable Media Storage SOP Class UID/,
    ],
  ] as const)('that is no DICOM file is set aside: %#', async ([body, words]) => {
    await using one = await peer({});
    await using out = await opened(one.port);
    const error = await failure(out.send(body));
    expect(error).toMatchObject({ code: 'ADAPTER_SUSPEND', message: expect.stringMatching(words) });
    expect(await out.send(dicomFile())).toMatchObject({ code: '0000' });
  });

  test('whose association breaks may have arrived, and the next one goes by a new one', async () => {
    await using one = await peer({ breaks: true });
    await using out = await opened(one.port);
    expect(await failure(out.send(dicomFile()))).toMatchObject({
      code: 'ADAPTER_TEMPORARY',
      message: expect.stringMatching(
        /may have the object; it is sent again under the same instance UID/,
      ),
    });
    expect(await failure(out.send(dicomFile({ instance: 2 })))).toMatchObject({
      code: 'ADAPTER_TEMPORARY',
    });
    // one at the start, without an object
    expect(one.associations).toBe(3);
  });

  test('of another class goes by a new association, which then takes both', async () => {
    await using one = await peer({});
    await using out = await opened(one.port);
    for (const classUid of [CT_IMAGE, undefined, CT_IMAGE, undefined]) {
      await out.send(dicomFile(classUid === undefined ? {} : { classUid }));
    }
    // one at the start, one for each class
    expect(one.associations).toBe(3);
  });

  test('goes on an association of its own where none is kept', async () => {
    await using one = await peer({});
    await using out = await opened(one.port, { stayConnected: '0s' });
    await out.send(dicomFile());
    await out.send(dicomFile({ instance: 2 }));
    expect(one.associations).toBe(3);
  });
});

test('name and password go with the association', async () => {
  const credentials = { pacs: { kind: 'basic', user: 'hub', password: 'geheim' } } as const;
  await using archive = await openInbound(
    dicomIn,
    { listen: '127.0.0.1:0', credential: 'pacs', title: 'ARCHIVE' },
    { credentials },
  );
  await using out = await opened(portOf(archive), { credential: 'pacs' }, { credentials });
  await out.send(dicomFile());
  expect(archive.delivered.map(({ body }) => objectOf(body))).toEqual([objectOf(dicomFile())]);
  expect(await failure(opened(portOf(archive)))).toMatchObject({ code: 'ADAPTER_NOT_CONNECTED' });
});

describe.skipIf(!hasDcmtk)('with storescp of DCMTK', () => {
  test('over TLS, with a certificate of its own', async () => {
    await using files = await certificates();
    const { server, client, trust } = files;
    const key = await files.file('server.key', server.key);
    const certificate = await files.file('server.pem', server.certificate);
    await using archive = await startArchive('+tls', key, certificate, '+cf', trust);
    const tls = { trust, certificate: 'hub' };
    const options = { credentials: { hub: client } };
    await using out = await opened(archive.port, { tls }, options);
    expect(await out.send(dicomFile())).toMatchObject({ code: '0000' });
    const steps = await testSteps(dicomOut, given(archive.port, { tls }), options);
    expect(steps.map(({ name, result }) => [name, result])).toEqual(
      ['name', 'TCP', 'TLS', 'association', 'C-ECHO'].map((name) => [name, 'passed']),
    );
  });

  test('that is killed in the middle of many: each arrives, none is left out', async () => {
    await using archive = await startArchive();
    await using out = await opened(archive.port);
    const wanted = new Set<string>();
    for (let instance = 1; instance <= 12; instance++) {
      const file = dicomFile({ instance, picture: Buffer.alloc(200_000, instance) });
      wanted.add(objectOf(file).toString('latin1'));
      const sending = failure(out.send(file));
      if (instance % 4 === 0) {
        await archive.stop();
        await archive.start();
      }
      if ((await sending).message === 'it was sent') continue;
      await vi.waitFor(async () => expect(await out.send(file)).toMatchObject({ code: '0000' }));
    }
    const seen = new Set((await archive.files()).map((file) => objectOf(file).toString('latin1')));
    expect([...wanted].filter((one) => !seen.has(one))).toEqual([]);
  });
});
