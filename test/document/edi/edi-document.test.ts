import { describe, expect, test } from 'vitest';
import { ediFindings } from '../../../src/document/edi/check/check-edi.ts';
import { ediDocument } from '../../../src/document/edi/edi-document.ts';
import { ediHead, ediType, ediTypeOf } from '../../../src/document/edi/edi-type.ts';
import { ediControlNumber } from '../../../src/peer/edi-answer.ts';
import {
  bytesOf,
  CLAIMS,
  ELIGIBILITY_4010,
  REMITTANCE,
  REPORT,
  REPORT_4,
} from '../../support/edi-samples.ts';

const SAMPLES = [
  ['claims', CLAIMS, 'X12:837P:005010X222A1'],
  ['a remittance', REMITTANCE, 'X12:835:005010X221A1'],
  ['an inquiry of 4010', ELIGIBILITY_4010, 'X12:270:004010X092A1'],
  ['a report', REPORT, 'EDIFACT:MEDRPT:D.96A'],
  ['a report in syntax 4', REPORT_4, 'EDIFACT:MEDRPT:D.20A'],
] as const;

test.for(SAMPLES)('%s: read and written, it is the same', ([, text]) => {
  const bytes = bytesOf(text);
  expect(ediDocument(bytes).bytes()).toEqual(bytes);
  const rewritten = ediDocument(bytes);
  rewritten.rewrite((line) => line);
  expect(Buffer.from(rewritten.bytes()).toString()).toBe(text);
  expect(Buffer.from(rewritten.copy().bytes()).toString()).toBe(text);
});

test.for(SAMPLES)('%s: its type is what it says itself', ([, text, type]) => {
  expect(ediTypeOf(bytesOf(text))).toBe(type);
});

test('delimiters of several bytes are as good as others', () => {
  const claims = bytesOf(`\ufeff${CLAIMS.replaceAll(':', '¦').replaceAll('~', '§\r\n ')}`);
  expect(ediTypeOf(claims)).toBe('X12:837P:005010X222A1');
  expect(ediControlNumber('X12:837P', claims)).toBe('000000007');
  expect(ediDocument(claims).get('CLM-5.1')).toBe(ediDocument(bytesOf(CLAIMS)).get('CLM-5.1'));
  expect(ediDocument(claims).bytes()).toEqual(claims);
});

test.for([
  ['ISA', 'nothing behind it'],
  ['ISAX00X', 'a letter as separator'],
  ['ISA*00*~', 'too few elements'],
  [CLAIMS.slice(0, 105), 'no terminator'],
  [CLAIMS.slice(0, 104), 'nothing after the last separator'],
  [CLAIMS.replaceAll(':', '*'), 'one delimiter twice'],
  ['UNB', 'nothing behind it'],
  ["UNA:+.? 'UNH+1'", 'no UNB'],
  ['UNAAAAAAAUNB+', 'letters as delimiters'],
  ['UNBXUNOA', 'a letter as separator'],
  ['MSH|^~\\&|', 'another standard'],
  ['', 'nothing'],
] as const)('%j is refused by name (%s)', ([text]) => {
  expect(() => ediDocument(bytesOf(text))).toThrow(
    expect.objectContaining({ code: 'DOCUMENT_UNREADABLE' }),
  );
});

const OTHER = CLAIMS.replaceAll('*', '|').replaceAll(':', '>').replaceAll('~\n', '\n');

test.for([
  ['other delimiters of X12', CLAIMS + OTHER],
  ['EDIFACT behind X12', CLAIMS + REPORT],
  ['other delimiters of EDIFACT', `${REPORT}\r\nUNA|^,\\ ~UNB^UNOC|3^A^B^260301|1200^2~UNZ^0^2~`],
] as const)('a later interchange in %s is refused, since it would be one segment', ([, text]) => {
  expect(() => ediDocument(bytesOf(text))).toThrow(/later interchange/);
});

test('a later interchange in the same delimiters, and words that look like one, are read', () => {
  expect(ediDocument(bytesOf(`${CLAIMS}\n${CLAIMS}`)).get('ISA[2]-13')).toBe('000000007');
  const named = CLAIMS.replace('JANE', 'ISA|UNB').replace('N3*2 SOUTH', 'N3*UNA|^,\\ |');
  expect(ediDocument(bytesOf(named)).segmentCount('ISA')).toBe(1);
  expect(ediDocument(bytesOf(`${REPORT}\n${REPORT}`)).get('UNB[2]-2')).not.toBe('');
});

