import { expect, test } from 'vitest';
import { ediFindings } from '../../src/document/edi/check/check-edi.ts';
import { ediDocument } from '../../src/document/edi/edi-document.ts';
import { ediParts } from '../../src/document/edi/edi-parts.ts';
import { bytesOf, CLAIMS, REPORT } from '../support/edi-samples.ts';

const parts = (text: string, id: string) => {
  const found = ediParts(ediDocument(bytesOf(text)), id);
  return Array.from({ length: found.count }, (_, at) => found.make([at + 1]));
};

test('each claim has what it belongs to and no other claim', () => {
  const claims = parts(CLAIMS, '2300');
  expect(claims.map((one) => one.all('CLM-1'))).toEqual([['CLAIM1'], ['CLAIM2'], ['CLAIM3']]);
  expect(claims.map((one) => one.all('2000C/NM1-4'))).toEqual([[], [], ['JOHN']]);
  for (const one of claims) {
    expect(one.get('2010BA/NM1-4')).toBe('JANE');
    expect(one.get('ISA-6')).toBe('NORTHCLINIC');
    expect(ediFindings(one, 'envelope')).toEqual([]);
  }
});

test('several claims of one subscriber stand together', () => {
  const made = ediParts(ediDocument(bytesOf(CLAIMS)), '2300').make([1, 3]);
  expect(made.all('CLM-1')).toEqual(['CLAIM1', 'CLAIM3']);
  expect(made.all('HL-3')).toEqual(['20', '22', '23']);
});

test('transaction sets and messages have their own envelope', () => {
  const [, set = ''] = /(ST\*837[^]*SE\*45\*0001~)/.exec(CLAIMS) ?? [];
  const other = set.replaceAll('*0001~', '*0002~').replace('ST*837*0001', 'ST*837*0002');
  const both = CLAIMS.replace(set, `${set}\n${other}`).replace('GE*1', 'GE*2');
  const sets = parts(both, 'ST');
  expect(sets.map((one) => one.get('ST-2'))).toEqual(['0001', '0002']);
  for (const one of sets) expect(ediFindings(one, 'envelope')).toEqual([]);
  const [report] = parts(REPORT, 'UNH');
  expect(
    Buffer.from(report?.bytes() ?? [])
      .toString()
      .replaceAll('\r\n', ''),
  ).toBe(REPORT.replaceAll('\r\n', ''));
});
