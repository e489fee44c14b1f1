import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test, vi } from 'vitest';
import { freePort } from '../../sandbox/free-port.ts';
import { dicomDocument } from '../../src/document/index.ts';
import {
  CT_IMAGE,
  dcmtk,
  dicomFile,
  hasDcmtk,
  instanceUid,
  startArchive,
  storescu,
} from '../support/dicom.ts';
import { startEngineProcess } from '../support/engine-process.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const FOLDER = join(import.meta.dirname, '../../productions/image-router');
const COUNT = 40;

/** Objects of all kinds that the production tells apart; some larger than what is held in memory. */
function study(): Buffer[] {
  return Array.from({ length: COUNT }, (_, n) => {
    const picture = Buffer.alloc(n % 5 === 0 ? 600_000 : 20_000, n + 1);
    const document = dicomDocument(
      dicomFile({
        classUid: CT_IMAGE,
        instance: n + 1,
        picture,
        source: n % 4 === 0 ? 'IMPORT' : 'CT1',
      }),
    );
    document.set('Modality', 'CT');
    document.set('BodyPartExamined', n % 2 === 0 ? 'CHEST' : 'HEART');
    document.set('PatientID', n % 4 === 0 ? 'X-77' : '4711');
    return Buffer.from(document.bytes());
  });
}

/** The table of the radiology system. */
function plan(file: string): void {
  const database = new DatabaseSync(file);
  database.exec(`CREATE TABLE planned (patient_name, patient_id, accession, study_uid, modality, planned_on);
    INSERT INTO planned VALUES ('DOE^JANE', '4711', 'A1', '1.2.3', 'CT', '20260115'), ('ROE^RICHARD', '4712', 'A2', '1.2.4', 'MR', '20260115')`);
  database.close();
}

test.skipIf(!hasDcmtk)(
  'the example of images: what modalities were told is stored arrives whole at each archive, also when the engine is killed and an archive is away',
  async () => {
    await using archive = await startArchive();
    await using cardiology = await startArchive();
    await using data = await temporaryFolder('images');
    const port = await freePort();
    const worklist = join(data.path, 'worklist.db');
    plan(worklist);
    const starting = {
      production: FOLDER,
      data: data.path,
      ports: [port],
      environment: {
        MODALITIES: `127.0.0.1:${port}`,
        ARCHIVE: `127.0.0.1:${archive.port}`,
        CARDIOLOGY: `127.0.0.1:${cardiology.port}`,
        WORKLIST: worklist,
      },
      arguments: ['--durability', 'process-crash', '--log-level', 'error'],
    };
    const files = study();
    const imported = files.filter((_, n) => n % 4 === 0);
    const own = files.filter((_, n) => n % 4 !== 0);
    const send = async (some: readonly Buffer[], title: string): Promise<void> => {
      const sent = await storescu(port, some, '-aet', title, '-aec', 'HUB');
      expect(sent, sent.said).toMatchObject({ code: 0 });
    };
    {
      await using engine = await startEngineProcess(starting);
      await archive.stop();
      await send(imported, 'IMPORT');
      await send(own.slice(0, 20), 'CT1');
      await engine.kill();
    }
    await using _ = await startEngineProcess(starting);
    await archive.start();
    await send(own.slice(20), 'CT1');
    const asked = await dcmtk(
      'findscu',
      '-v',
      '-W',
      '-aet',
      'CT1',
      '-aec',
      'HUB',
      '-k',
      'ScheduledProcedureStepSequence[0].Modality=CT',
      '-k',
      'PatientName',
      '127.0.0.1',
      String(port),
    );
    expect(asked.said.match(/DOE\^JANE/g), asked.said).toHaveLength(1);
    expect(asked.said).not.toContain('ROE^RICHARD');

    const wanted = (which: (n: number) => boolean): string[] =>
      files.flatMap((__, n) => (which(n) ? [instanceUid(n + 1)] : [])).toSorted();
    await vi.waitFor(
      async () => {
        const seen = async (one: typeof archive): Promise<string[]> =>
          [
            ...new Set(
              (await one.files()).map((file) => dicomDocument(file).get('SOPInstanceUID')),
            ),
          ].toSorted();
        expect(await seen(archive)).toEqual(wanted(() => true));
        expect(await seen(cardiology)).toEqual(wanted((n) => n % 4 !== 0 && n % 2 === 1));
      },
      { timeout: 60_000, interval: 200 },
    );
    for (const file of await archive.files()) {
      const document = dicomDocument(file);
      const n = Number(document.get('SOPInstanceUID').split('.').at(-1)) - 1;
      const original = dicomDocument(files[n] ?? Buffer.alloc(0));
      // the picture is behind all that was changed
      expect(file.subarray(-20_000).equals((files[n] ?? file).subarray(-20_000))).toBe(true);
      expect(document.get('PatientID')).toBe('4711');
      expect(document.get('OtherPatientIDsSequence/PatientID')).toBe(n % 4 === 0 ? 'X-77' : '');
      expect(document.get('SOPClassUID')).toBe(original.get('SOPClassUID'));
    }
  },
);
