import { describe, expect, test } from 'vitest';
import { ediFindings } from '../../../src/document/edi/check/check-edi.ts';
import type { EdiCheckLevel } from '../../../src/document/edi/check/finding.ts';
import { ediDocument } from '../../../src/document/edi/edi-document.ts';
import { GUIDES, loopsOf } from '../../../src/document/edi/guide/guides.ts';
import { x12Segment } from '../../../src/document/edi/x12/segment-elements.ts';
import {
  bytesOf,
  CLAIMS,
  ELIGIBILITY_4010,
  REMITTANCE,
  REPORT,
  REPORT_4,
} from '../../support/edi-samples.ts';

const found = (text: string, level: EdiCheckLevel = 'guide'): string[] =>
  ediFindings(ediDocument(bytesOf(text)), level).map(
    ({ level: at, code, position, text: said }) => `${at} ${code} ${position}: ${said}`,
  );

/** What is found once a part of the claims is another. */
const changed = (
  before: string | RegExp,
  after: string,
  level: EdiCheckLevel = 'guide',
): string[] =>
  found(CLAIMS.replace(before, after), level).filter((one) => !one.startsWith('set 5'));

test.for([
  ['claims', CLAIMS],
  ['a remittance', REMITTANCE],
  ['an inquiry of 4010', ELIGIBILITY_4010],
  ['a report', REPORT],
  ['a report in syntax 4', REPORT_4],
] as const)('%s: nothing is wrong', ([, text]) => {
  expect(found(text)).toEqual([]);
});

describe('the envelope of X12', () => {
  test.for([
    ['IEA*1*000000007', 'IEA*1*000000008', 'interchange 001 0: IEA-2 is not ISA-13.'],
    ['IEA*1*000000007', 'IEA*2*000000007', 'interchange 021 0: IEA-1 is not the actual count (1).'],
    ['\nIEA*1*000000007~', '', 'interchange 023 0: The trailer of ISA is missing.'],
    ['*260301*1200*^', '*261301*1200*^', 'interchange 014 0: ISA-9 is not a date.'],
    ['*1200*^*00501', '*2500*^*00501', 'interchange 015 0: ISA-10 is not a time.'],
    ['*000000007*0*T', '*00000000A*0*T', 'interchange 018 0: ISA-13 is not a nine-digit number.'],
    ['*0*T*:', '*0*Q*:', 'interchange 020 0: ISA-15 is neither P nor T.'],
    ['*ZZ*PAYER          *', '*ZZ*PAYER*', 'interchange 022 0: ISA-8 has 5 characters, not 15.'],
    ['GE*1*7', 'GE*1*8', 'group 4 0: GE-2 is not GS-6.'],
    ['GE*1*7', 'GE*2*7', 'group 5 0: GE-1 is not the actual count (1).'],
    ['\nGE*1*7~', '', 'group 3 0: The trailer of GS is missing.'],
    ['*1200*7*X*', '*1200*A*X*', 'group 6 0: GS-6 is not a number of up to nine digits.'],
    ['SE*45*0001', 'SE*44*0001', 'set 4 45: SE-1 is not the actual count (45).'],
    ['SE*45*0001', 'SE*45*0002', 'set 3 45: SE-2 is not ST-2.'],
    ['\nSE*45*0001~', '', 'set 2 1: The trailer of ST is missing.'],
    ['ST*837*', 'ST*83*', 'set 6 1: ST-1 is not the number of a transaction set.'],
  ] as const)('%s → %s', ([before, after, finding]) => {
    expect(changed(before, after, 'envelope')).toContain(finding);
  });

  test('what stands outside of a group or of an interchange', () => {
    expect(changed('GS*HC', 'NTE*ADD*x~\nGS*HC', 'envelope')).toEqual([
      'interchange 024 0: NTE is in no functional group.',
    ]);
    expect(found(`${CLAIMS}\nNTE*ADD*x~`, 'envelope')).toEqual([
      'interchange 024 0: NTE is outside an interchange.',
    ]);
  });

  test('control numbers that come twice', () => {
    const [, set = ''] = /(ST\*837[^]*SE\*45\*0001~)/.exec(CLAIMS) ?? [];
    const twice = CLAIMS.replace(set, `${set}\n${set}`).replace('GE*1', 'GE*2');
    expect(found(twice, 'envelope')).toEqual(['set 23 0: ST-2 was already used.']);
  });

  test('several interchanges are each checked', () => {
    const second = CLAIMS.replaceAll('000000007', '000000008').replace('GE*1*7', 'GE*1*9');
    expect(found(`${CLAIMS}\n${second}`, 'envelope')).toEqual([
      'group 4 0: GE[2]-2 is not GS[2]-6.',
    ]);
  });
});

