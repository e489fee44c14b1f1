import { describe } from 'vitest';
import dicomIn from '../../../adapters/dicom/dicom-in.ts';
import dicomOut from '../../../adapters/dicom/dicom-out.ts';
import { EngineError } from '../../../src/adapter/index.ts';
import { BODY_MARKER } from '../../contract/marker.ts';
import { describeOutbound, type OutboundPeer } from '../../contract/outbound.contract.ts';
import { dicomFile, hasDcmtk, objectOf, startArchive } from '../../support/dicom.ts';
import { type OpenedInbound, openInbound } from '../../support/open-adapter.ts';

const body = (id: string): Buffer =>
  dicomFile({ instance: Number(id.replace(/\D/g, '')) + 1, patient: `${BODY_MARKER}^JOHN` });

async function peer(): Promise<OutboundPeer> {
  const archive = await startArchive();
  let refusing: OpenedInbound | undefined;
  const connect = `127.0.0.1:${archive.port}`;
  return {
    given: { connect, title: 'ARCHIVE' },
    received: async () => (await archive.files()).map(objectOf),
    hold: () => archive.pause(),
    release: () => archive.resume(),
    async refuse(how) {
      await archive.stop();
      refusing = await openInbound(dicomIn, { listen: connect });
      const retryable = how === 'temporary';
      refusing.refuse(new EngineError('QUEUE_FULL', 'The queue is full.', { retryable }));
    },
    breakDown: () => archive.stop(),
    repair: () => archive.start(),
    async [Symbol.asyncDispose]() {
      await refusing?.close();
      await archive[Symbol.asyncDispose]();
    },
  };
}

describe.skipIf(!hasDcmtk)('with storescp of DCMTK', () => {
  describeOutbound(dicomOut, {
    peer,
    body,
    arrives: objectOf,
    refusals: { temporary: { code: 'A700' }, final: { code: '0110' } },
  });
});
