import { expect, test } from 'vitest';
import { contentDiff } from '../../src/api/body/body-diff.ts';
import { bodyText } from '../../src/api/body/body-text.ts';
import { ediTree } from '../../src/api/body/edi-tree.ts';
import type { ShownBody } from '../../src/api/body/shown-body.ts';
import { dicomSample } from '../../src/document/dicom/sample.ts';
import { bytesOf, CLAIMS, REMITTANCE, REPORT, REPORT_4 } from '../support/edi-samples.ts';

test('the tree names elements by their paths, and segments by their loops', () => {
  const tree = ediTree(bytesOf(CLAIMS), undefined);
  expect(tree).toMatchObject({ standard: 'X12', version: '005010X222A1', message: '837P' });
  const claim = tree.segments.find(({ name, index }) => name === 'CLM' && index === 2);
  expect(claim).toMatchObject({ title: '2300', index: 2 });
  const place = claim?.fields.find(({ n }) => n === 5);
  expect(place?.path).toBe('CLM[2]-5');
  expect(place?.repetitions[0]?.map(({ path, value }) => [path, value])).toEqual([
    ['CLM[2]-5.1', '11'],
    ['CLM[2]-5.2', 'B'],
    ['CLM[2]-5.3', '1'],
  ]);
  const [isa] = tree.segments;
  expect(isa?.fields.at(-1)).toMatchObject({ n: 16, raw: ':' });
});

test('EDIFACT in the tree: values read without what releases them, repetitions by themselves', () => {
  const { segments } = ediTree(bytesOf(REPORT), undefined);
  const patient = segments.find(({ name }) => name === 'PNA');
  expect(patient?.fields.at(-1)?.repetitions[0]?.[0]?.value).toBe("DO'E");
  const repeated = ediTree(bytesOf(REPORT_4), undefined).segments.find(
    ({ name }) => name === 'PNA',
  );
  expect(repeated?.fields[1]?.repetitions.map((one) => one[0]?.path)).toEqual([
    'PNA-2',
    'PNA-2[2]',
    'PNA-2[3].1',
  ]);
});

test.for([
  ['X12:835:005010X221A1', REMITTANCE],
  ['EDIFACT:MEDRPT:D.96A', REPORT],
] as const)('%s: laid out, each segment has a line', ([type, text]) => {
  const bytes = bytesOf(text);
  const body = {
    message: { id: 1 },
    bytes,
    reading: { type },
    size: bytes.byteLength,
    offset: 0,
    masked: false,
  } as ShownBody;
  const lines = bodyText(body, 'message', true).text.split('\n').slice(0, -1);
  expect(lines.join('')).toBe(text.replace(/^UNA.{6}/, '').replaceAll(/[\r\n]/g, ''));
  expect(lines.every((line) => /^[A-Z][A-Z\d]{1,2}[*+]/.test(line))).toBe(true);
  expect(bodyText(body, 'message', false).text).toBe(text);
});

function shown(bytes: Uint8Array): ReturnType<typeof bodyText> {
  const reading = { type: 'application/dicom' };
  const size = bytes.byteLength;
  const body = { message: { id: 1 }, bytes, reading, size, offset: 0, masked: false };
  return bodyText(body, 'message', true);
}

test('a DICOM file is shown by its attributes, a damaged one by what is wrong', () => {
  expect(shown(dicomSample())).toMatchObject({
    kind: 'dicom',
    text: expect.stringContaining('(0010,0020) LO PatientID  4711\n'),
  });
  expect(shown(Buffer.from('text'))).toMatchObject({
    kind: 'text',
    text: expect.stringMatching(/too short/),
  });
});

const compared = (text: string) => ({ bytes: bytesOf(text), reading: { type: 'X12:837P' } });

test('two interchanges are compared element by element', () => {
  const { kind, fields } = contentDiff(
    compared(CLAIMS),
    compared(CLAIMS.replace('CLM*CLAIM2*75', 'CLM*CLAIM2*76')),
  );
  expect(kind).toBe('segments');
  expect(fields).toMatchObject([{ path: 'CLM[2]-2', before: '75', after: '76' }]);
});

test('what is damaged is shown as the text it is', () => {
  const text = 'ISA is not what this is';
  const bytes = bytesOf(text);
  const reading = { type: 'X12' };
  const body = {
    message: { id: 1 },
    bytes,
    reading,
    size: bytes.byteLength,
    offset: 0,
    masked: false,
  };
  expect(bodyText(body as ShownBody, 'message', true).text).toBe(text);
});
