import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { COMMAND, decodeCommand, encodeCommand } from '../../../adapters/dicom/command.ts';
import dicomIn from '../../../adapters/dicom/dicom-in.ts';
import dicomQueryOut from '../../../adapters/dicom/dicom-query-out.ts';
import {
  associateAccept,
  CONTEXT_RESULT,
  type DataValue,
  dataUnit,
  dataValues,
  PDU,
  PduReader,
  type RawPdu,
  readAssociateRequest,
} from '../../../adapters/dicom/pdu.ts';
import { IMPLICIT_LITTLE_ENDIAN, VERIFICATION } from '../../../adapters/dicom/uids.ts';
import type { Reply } from '../../../src/adapter/index.ts';
import { identifierFrom } from '../../../src/document/index.ts';
import { certificates } from '../../support/certificates.ts';
import { dicomFile, hasDcmtk } from '../../support/dicom.ts';
import { archiveServer, worklistServer } from '../../support/dicom-queries.ts';
import { portOf } from '../../support/mllp-sender.ts';
import {
  type OpenedOutbound,
  openInbound,
  openOutbound,
  testSteps,
} from '../../support/open-adapter.ts';

const given = (port: number, more = {}): Record<string, unknown> => ({
  connect: `127.0.0.1:${port}`,
  title: 'RIS',
  ...more,
});
const asking = (port: number, more = {}, options = {}): Promise<OpenedOutbound> =>
  openOutbound(dicomQueryOut, given(port, more), options);

const ask = (out: OpenedOutbound, keys: unknown): Promise<Reply | undefined> =>
  out.send(Buffer.from(typeof keys === 'string' ? keys : JSON.stringify(keys)));
const results = (reply: Reply | undefined): Record<string, unknown>[] =>
  JSON.parse(Buffer.from(reply?.body ?? []).toString()) as Record<string, unknown>[];

const planned = (patient: string, id: string, modality = 'CT'): object => ({
  PatientName: patient,
  PatientID: id,
  StudyInstanceUID: `1.2.3.${id}`,
  RequestedProcedureID: id,
  ScheduledProcedureStepSequence: [
    {
      Modality: modality,
      ScheduledStationAETitle: 'CT1',
      ScheduledProcedureStepStartDate: '20260115',
      ScheduledProcedureStepStartTime: '0800',
    },
  ],
});
const KEYS = {
  PatientName: '',
  PatientID: '',
  ScheduledProcedureStepSequence: [{ Modality: 'CT', ScheduledProcedureStepStartDate: '' }],
};

describe.skipIf(!hasDcmtk)('the worklist of wlmscpfs of DCMTK', () => {
  test('is asked, in both forms, and only so far as wanted', async () => {
    await using server = await worklistServer([
      planned('DOE^JANE', '1'),
      planned('Müller^Åsa', '2'),
      planned('ROE^RICHARD', '3', 'MR'),
      planned('POE^ANN', '4'),
    ]);
    await using all = await asking(server.port, { form: 'keywords', results: 3 });
    const whole = await ask(all, KEYS);
    expect(whole).toMatchObject({ code: '0000', type: 'application/json' });
    const names = results(whole).map(({ PatientName }) => PatientName);
    expect(names.toSorted((one, other) => String(one).localeCompare(String(other)))).toEqual([
      'DOE^JANE',
      'Müller^Åsa',
      'POE^ANN',
    ]);
    expect(results(whole)[0]).toMatchObject({
      ScheduledProcedureStepSequence: [
        { Modality: 'CT', ScheduledProcedureStepStartDate: '20260115' },
      ],
    });
    expect(results(await ask(all, { ...KEYS, PatientID: '3' }))).toEqual([]);

    await using some = await asking(server.port, { results: 2 });
    for (const _ of [1, 2]) {
      const reply = await ask(some, KEYS);
      expect(reply).toMatchObject({ code: 'MORE', text: /more than 2 results/ });
      expect(results(reply)).toHaveLength(2);
      expect(results(reply)[0]).toMatchObject({ '00100020': { vr: 'LO', Value: ['1'] } });
    }
  });

  test('that a query in the format of dicom-in asks as well: a query is handed on', async () => {
    await using server = await worklistServer([planned('DOE^JANE', '1')]);
    await using out = await asking(server.port);
    const query = {
      '00100010': { vr: 'PN' },
      '00400100': { vr: 'SQ', Value: [{ '00080060': { vr: 'CS', Value: ['CT'] } }] },
    };
    expect(results(await ask(out, query))).toMatchObject([
      { '00100010': { vr: 'PN', Value: [{ Alphabetic: 'DOE^JANE' }] } },
    ]);
  });
});

