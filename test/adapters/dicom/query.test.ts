import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import dicomIn from '../../../adapters/dicom/dicom-in.ts';
import { dicomDocument } from '../../../src/document/index.ts';
import { dcmtk, hasDcmtk } from '../../support/dicom.ts';
import { portOf } from '../../support/mllp-sender.ts';
import { type OpenedInbound, openInbound } from '../../support/open-adapter.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const open = (more = {}): Promise<OpenedInbound> =>
  openInbound(dicomIn, { listen: '127.0.0.1:0', queries: 'target', ...more });

const answering = (opened: OpenedInbound, answer: unknown): void => {
  const body = Buffer.from(typeof answer === 'string' ? answer : JSON.stringify(answer));
  opened.answer(() => ({ reply: { body, type: 'application/json' } }));
};

const KEYS = [
  'PatientName',
  'PatientID',
  'ScheduledProcedureStepSequence[0].Modality=CT',
  'ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartDate',
].flatMap((key) => ['-k', key]);

interface Found {
  readonly code: number;
  readonly said: string;
  readonly answers: readonly ReturnType<typeof dicomDocument>[];
}

/** Asks as a modality does, with `findscu`. */
async function ask(opened: OpenedInbound, ...more: readonly string[]): Promise<Found> {
  await using folder = await temporaryFolder('worklist');
  const place = ['127.0.0.1', String(portOf(opened))];
  const given = ['-v', '-W', '-X', '-od', folder.path, '-aet', 'CT1', ...more, ...KEYS, ...place];
  const done = await dcmtk('findscu', ...given);
  const names = (await readdir(folder.path)).toSorted();
  const files = await Promise.all(names.map((name) => readFile(join(folder.path, name))));
  return { ...done, answers: files.map((file) => dicomDocument(file)) };
}

const STEP = { Modality: 'CT', ScheduledProcedureStepStartDate: '20260115' };

describe.skipIf(!hasDcmtk)('findscu of DCMTK asks for a worklist', () => {
  test('and gets what the target answers, of a query that is JSON', async () => {
    await using opened = await open();
    answering(opened, [
      { PatientName: 'DOE^JANE', PatientID: 4711, ScheduledProcedureStepSequence: [STEP] },
      {
        '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Müller^Åsa' }] },
        '00100020': { vr: 'LO' },
        '00400100': { vr: 'SQ', Value: [{ '00080060': { vr: 'CS', Value: ['CT'] } }] },
      },
      { PatientName: null, 'ScheduledProcedureStepSequence[1]/Modality': 'CT' },
    ]);
    const { answers, said } = await ask(opened);
    expect(answers, said).toHaveLength(3);
    expect(answers.map((one) => one.get('PatientName'))).toEqual(['DOE^JANE', 'Müller^Åsa', '']);
    expect(answers[0]?.get('PatientID')).toBe('4711');
    const modalities = answers.map((one) => one.get('ScheduledProcedureStepSequence/Modality'));
    expect(modalities).toEqual(['CT', 'CT', 'CT']);
    const [query] = opened.delivered;
    expect(query).toMatchObject({
      type: 'application/dicom+json',
      name: 'worklist',
      origin: '127.0.0.1 CT1',
    });
    expect(JSON.parse(String(query?.body))).toMatchObject({
      '00100010': { vr: 'PN' },
      '00400100': { vr: 'SQ', Value: [{ '00080060': { vr: 'CS', Value: ['CT'] } }] },
    });
  });

  test('of a thousand entries, whatever the length that it takes', async () => {
    await using opened = await open();
    answering(
      opened,
      Array.from({ length: 1_000 }, (_, n) => ({
        PatientID: `P${n}`,
        PatientComments: 'x'.repeat(8_000),
        ScheduledProcedureStepSequence: [STEP],
      })),
    );
    const { answers } = await ask(opened, '--max-pdu', '4096');
    expect(answers).toHaveLength(1_000);
    expect(new Set(answers.map((one) => one.get('PatientID'))).size).toBe(1_000);
    expect(answers[7]?.get('PatientComments')).toHaveLength(8_000);
  });

  test.for([
    ['', 'Success'],
    [[], 'Success'],
    ['no json', 'answer of the target is no JSON'],
    [[{ Patient: 'x' }], 'Patient'],
    [['text'], 'each answer is no object'],
    [[{ PatientName: { first: 'x' } }], 'PatientName'],
  ] as const)('and gets nothing of %j', async ([answer, words]) => {
    await using opened = await open();
    answering(opened, answer);
    const { answers, said } = await ask(opened, '-d');
    expect(answers).toEqual([]);
    expect(said).toContain(words);
    expect(await ask(opened)).toBeDefined();
  });

  test('and operators are told why it got nothing, as the message itself is completed', async () => {
    await using opened = await open();
    // as PostgreSQL cuts ScheduledProcedureStepSequence[1]/ScheduledProcedureStepStartDate
    const column = 'ScheduledProcedureStepSequence[1]/ScheduledProcedureStepStartDa';
    answering(opened, [{ PatientName: 'DOE^JANE', [column]: '20260115' }]);
    await ask(opened);
    const told = opened.events.find(({ name }) => name === 'query-unanswered');
    expect(told?.text).toContain(`cannot be used: ${column}: `);
    expect(told?.text).toContain('PostgreSQL cuts names of columns to 63 characters');
    expect(told?.text).not.toContain('DOE');
  });

  test('and is refused for now while the store is down, or the target is late', async () => {
    await using opened = await open();
    opened.refuse();
    expect((await ask(opened, '-d')).said).toMatch(/0xa700|Out ?Of ?Resources/i);
    opened.accept();
    opened.answer(() => ({}));
    expect((await ask(opened, '-d')).said).toContain('no answer in time');
  });

  test('and gets no association for it without queries', async () => {
    await using opened = await open({ queries: 'none' });
    const { answers, said } = await ask(opened);
    expect(answers).toEqual([]);
    expect(said).toMatch(/No Acceptable Presentation Contexts|no presentation/i);
    expect(opened.delivered).toEqual([]);
  });
});