describe('elements of X12', () => {
  test.for([
    ['NM1*IL*1', 'NM1*IL*', '1', 'NM1[4]-2 is missing.'],
    ['NM1*IL*1*DOE', 'NM1*IL*12*DOE', '5', 'NM1[4]-2 has 2 characters, of at most 1.'],
    ['N4*SPRINGFIELD', 'N4*S', '4', 'N4-1 has 1 characters, of at least 2.'],
    ['SV1*HC:99213:25*100*', 'SV1*HC:99213:25*1O0*', '6', 'SV1-2 is not a number.'],
    ['SV1*HC:99213:25', 'SV1*HC', '1', 'SV1-1.2 is missing.'],
    [
      'SV1*HC:99213:25',
      'SV1*HC:99213:1:1:1:1:1:1:1',
      '13',
      'SV1-1 has 9 components, of at most 8.',
    ],
    ['REF*D9*CH1', 'REF*D9:X*CH1', '13', 'REF[2]-1 has 2 components, but is not a composite.'],
    ['BHT*0019*00*BATCH7*20260301', 'BHT*0019*00*BATCH7*20260230', '8', 'BHT-4 is not a date.'],
    ['*20260301*1200*CH~', '*20260301*1260*CH~', '9', 'BHT-5 is not a time.'],
    [
      'DMG*D8*19800102',
      'DMG*D8*19801302',
      '8',
      'DMG-2 is not a date in the format named by element 1.',
    ],
    [
      'DTP*472*D8*20260227',
      'DTP*472*RD8*20260227',
      '8',
      'DTP-3 is not a date in the format named by element 2.',
    ],
    [
      'NM1*85*2*NORTH CLINIC*****XX*1',
      'NM1*85*2*NORTH CLINIC******1',
      '2',
      'NM1[3]-8 is missing: elements 8, 9 must come together.',
    ],
    ['REF*D9*CH1', 'REF*D9', '2', 'REF[2]-2 is missing: one of the elements 2, 3 is required.'],
    ['PAT*19', 'PAT*19********Y*Z', '3', 'PAT-10 is not defined: PAT has 9 elements.'],
    ['N3*1 NORTH ROAD', 'N3*1 NORTH\tROAD', '6', 'N3-1 has a control character.'],
    ['SBR*P*', 'SBR*P^S*', '12', 'SBR-1 has 2 repetitions, of at most 1.'],
  ] as const)('%s → %s', ([before, after, code, text]) => {
    const findings = changed(before, after, 'syntax');
    expect(findings.map((one) => one.replace(/^element (\S+) \d+: /, '$1 '))).toContain(
      `${code} ${text}`,
    );
  });

  test('no value is quoted', () => {
    const secret = CLAIMS.replaceAll('JANE', 'J\u0001SECRET').replace('*150*', '*SECRET*');
    expect(found(secret).join()).not.toContain('SECRET');
  });

  test('a segment that is not known is only looked at for its characters', () => {
    expect(changed('PAT*19', 'ZZZ*1*2*3', 'syntax')).toEqual([]);
  });
});