describe.skipIf(!hasDcmtk)('the studies of dcmqrscp of DCMTK', () => {
  test('are asked over TLS, and the test names each step', async () => {
    await using files = await certificates();
    const key = await files.file('server.key', files.server.key);
    const certificate = await files.file('server.pem', files.server.certificate);
    const objects = [1, 2].map((instance) => dicomFile({ instance, patientId: 'P0815' }));
    await using archive = await archiveServer(objects, '+tls', key, certificate, '-ic');
    const more = {
      title: 'ARCHIVE',
      query: 'studies',
      form: 'keywords',
      tls: { trust: files.trust },
    };
    await using out = await asking(archive.port, more);
    const found = await ask(out, { PatientID: 'P0815', AccessionNumber: '', StudyInstanceUID: '' });
    expect(results(found)).toMatchObject([
      { AccessionNumber: 'A4711', QueryRetrieveLevel: 'STUDY' },
    ]);
    const images = {
      QueryRetrieveLevel: 'IMAGE',
      StudyInstanceUID: '1.2.826.0.1.3680043.9.7777.2',
    };
    const SeriesInstanceUID = '1.2.826.0.1.3680043.9.7777.3';
    const listed = await ask(out, { ...images, SeriesInstanceUID, SOPInstanceUID: '' });
    expect(results(listed)).toHaveLength(2);
    const steps = await testSteps(dicomQueryOut, given(archive.port, more));
    const names = ['name', 'TCP', 'TLS', 'association', 'C-ECHO', 'permission'];
    expect(steps.map(({ name, result }) => [name, result])).toEqual(
      names.map((name) => [name, 'passed']),
    );
  });
});

test.for([
  ['no json', /is no JSON object/],
  [['PatientID'], /is no JSON object/],
  [{ Patient: 'x' }, /cannot be asked: Patient/],
  [{ PatientID: { a: 1 } }, /cannot be asked: PatientID/],
  ['x'.repeat(1_100_000), /larger than 1 MB/],
] as const)('what is no query is refused before anybody is asked: %#', async ([keys, words]) => {
  await using server = await openInbound(dicomIn, { listen: '127.0.0.1:0', queries: 'target' });
  await using out = await asking(portOf(server));
  await expect(ask(out, keys)).rejects.toMatchObject({
    code: 'ADAPTER_REJECTED',
    message: expect.stringMatching(words),
  });
  expect(server.delivered).toEqual([]);
});

test('a peer that answers no queries is told by the test and by the message', async () => {
  await using server = await openInbound(dicomIn, { listen: '127.0.0.1:0' });
  await using out = await asking(portOf(server));
  await expect(ask(out, KEYS)).rejects.toMatchObject({
    message: expect.stringMatching(/does not answer queries of this kind: Modality Worklist/),
  });
  const steps = await testSteps(dicomQueryOut, given(portOf(server)));
  expect(steps.at(-1)).toMatchObject({ name: 'permission', result: 'failed' });
});

type Cancelled = 'ends' | 'goes on' | 'begins a result without end' | 'falls silent';

const unit = (context: number, isCommand: boolean, data: Buffer): Buffer =>
  dataUnit({ context, isCommand, isLast: true, data });

const findReply = (messageId: number, status: number, hasDataSet = false): Buffer =>
  encodeCommand({ field: COMMAND.findReply, messageId, status, hasDataSet });

/** One caller of `stubborn`. */
class Stubborn {
  readonly #socket: Socket;
  readonly #reader = new PduReader(512 * 1024);
  readonly #count: number;
  readonly #cancelled: Cancelled;
  readonly #cancels: number[];
  #asked = 0;

  constructor(socket: Socket, count: number, cancelled: Cancelled, cancels: number[]) {
    this.#socket = socket;
    this.#count = count;
    this.#cancelled = cancelled;
    this.#cancels = cancels;
  }