test.for([
  ['ab~cd*ef\n~x', 11, 'utf8'],
  ['ä~öx漢', 9, 'utf8'],
  ['ä~ö', 3, 'latin1'],
] as const)('BIN holds octets of any kind: %j', ([data, length, encoding]) => {
  const text = CLAIMS.replace(/^LX\*1~/m, `BIN*${length}*${data}~\n$&`);
  const document = ediDocument(Buffer.from(text, encoding));
  expect(document.get('BIN-2')).toBe(data);
  expect(document.raw('BIN-2')).toBe(data);
  expect(document.segmentCount()).toBe(ediDocument(bytesOf(CLAIMS)).segmentCount() + 1);
  expect(ediFindings(document, 'syntax').map(({ text: said }) => said)).toEqual([
    expect.stringMatching(/^SE-1 is not the actual count/),
  ]);
});

test('octets that look like elements are not changed by half', () => {
  const document = ediDocument(bytesOf(CLAIMS.replace(/^LX\*1~/m, 'BIN*3*a*b~\n$&')));
  expect(() => document.set('BIN-2', 'abc')).toThrow(/holds octets/);
});

test('a refusal quotes nothing of the body', () => {
  expect(() => ediDocument(bytesOf('ISA*SECRET~'))).not.toThrow(/SECRET/);
});

test('the type of a damaged beginning is not known, or what could be read', () => {
  expect(ediType('ISA')).toBeUndefined();
  expect(ediType(CLAIMS.slice(0, 107))).toBe('X12');
  expect(ediHead(CLAIMS)).toMatchObject({ controlNumber: '000000007', name: '837P' });
});

describe('reading', () => {
  const claims = ediDocument(bytesOf(CLAIMS));

  test.for([
    ['ISA-6', 'NORTHCLINIC'],
    ['ISA-16', ':'],
    ['ISA-6.2', ''],
    ['GS-8', '005010X222A1'],
    ['CLM-1', 'CLAIM1'],
    ['CLM-5', '11:B:1'],
    ['CLM-5.1', '11'],
    ['CLM[2]-1', 'CLAIM2'],
    ['NM1[1]-9', 'NORTHCLINIC'],
    ['HI-1.2', 'J0300'],
    ['HI-2.2', 'R05'],
    ['HI-7', ''],
    ['2300/HI[1]-1.2', 'J0300'],
    ['2300[3]/HI-1.2', 'J00'],
    ['2300/2400[2]/SV1-2', '50'],
    ['2300[2]/2400[2]/SV1-2', ''],
    ['2010BA/NM1-3', 'DOE'],
    ['2010BA/NM1-4', 'JANE'],
    ['2010CA/NM1-4', 'JOHN'],
    ['2000B/NM1-9', 'MEMBER1'],
    ['2310B/NM1-3', 'HOUSE'],
    ['ST/2300/CLM-1', 'CLAIM1'],
    ['2310A/NM1-3', ''],
    ['LX[1]', 'LX*1'],
  ] as const)('%s', ([path, value]) => {
    expect(claims.get(path)).toBe(value);
  });

  test('every value', () => {
    expect(claims.all('CLM-1')).toEqual(['CLAIM1', 'CLAIM2', 'CLAIM3']);
    expect(claims.all('2000B/CLM-1')).toEqual(['CLAIM1', 'CLAIM2', 'CLAIM3']);
    expect(claims.all('2000C/CLM-1')).toEqual(['CLAIM3']);
    expect(claims.all('2300/SV1[1]-2')).toEqual(['100', '75', '60']);
    expect(claims.all('2300')).toHaveLength(3);
    expect(claims.get('2300[2]')).toBe(
      'CLM*CLAIM2*75***11:B:1*Y*A*Y*Y~HI*ABK:Z0000~LX*1~SV1*HC:99212*75*UN*1***1~DTP*472*D8*20260228~',
    );
    expect(claims.has('2330A')).toBe(false);
  });

  test('a body whose guide is not known has no loops, and all else', () => {
    const other = ediDocument(bytesOf(CLAIMS.replaceAll('005010X222A1', '005010')));
    expect(other.get('2300/CLM-1')).toBe('');
    expect(other.get('CLM-1')).toBe('CLAIM1');
  });

  test('loops of other guides', () => {
    const payment = ediDocument(bytesOf(REMITTANCE));
    expect(payment.all('2100/CLP-1')).toEqual(['CLAIM1', 'CLAIM2']);
    expect(payment.get('2100[2]/2110/SVC-2')).toBe('75');
    expect(payment.get('1000B/N1-2')).toBe('NORTH CLINIC');
    // what comes after the claims is in none of them
    expect(payment.get('2100[2]')).not.toContain('PLB');
    const inquiry = ediDocument(bytesOf(ELIGIBILITY_4010));
    expect(inquiry.get('2100C/NM1-3')).toBe('DOE');
    expect(inquiry.get('2110C/EQ-1')).toBe('30');
  });

  test('EDIFACT', () => {
    const report = ediDocument(bytesOf(REPORT));
    expect(report.get('UNB-2.1')).toBe('LAB');
    expect(report.get('UNH-2.1')).toBe('MEDRPT');
    expect(report.get('PNA-4.1')).toBe("DO'E");
    expect(report.get('PNA-4.2')).toBe('JANE');
    expect(report.get('RSL-4')).toBe('mmol+l');
    expect(report.get('FTX-4')).toBe('taken at 8:00');
    expect(report.all('INV-2.1')).toEqual(['GLU', 'NA']);
    expect(report.get('UNH/NAD[2]-2.1')).toBe('WARD3');
    const repeated = ediDocument(bytesOf(REPORT_4));
    expect(repeated.get('PNA-2[2]')).toBe('2');
    expect(repeated.all('PNA-2')).toEqual(['1', '2', '3:x']);
    expect(repeated.get('PNA-2[3].2')).toBe('x');
    expect(repeated.get('PNA-4')).toBe('DÖE');
  });

  test('the charset is what UNB names', () => {
    const latin = Buffer.from(REPORT.replace('JANE', 'JÖRG'), 'latin1');
    const document = ediDocument(latin);
    expect(document.charset.name).toBe('iso-8859-1');
    expect(document.get('PNA-4.2')).toBe('JÖRG');
    expect(document.bytes()).toEqual(latin);
  });
});

