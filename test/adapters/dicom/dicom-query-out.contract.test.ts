import dicomIn from '../../../adapters/dicom/dicom-in.ts';
import dicomQueryOut from '../../../adapters/dicom/dicom-query-out.ts';
import { EngineError } from '../../../src/adapter/index.ts';
import { BODY_MARKER } from '../../contract/marker.ts';
import { describeOutbound, type OutboundPeer } from '../../contract/outbound.contract.ts';
import { portOf } from '../../support/mllp-sender.ts';
import { type OpenedInbound, openInbound } from '../../support/open-adapter.ts';

const body = (id: string): Buffer =>
  Buffer.from(JSON.stringify({ PatientID: id, PatientName: BODY_MARKER }));

/** The keys that we sent, as `dicom-in` hands them on. */
function keysOf(query: Buffer): Buffer {
  const json = JSON.parse(query.toString()) as Record<string, { Value?: unknown[] }>;
  const first = (tag: string): unknown => json[tag]?.Value?.[0];
  const { Alphabetic: PatientName } = first('00100010') as { Alphabetic: string };
  return Buffer.from(JSON.stringify({ PatientID: first('00100020'), PatientName }));
}

const answering = async (listen: string): Promise<OpenedInbound> => {
  const opened = await openInbound(dicomIn, { listen, queries: 'target' });
  opened.answer(() => ({ reply: { body: Buffer.from('[]'), type: 'application/json' } }));
  return opened;
};

/** `dicom-in`, which is tested with DCMTK; with DCMTK itself see dicom-query-out.test.ts. */
async function peer(): Promise<OutboundPeer> {
  let server = await answering('127.0.0.1:0');
  const connect = `127.0.0.1:${portOf(server)}`;
  const seen: Buffer[] = [];
  const keep = (): void => {
    seen.push(...server.delivered.splice(0).map((query) => Buffer.from(query.body as Uint8Array)));
  };
  return {
    given: { connect, title: 'RIS' },
    received: () => {
      keep();
      return seen.map(keysOf);
    },
    hold: () => server.hold(),
    release: () => server.release(),
    refuse: (how) =>
      server.refuse(
        new EngineError('QUEUE_FULL', 'The queue is full.', { retryable: how === 'temporary' }),
      ),
    async breakDown() {
      keep();
      server.abort();
      await server.close();
    },
    async repair() {
      server = await answering(connect);
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

describeOutbound(dicomQueryOut, {
  peer,
  body,
  refusals: { temporary: { code: 'A700' }, final: { code: 'C000' } },
  gaps: { large: 'a query is a few attributes; one above 1 MB is refused' },
});