  read(chunk: Buffer): void {
    for (const pdu of this.#reader.push(chunk)) this.#take(pdu);
  }

  #take({ type, body }: RawPdu): void {
    if (type === PDU.associateRequest) this.#socket.write(implicitOnly(body));
    if (type !== PDU.data) return;
    for (const value of dataValues(body)) {
      if (value.isCommand) this.#command(value);
      else if (value.isLast) this.#answer(value.context);
    }
  }

  #command({ data, context }: DataValue): void {
    const { field, messageId } = decodeCommand(data);
    if (field !== COMMAND.cancel) {
      this.#asked = messageId;
      return;
    }
    // a cancel names its request as a reply does: PS3.7 9.3.2.3
    this.#cancels.push(data.readUInt16LE(data.indexOf(Buffer.from([0, 0, 0x20, 0x01])) + 8));
    if (this.#cancelled === 'ends') this.#last(context, 0xfe00);
    if (this.#cancelled === 'goes on') this.#writeOn(this.#result(context, 0));
    if (this.#cancelled !== 'begins a result without end') return;
    this.#socket.write(unit(context, true, findReply(this.#asked, 0xff00, true)));
    const part = { context, isCommand: false, isLast: false, data: Buffer.alloc(100_000) };
    this.#writeOn(dataUnit(part));
  }

  #answer(context: number): void {
    const all = Array.from({ length: this.#count }, (_, n) => this.#result(context, n));
    this.#socket.write(Buffer.concat(all));
    if (this.#count < 5) this.#last(context, 0);
  }

  /** The same again and again, until the connection is gone. */
  #writeOn(bytes: Buffer): void {
    this.#socket.write(bytes, (error) => {
      if (error === null || error === undefined) setImmediate(() => this.#writeOn(bytes));
    });
  }

  #last(context: number, status: number): void {
    this.#socket.write(unit(context, true, findReply(this.#asked, status)));
  }

  #result(context: number, n: number): Buffer {
    const dataSet = identifierFrom({ PatientID: `P${n}` }, IMPLICIT_LITTLE_ENDIAN);
    const pending = unit(context, true, findReply(this.#asked, 0xff00, true));
    return Buffer.concat([pending, unit(context, false, dataSet)]);
  }
}

function implicitOnly(body: Buffer): Buffer {
  const request = readAssociateRequest(body);
  const contexts = request.contexts.map(({ id, abstractSyntax, transferSyntaxes }) => {
    const [transferSyntax = ''] = transferSyntaxes;
    const isTaken = transferSyntax === IMPLICIT_LITTLE_ENDIAN || abstractSyntax === VERIFICATION;
    const result = isTaken ? CONTEXT_RESULT.accepted : CONTEXT_RESULT.noTransferSyntax;
    return { id, result, transferSyntax };
  });
  return associateAccept(request, { contexts, maxLength: 0 });
}

/** What DCMTK does not do: many results in one piece, and after a cancel what it is told. */
async function stubborn(count: number, cancelled: Cancelled) {
  const sockets = new Set<Socket>();
  const cancels: number[] = [];
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    const peer = new Stubborn(socket, count, cancelled, cancels);
    socket.on('data', (chunk: Buffer) => peer.read(chunk));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    cancels,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

test('results that come in one piece are all taken, in the encoding that every peer has', async () => {
  await using peer = await stubborn(4, 'ends');
  await using out = await asking(peer.port, { results: 4, form: 'keywords' });
  const reply = await ask(out, { PatientID: '' });
  expect(reply).toMatchObject({ code: '0000' });
  expect(results(reply).map(({ PatientID }) => PatientID)).toEqual(['P0', 'P1', 'P2', 'P3']);
  expect(peer.cancels).toEqual([]);
});

test.for(['ends', 'goes on', 'begins a result without end', 'falls silent'] as const)(
  'a peer that %s once the query is cancelled keeps nobody',
  async (how) => {
    await using peer = await stubborn(50, how);
    await using out = await asking(peer.port, {
      results: 5,
      replyTimeout: '1s',
      form: 'keywords',
    });
    for (const n of [1, 2]) {
      const reply = await ask(out, { PatientID: '' });
      expect(reply).toMatchObject({ code: 'MORE' });
      expect(results(reply)).toHaveLength(5);
      // the first request of an association is number 1
      expect(peer.cancels).toEqual(how === 'ends' ? [1, 2].slice(0, n) : [1, 1].slice(0, n));
    }
  },
);
