import { describe, expect, test } from 'vitest';
import dicomIn from '../../../adapters/dicom/dicom-in.ts';
import dicomOut from '../../../adapters/dicom/dicom-out.ts';
import {
  dcmtk,
  dicomFile,
  hasDcmtk,
  instanceUid,
  objectOf,
  startArchive,
  storescu,
} from '../../support/dicom.ts';
import { portOf } from '../../support/mllp-sender.ts';
import { openInbound, openOutbound, streamedBody } from '../../support/open-adapter.ts';

const LISTEN = { listen: '127.0.0.1:0' };

describe.skipIf(!hasDcmtk)('DICOM with DCMTK', () => {
  test('storescu sends, and what is delivered is its object as a file', async () => {
    await using opened = await openInbound(dicomIn, LISTEN);
    const files = [1, 2, 3].map((instance) => dicomFile({ instance }));
    const sent = await storescu(portOf(opened), files, '-aet', 'CT1', '-aec', 'WAYBILL');
    expect(sent).toMatchObject({ code: 0 });
    expect(opened.delivered.map(({ body }) => objectOf(body))).toEqual(files.map(objectOf));
    expect(opened.delivered[0]).toMatchObject({
      type: 'application/dicom',
      name: instanceUid(1),
      origin: '127.0.0.1 CT1',
      dedupeKey: instanceUid(1),
    });
  });

  test('echoscu is answered', async () => {
    await using opened = await openInbound(dicomIn, LISTEN);
    expect(await dcmtk('echoscu', '127.0.0.1', String(portOf(opened)))).toMatchObject({ code: 0 });
  });

  test('storescp takes what is sent', async () => {
    await using archive = await startArchive();
    const given = { connect: `127.0.0.1:${archive.port}`, title: 'ARCHIVE' };
    await using opened = await openOutbound(dicomOut, given);
    for (const instance of [1, 2]) {
      expect(await opened.send(dicomFile({ instance }))).toMatchObject({ code: '0000' });
    }
    const large = dicomFile({ instance: 3, picture: Buffer.alloc(5_000_000, 'picture') });
    expect(await opened.send(streamedBody(large))).toMatchObject({ code: '0000' });
    const seen = (await archive.files()).map((file) => objectOf(file).toString('latin1'));
    const wanted = [dicomFile({ instance: 1 }), dicomFile({ instance: 2 }), large];
    expect(seen.toSorted()).toEqual(
      wanted.map((file) => objectOf(file).toString('latin1')).toSorted(),
    );
  });
});