const changed = (path: string, value: string, text: string = CLAIMS): string => {
  const document = ediDocument(bytesOf(text));
  document.set(path, value);
  return Buffer.from(document.bytes()).toString();
};

describe('writing', () => {
  test.for([
    ['CLM-2', '151', 'CLM*CLAIM1*150*', 'CLM*CLAIM1*151*'],
    ['CLM-5.3', '7', '*11:B:1*Y*A', '*11:B:7*Y*A'],
    ['2300[2]/CLM-1', 'OTHER', 'CLM*CLAIM2', 'CLM*OTHER'],
    ['CLM-11.1', 'AA', 'CLM*CLAIM1*150***11:B:1*Y*A*Y*Y~', 'CLM*CLAIM1*150***11:B:1*Y*A*Y*Y**AA~'],
    ['ISA-8', 'OTHER', '*ZZ*PAYER          *260301', '*ZZ*OTHER          *260301'],
    ['ISA-13', '12', '*000000007*0*T', '*000000012*0*T'],
    ['DMG-5[2].1', 'X', 'DMG*D8*19800102*F~', 'DMG*D8*19800102*F**^X~'],
  ] as const)('%s becomes %s, and nothing else changes', ([path, value, before, after]) => {
    expect(changed(path, value)).toBe(CLAIMS.replace(before, after));
  });

  test('a segment that is made stands where the guide has it, and the count is right', () => {
    const document = ediDocument(bytesOf(CLAIMS));
    document.set('2300[2]/REF-2', 'CH2');
    document.set('2300[2]/REF-1', 'D9');
    const text = Buffer.from(document.bytes()).toString();
    expect(text).toContain('CLM*CLAIM2*75***11:B:1*Y*A*Y*Y~\nREF*D9*CH2~\nHI*ABK:Z0000~\n');
    expect(text).toContain('SE*46*0001~');
    expect(document.get('2300[2]/REF-2')).toBe('CH2');
  });

  test('a segment is appended to the transaction set, not behind the interchange', () => {
    const document = ediDocument(bytesOf(REMITTANCE));
    document.append('PLB', { '1': '1' });
    expect(Buffer.from(document.bytes()).toString()).toContain('PLB*1~SE*24*0001~GE*1');
  });

  test('a loop is removed as a whole', () => {
    const document = ediDocument(bytesOf(CLAIMS));
    document.remove('2300[1]');
    expect(document.all('CLM-1')).toEqual(['CLAIM2', 'CLAIM3']);
    document.remove('2000C');
    expect(document.all('CLM-1')).toEqual(['CLAIM2']);
    expect(document.get('SE-1')).toBe('45');
    expect(Buffer.from(document.bytes()).toString()).toContain('SE*24*0001~');
  });

  test('a count that was wrong stays while no segment comes or goes', () => {
    const wrong = CLAIMS.replace('SE*45', 'SE*99');
    expect(changed('CLM-2', '1', wrong)).toContain('SE*99*0001');
  });

  test('all loops at once', () => {
    const document = ediDocument(bytesOf(CLAIMS));
    document.set('2300[*]/CLM-2', '9');
    expect(document.all('CLM-2')).toEqual(['9', '9', '9']);
  });

  test('a value with a delimiter is refused in X12 and not quoted', () => {
    expect(() => changed('CLM-1', 'A*B')).toThrow(
      expect.objectContaining({
        code: 'MESSAGE_INVALID',
        message: expect.not.stringContaining('A*B'),
      }),
    );
    expect(() => changed('CLM-1', 'A~B')).toThrow(/delimiter/);
    expect(() => changed('CLM-5.1', 'A:B')).toThrow(/delimiter/);
  });

  test('what ISA has no room for, and its delimiters, are refused', () => {
    expect(() => changed('ISA-6', 'A'.repeat(16))).toThrow(/room for 15/);
    expect(() => changed('ISA-16', '>')).toThrow(/delimiter of the whole interchange/);
    expect(() => changed('ISA-17', 'x')).toThrow(/ISA has 16 elements/);
  });

  test('a repetition is refused where the header declares no separator for it', () => {
    expect(() => changed('DMG-5[2]', 'X', ELIGIBILITY_4010)).toThrow(
      expect.objectContaining({ code: 'PATH_INVALID' }),
    );
  });

  test('a loop that is not there is not made', () => {
    expect(() => changed('2330A/NM1-3', 'X')).toThrow(/no such loop/);
  });

  test('EDIFACT releases what it has to', () => {
    expect(changed('PNA-4.2', "O'NEIL+A?", REPORT)).toBe(REPORT.replace(':JANE', ":O?'NEIL?+A??"));
    expect(changed('BGM-2', 'A:B', REPORT)).toBe(REPORT.replace('REPORT7', 'A:B'));
    const document = ediDocument(bytesOf(REPORT));
    document.set('FTX-4', document.get('FTX-4'));
    expect(document.get('FTX-4')).toBe('taken at 8:00');
  });

  test('characters that the charset lacks are refused', () => {
    expect(() => changed('PNA-4.2', 'Ж', REPORT)).toThrow(
      expect.objectContaining({ code: 'MESSAGE_INVALID' }),
    );
  });
});