describe('the guide', () => {
  test.for([
    ['HI*ABK:Z0000~\n', '', 'segment 3 30: HI (ABK or BK) is missing in loop 2300, before LX[3].'],
    [
      /NM1\*PR[^~]*~\n/,
      '',
      'segment I7 18: Loop 2010BB (NM1) is missing in loop 2000B, before CLM.',
    ],
    ['SBR*P*', 'ZZZ*1~\nSBR*P*', 'segment 1 13: ZZZ is not a known segment.'],
    ['SBR*P*', 'CLP*A*1*1*1~\nSBR*P*', 'segment 6 13: CLP is not in this transaction set.'],
    ['HI*ABK:Z0000~\n', 'LX*9~\nHI*ABK:Z0000~\n', 'segment 2 31: HI[2] is not expected here.'],
    [
      'HL*2*1*22*1~\nSBR*P*18*GROUP1******CI~',
      'SBR*P*18*GROUP1******CI~\nHL*2*1*22*1~',
      'segment 2 12: SBR is not expected here.',
    ],
    [
      'DMG*D8*19800102*F~',
      'DMG*D8*19800102*F~\nDMG*D8*19800102*F~',
      'segment 5 18: DMG[2] occurs more than 1 times there.',
    ],
    [
      'N4*SPRINGFIELD*IL*627010001~\n',
      '',
      'segment 3 10: N4 is missing in loop 2010AA, before REF.',
    ],
    ['NM1*82*1', 'NM1*Q1*1', 'segment 2 22: NM1[6] is not expected here.'],
  ] as const)('%s → %s', ([before, after, finding]) => {
    expect(changed(before, after)).toContain(finding);
  });

  test('errors make one finding about their transaction set', () => {
    expect(found(CLAIMS.replace('HI*ABK:Z0000~\n', ''))).toContain(
      'set 5 1: 1 error in its segments.',
    );
  });

  test('how many are told has an end', () => {
    const many = CLAIMS.replace('LX*1~', 'ZZZ*1~'.repeat(5_000));
    expect(found(many).length).toBeLessThan(520);
  });

  test.for(GUIDES)('$name $id is read as it is declared', ({ text, id, name }) => {
    const loops = loopsOf({ set: '', name, id, text });
    const declared = text.split('\n').filter((line) => /^ *\d{4}/.test(line));
    for (const line of declared) {
      const [, loop = ''] = /^ *(\d{4}[A-Z]{0,2})/.exec(line) ?? [];
      expect(loops.ids.has(loop), loop).toBe(true);
    }
    const names = new Set(text.match(/(?<=[ -])[A-Z][A-Z\d]{1,2}(?=[:*!\s])/g));
    // what is not in the table of segments could not be checked
    expect([...names].filter((one) => x12Segment(one) === undefined)).toEqual([]);
  });
});

const group = (count: number): string =>
  `UNB+UNOC:3+A+B+260301:1200+1'UNG+MEDRPT+A+B+260301:1200+9+UN+D:96A'UNH+1+MEDRPT:D:96A:UN'BGM+1'UNT+3+1'UNE+${count}+9'UNZ+1+1'`;

describe('EDIFACT', () => {
  test.for([
    ['UNT+12+1', 'UNT+11+1', 'set 29 12: UNT-1 is not the actual count (12).'],
    ['UNT+12+1', 'UNT+12+2', 'set 28 12: UNT-2 is not UNH-1.'],
    ["UNT+12+1'", '', 'set 13 1: The trailer of UNH is missing.'],
    ['UNZ+1+REF7', 'UNZ+2+REF7', 'interchange 29 0: UNZ-1 is not the actual count (1).'],
    ['UNZ+1+REF7', 'UNZ+1+REF8', 'interchange 28 0: UNZ-2 is not UNB-5.'],
    ["UNZ+1+REF7'", '', 'interchange 13 0: The trailer of UNB is missing.'],
    ['UNH+1', "FTX+1'\r\nUNH+1", 'interchange 33 0: FTX is in no message.'],
    ['+LAB:14+', '++', 'interchange 13 0: UNB-2 is missing.'],
    ['DTM+137', "d:1'DTM+137", 'segment 15 3: Segment 3 of UNH has no tag.'],
  ] as const)('%s → %s', ([before, after, finding]) => {
    expect(found(REPORT.replace(before, after))).toContain(finding);
  });

  test('an interchange without a message', () => {
    expect(found("UNB+UNOC:3+A+B+260301:1200+1'UNZ+0+1'")).toEqual([
      'interchange 32 0: It has no message.',
    ]);
  });

  test('groups', () => {
    expect(found(group(1))).toEqual([]);
    expect(found(group(2))).toEqual(['group 29 0: UNE-1 is not the actual count (1).']);
  });
});
