import { expect, test } from 'vitest';
import { fieldMask, MASKED_PATHS, type MaskPaths } from '../../../src/access/rights/field-mask.ts';
import { bytesOf, CLAIMS, REMITTANCE, REPORT } from '../../support/edi-samples.ts';

const shown = (text: string, type: string, paths: MaskPaths = MASKED_PATHS): string =>
  Buffer.from(fieldMask(paths)(bytesOf(text), { type })).toString();

const x12 = (text: string, paths?: MaskPaths): string => shown(text, 'X12:837P', paths);

test('who a claim is about is masked, what it is about and how it was sent is not', () => {
  const text = x12(CLAIMS);
  expect(text.split('\n').slice(0, 3)).toEqual(CLAIMS.split('\n').slice(0, 3));
  expect(text).not.toMatch(
    /DOE|JANE|JOHN|MEMBER1|CLAIM1|SOUTH|SPRINGFIELD|6270|19800102|123456789|BATCH7/,
  );
  expect(text).toContain('NM1*IL*1*XXX*XXXX****MI*XXXXXX0~');
  expect(text).toContain('DMG*D8*00000000*F~');
  expect(text).toContain('HI*ABK:J0300*ABF:R05~');
  expect(text).toContain('SV1*HC:99213:25*100*UN*1***1~');
  expect(text).toContain('DTP*472*D8*20260227~');
  expect(text).toContain('SE*45*0001~\nGE*1*7~\nIEA*1*000000007~');
  expect(text.length).toBe(CLAIMS.length);
});

test('a remittance: amounts of lines, not numbers of people', () => {
  const text = shown(REMITTANCE, 'X12:835');
  expect(text).not.toMatch(/DOE|JANE|MEMBER1|CHECK77|PCN1/);
  expect(text).toContain('SVC*HC:99213:25*100*80**1~');
  expect(text).toContain('CAS*PR*2*20~');
});

test('EDIFACT: only codes and the envelope', () => {
  const text = shown(REPORT, 'EDIFACT:MEDRPT');
  expect(text).not.toMatch(/DO\?'E|JANE|123456|WARD3|REPORT7/);
  expect(text).toContain("UNH+1+MEDRPT:D:96A:UN'");
  expect(text).toContain("PNA+PAT+000000:::0++XX?'X:XXXX'");
});

test('what a site shows or hides in addition', () => {
  const { shown: none } = MASKED_PATHS;
  const more = { ...MASKED_PATHS, x12: ['HI'], shown: { ...none, x12: ['CLM-1'] } };
  const text = x12(CLAIMS, more);
  expect(text).toContain('CLM*CLAIM1*000***');
  expect(text).toContain('HI*XXX:X0000*XXX:X00~');
});

test('a secret in the envelope and a segment that is none are masked', () => {
  const secret = CLAIMS.replace('*00*          *ZZ*NORTH', '*01*PASSWORD1 *ZZ*NORTH').replace(
    'PRV*BI',
    'prv jane doe*BI',
  );
  const text = x12(secret);
  expect(text).not.toMatch(/PASSWORD1|jane/);
});
