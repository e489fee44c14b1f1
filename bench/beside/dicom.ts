import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import dicomIn from '../../adapters/dicom/dicom-in.ts';
import dicomOut from '../../adapters/dicom/dicom-out.ts';
import dicomQueryOut from '../../adapters/dicom/dicom-query-out.ts';
import { startDaemon } from '../../sandbox/daemon.ts';
import { freePort } from '../../sandbox/free-port.ts';
import { dicomFile } from '../../test/support/dicom.ts';
import { worklistServer } from '../../test/support/dicom-queries.ts';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';
import { listening } from '../lent.ts';
import { asking, dcmjs, storing } from './dcmjs.ts';
import { type Spent, type Subject, type Subjects, sender, stopwatch } from './subject.ts';

const run = promisify(execFile);
// otherwise DCMTK waits 40 ms for the acknowledgement of each packet
process.env['TCP_NODELAY'] = '1';

const PICTURE = Buffer.alloc(64 * 1024, 7);

async function during(work: () => Promise<unknown>): Promise<Required<Spent>> {
  const spent = stopwatch();
  await work();
  return spent();
}

/** Entries of the worklist that is asked for. */
const PLANNED = 20;
const KEYS = { PatientName: '', PatientID: '', StudyInstanceUID: '', RequestedProcedureID: '' };

/**
 * Objects of 64 KB one after another over one association: storescu and storescp of DCMTK, and either by its adapter. Where
 * dcmjs-dimse is there, it listens as well, and asks a worklist.
 */
export async function dicomSubjects(): Promise<Subjects> {
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await temporaryFolder('bench-dicom'));
  const archive = undo.use(await temporaryFolder('bench-archive'));
  const port = await freePort();
  const args = ['--fork', '+xa', '+B', '--unique-filenames', '-od', archive.path, String(port)];
  const log = join(archive.path, 'log');
  const daemon = await startDaemon({ program: '/usr/bin/storescp', args, log, port });
  undo.defer(() => daemon.stop());
  const at = { connect: `127.0.0.1:${port}`, title: 'ARCHIVE' };
  const out = await sender(dicomOut, at, { kind: 'basic', user: '', password: '' });
  undo.defer(() => out.close());
  const ours = Number((await listening(dicomIn, undo)).split(':')[1]);
  let made = 0;
  const prepare = async (messages: number): Promise<void> => {
    for (; made < messages; made++) {
      const file = dicomFile({ instance: made + 1, picture: PICTURE });
      await writeFile(join(folder.path, `${made}.dcm`), file);
    }
  };
  const storescu = (to: number): Promise<Required<Spent>> =>
    during(() => run('storescu', ['+sd', '127.0.0.1', String(to), folder.path]));
  /** Both sides are programs of DCMTK. */
  const elsewhere = async (): Promise<Spent> => {
    const { milliseconds } = await storescu(port);
    return { milliseconds };
  };
  const byLibrary = await libraryOnes(
    { adapter: () => storescu(ours), to: storescu, prepare },
    undo,
  );
  const all = undo.move();
  return {
    subjects: [
      {
        what: 'dicom-out, beside storescu (C)',
        isLess: true,
        prepare,
        bare: elsewhere,
        adapter: (messages) =>
          during(async () => {
            for (let n = 0; n < messages; n++) {
              const body = dicomFile({ instance: n + 1, picture: PICTURE });
              await out.send(body, { type: 'application/dicom' });
            }
          }),
      },
      {
        what: 'dicom-in, beside storescp (C)',
        prepare,
        bare: elsewhere,
        adapter: () => storescu(ours),
      },
      ...byLibrary,
    ],
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

const planned = (): object[] =>
  Array.from({ length: PLANNED }, (_, n) => ({
    PatientName: `DOE^JANE ${n}`,
    PatientID: `P${n}`,
    StudyInstanceUID: `1.2.3.${n + 1}`,
    RequestedProcedureID: `R${n}`,
    ScheduledProcedureStepSequence: [
      {
        Modality: 'CT',
        ScheduledStationAETitle: 'CT1',
        ScheduledProcedureStepStartDate: '20260115',
        ScheduledProcedureStepStartTime: '0800',
      },
    ],
  }));

interface Storing {
  /** Sends everything to the adapter, or to a port. */
  readonly adapter: () => Promise<Spent>;
  readonly to: (port: number) => Promise<Spent>;
  readonly prepare: (messages: number) => Promise<void>;
}

/** One query after another. */
const each = (queries: number, ask: () => Promise<unknown>): Promise<Spent> =>
  during(async () => {
    for (let n = 0; n < queries; n++) await ask();
  });

/** Beside dcmjs-dimse, where it is installed. */
async function libraryOnes(
  { adapter, to, prepare }: Storing,
  undo: AsyncDisposableStack,
): Promise<Subject[]> {
  const library = dcmjs();
  if (library === undefined) return [];
  const port = await freePort();
  undo.defer(storing(library, port));
  const worklist = undo.use(await worklistServer(planned()));
  const query = await sender(
    dicomQueryOut,
    { connect: `127.0.0.1:${worklist.port}`, title: 'RIS', form: 'keywords' },
    { kind: 'basic', user: '', password: '' },
  );
  undo.defer(() => query.close());
  const body = Buffer.from(JSON.stringify(KEYS));
  return [
    { what: 'dicom-in, beside dcmjs-dimse', prepare, bare: () => to(port), adapter },
    {
      what: 'dicom-query-out, beside dcmjs-dimse',
      bare: (queries) => each(queries, () => asking(library, worklist.port, KEYS)),
      adapter: (queries) => each(queries, () => query.send(body, { type: 'application/json' })),
    },
  ];
}
