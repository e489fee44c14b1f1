import { expect, test } from 'vitest';
import { fieldMask, MASKED_PATHS } from '../../../src/access/rights/field-mask.ts';
import { dicomDocument } from '../../../src/document/index.ts';
import { dicomFile } from '../../support/dicom.ts';

const READING = { type: 'application/dicom' };

function file(): Uint8Array {
  const document = dicomDocument(dicomFile({ patient: 'DOE^JANE', comment: 'seen by Dr. Roe' }));
  document.set('PatientSex', 'F');
  document.set('PatientBirthDate', '19800102');
  document.set('OtherPatientIDsSequence[1]/PatientID', 'X-77');
  document.set('Rows', '512');
  document.set('StudyDescription', 'Chest');
  document.set('SeriesDescription', 'Axial');
  return document.bytes();
}

test('what names somebody is masked, at any depth, and pictures are left out', () => {
  const shown = dicomDocument(fieldMask(MASKED_PATHS)(file(), READING));
  const values = [
    'PatientName',
    'PatientID',
    'PatientSex',
    'PatientBirthDate',
    'AccessionNumber',
    'ImageComments',
  ];
  expect(values.map((one) => shown.get(one))).toEqual([
    'XXX^XXXX',
    'X0000',
    'X',
    '00000000',
    'X0000',
    'xxxx xx Xx. Xxx',
  ]);
  expect(shown.get('OtherPatientIDsSequence/PatientID')).toBe('X-00');
  expect([...shown.lines()].join('\n')).not.toMatch(/DOE|JANE|P0815|X-77|1980|Roe|64 bytes/);
  expect(shown.get('Modality')).toBe('OT');
  expect(shown.get('Rows')).toBe('512');
  expect(shown.get('SOPInstanceUID')).toMatch(/^1\.2\.826/);
});

test('an installation says what else is shown and hidden', () => {
  const { shown: none } = MASKED_PATHS;
  const paths = {
    ...MASKED_PATHS,
    dicom: ['Modality'],
    shown: { ...none, dicom: ['StudyDescription'] },
  };
  const shown = dicomDocument(fieldMask(paths)(file(), READING));
  expect(shown.get('StudyDescription')).toBe('Chest');
  expect(shown.get('SeriesDescription')).toBe('Xxxxx');
  expect(shown.get('Modality')).toBe('XX');
});