describe('loops as documents', () => {
  test('a claim sees itself, its lines, and what it belongs to', () => {
    const [first, second, third] = ediDocument(bytesOf(CLAIMS)).loops('2300');
    expect(first?.get('CLM-1')).toBe('CLAIM1');
    expect(first?.all('SV1-2')).toEqual(['100', '50']);
    expect(first?.all('2400/SV1-2')).toEqual(['100', '50']);
    expect(second?.get('2010BA/NM1-4')).toBe('JANE');
    expect(third?.get('2010CA/NM1-4')).toBe('JOHN');
    expect(third?.get('2000C/PAT-1')).toBe('19');
    expect(third?.get('2010AA/NM1-3')).toBe('NORTH CLINIC');
    expect(third?.get('BHT-3')).toBe('BATCH7');
    expect(third?.get('ISA-6')).toBe('NORTHCLINIC');
  });

  test('what it may have and has not is not taken from another', () => {
    const [, second] = ediDocument(bytesOf(CLAIMS)).loops('2300');
    expect(second?.get('REF-2')).toBe('');
    expect(second?.get('2310B/NM1-3')).toBe('');
    expect(second?.loops('2310B')).toEqual([]);
  });

  test('what is written stays in it', () => {
    const document = ediDocument(bytesOf(CLAIMS));
    const [, second] = document.loops('2300');
    second?.set('REF-1', 'D9');
    second?.set('REF-2', 'CH2');
    expect(document.all('2300/REF-2')).toEqual(['CH1', 'CH2']);
    second?.remove('2400');
    expect(second?.has('SV1')).toBe(false);
    expect(document.all('SV1-2')).toEqual(['100', '50', '60']);
  });

  test('a segment looks for others in its loop', () => {
    const [, line] = ediDocument(bytesOf(CLAIMS)).segments('SV1');
    expect(line?.get('LX-1')).toBe('2');
    expect(line?.get('CLM-1')).toBe('CLAIM1');
    expect(line?.get('2010BA/NM1-9')).toBe('MEMBER1');
  });
});
