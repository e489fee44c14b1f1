import { describe, expect, test } from 'vitest';
import {
  type EdiAnswering,
  ediAcknowledgement,
} from '../../../src/document/edi/acknowledge/acknowledge.ts';
import {
  answersEdi,
  readEdiAcknowledgement,
} from '../../../src/document/edi/acknowledge/read-acknowledgement.ts';
import { ediFindings } from '../../../src/document/edi/check/check-edi.ts';
import { ediDocument } from '../../../src/document/edi/edi-document.ts';
import { ediTypeOf } from '../../../src/document/edi/edi-type.ts';
import { bytesOf, CLAIMS, ELIGIBILITY_4010, REPORT, REPORT_4 } from '../../support/edi-samples.ts';

const AT = Date.UTC(2026, 2, 1, 13, 5);

const answerTo = (text: string, more: Partial<EdiAnswering> = {}) => {
  let last = 100;
  const { body, verdict } = ediAcknowledgement(ediDocument(bytesOf(text)), {
    level: 'guide',
    at: AT,
    number: () => ++last,
    ...more,
  });
  return { verdict, body, text: Buffer.from(body ?? []).toString() };
};

const segments = (text: string, mark = '~'): string[] => text.split(mark).slice(0, -1);

describe('a 999', () => {
  test('accepts what is right, addressed to the sender', () => {
    const { verdict, text } = answerTo(CLAIMS);
    expect(verdict).toBe('A');
    expect(segments(text)).toEqual([
      'ISA*00*          *00*          *ZZ*PAYER          *ZZ*NORTHCLINIC    *260301*1305*^*00501*000000101*0*T*:',
      'GS*FA*PAYER*NORTHCLINIC*20260301*1305*101*X*005010X231A1',
      'ST*999*0001*005010X231A1',
      'AK1*HC*7*005010X222A1',
      'AK2*837*0001*005010X222A1',
      'IK5*A',
      'AK9*A*1*1*1',
      'SE*6*0001',
      'GE*1*101',
      'IEA*1*000000101',
    ]);
  });

  const wrong = CLAIMS.replace('HI*ABK:Z0000~\n', '')
    .replace('SV1*HC:99213:25*100*', 'SV1*HC:99213:25*1O0*')
    .replace('NM1*85*2*', 'NM1*85**');

  test('says what is wrong, by segment and element, and copies no data', () => {
    const { verdict, text } = answerTo(wrong);
    expect(verdict).toBe('R');
    expect(segments(text).slice(3, -3)).toEqual([
      'AK1*HC*7*005010X222A1',
      'AK2*837*0001*005010X222A1',
      'IK3*NM1*8**8',
      'IK4*2**1',
      'IK3*SV1*24*2400*8',
      'IK4*2**6',
      'IK3*HI*30*2300*3',
      'IK5*R*4*5',
      'AK9*R*1*1*0',
    ]);
  });

  test('only notes errors where that is asked for', () => {
    const { verdict, text } = answerTo(wrong.replace('SE*45', 'SE*44'), { errors: 'note' });
    expect(verdict).toBe('E');
    expect(text).toContain('IK5*E*5~AK9*E*1*1*1~');
  });

  test('accepts in part', () => {
    const [, set = ''] = /(ST\*837[^]*SE\*45\*0001~)/.exec(CLAIMS) ?? [];
    const other = set
      .replaceAll('0001~', '0002~')
      .replace('ST*837*0001', 'ST*837*0002')
      .replace('SE*45', 'SE*1');
    const { verdict, text } = answerTo(
      CLAIMS.replace(set, `${set}\n${other}`).replace('GE*1', 'GE*2'),
    );
    expect(verdict).toBe('P');
    expect(text).toContain('IK5*A~AK2*837*0002*005010X222A1~');
    expect(text).toContain('AK9*P*2*2*1~');
  });

  test('is itself without a fault', () => {
    for (const text of [CLAIMS, wrong]) {
      const { body } = answerTo(text);
      expect(ediFindings(ediDocument(body ?? new Uint8Array()), 'guide')).toEqual([]);
      expect(ediTypeOf(body ?? new Uint8Array())).toBe('X12:999:005010X231A1');
    }
  });
});

test('4010 is answered by a 997 in its own delimiters', () => {
  const { text } = answerTo(ELIGIBILITY_4010.replace('EQ|30', 'ZZZ|30'));
  expect(segments(text, '\u001c').slice(1, -1)).toEqual([
    'GS|FA|PAYER|NORTHCLINIC|20260301|1305|101|X|004010',
    'ST|997|0001',
    'AK1|HS|9',
    'AK2|270|0001',
    'AK3|ZZZ|11||1',
    'AK5|R|5',
    'AK9|R|1|1|0',
    'SE|7|0001',
    'GE|1|101',
  ]);
});

test('a form may be asked for', () => {
  expect(answerTo(CLAIMS, { form: '997' }).text).toContain(
    'ST*997*0001~AK1*HC*7~AK2*837*0001~AK5*A~',
  );
  expect(segments(answerTo(CLAIMS, { form: 'TA1' }).text)).toEqual([
    expect.stringMatching(/^ISA/),
    'TA1*000000007*260301*1200*A*000',
    'IEA*0*000000101',
  ]);
});

describe('a TA1', () => {
  test('rejects an envelope, and nothing else is said', () => {
    const { verdict, text } = answerTo(CLAIMS.replace('IEA*1', 'IEA*3'));
    expect(verdict).toBe('R');
    expect(segments(text).slice(1)).toEqual(['TA1*000000007*260301*1200*R*021', 'IEA*0*000000101']);
  });

  test('is made where ISA-14 asks for it, beside the 999', () => {
    const { text } = answerTo(CLAIMS.replace('*0*T*:', '*1*T*:'));
    expect(segments(text).map((one) => one.slice(0, 3))).toEqual(
      'ISA TA1 GS* ST* AK1 AK2 IK5 AK9 SE* GE* IEA'.split(' '),
    );
  });

  test('notes what does not matter, and the rest is judged', () => {
    const { verdict, text } = answerTo(CLAIMS.replace('*ZZ*PAYER          *', '*ZZ*PAYER*'));
    expect(verdict).toBe('E');
    expect(text).toContain('TA1*000000007*260301*1200*E*022~');
    expect(text).toContain('AK9*A*1*1*1~');
  });
});

test('acknowledgements are not acknowledged', () => {
  const { body } = answerTo(CLAIMS);
  const again = ediAcknowledgement(ediDocument(body ?? new Uint8Array()), { level: 'guide' });
  expect(again).toEqual({ body: undefined, verdict: 'A' });
  const control = answerTo(REPORT).body ?? new Uint8Array();
  expect(ediAcknowledgement(ediDocument(control), { level: 'guide' }).body).toBeUndefined();
});

test('each interchange gets its own answer, with a number of its own', () => {
  const second = CLAIMS.replaceAll('000000007', '000000008').replace('IEA*1', 'IEA*2');
  const { verdict, text } = answerTo(`${CLAIMS}\n${second}`);
  expect(verdict).toBe('P');
  expect(text.match(/ISA.*?\*(\d{9})\*0\*T/g)).toHaveLength(2);
  expect(text).toContain('IEA*1*000000101~');
  expect(text).toContain('TA1*000000008*260301*1200*R*021~IEA*0*000000102~');
});

describe('CONTRL', () => {
  test('accepts, with the delimiters and the syntax of the interchange', () => {
    expect(answerTo(REPORT)).toMatchObject({
      verdict: 'A',
      text: "UNA:+.? 'UNB+UNOC:3+WARD:14+LAB:14+260301:1305+101'UNH+1+CONTRL:D:3:UN'UCI+REF7+LAB:14+WARD:14+7'UNT+3+1'UNZ+1+101'",
    });
    expect(answerTo(REPORT_4).text).toContain("+20260301:1305+101'UNH+1+CONTRL:4:1:UN'");
  });

  test('rejects a message, or all of the interchange', () => {
    expect(answerTo(REPORT.replace('UNT+12', 'UNT+9')).text).toContain(
      "UCI+REF7+LAB:14+WARD:14+7'UCM+1+MEDRPT:D:96A:UN+4+29+UNT'UNT+4+1'",
    );
    expect(answerTo(REPORT.replace('UNZ+1', 'UNZ+9')).text).toContain(
      "UCI+REF7+LAB:14+WARD:14+4+29+UNZ'UNT+3+1'",
    );
  });

  test('is itself without a fault', () => {
    for (const text of [REPORT, REPORT_4, REPORT.replace('UNT+12', 'UNT+9')]) {
      expect(ediFindings(ediDocument(answerTo(text).body ?? new Uint8Array()), 'guide')).toEqual(
        [],
      );
    }
  });
});

const read = (text: string) => readEdiAcknowledgement(answerTo(text).body ?? new Uint8Array());

describe('reading', () => {
  test.for([
    [CLAIMS, 'A', ''],
    [CLAIMS.replace('IEA*1', 'IEA*3'), 'R', 'TA1 R 021'],
    [
      CLAIMS.replace('HI*ABK:Z0000~\n', '').replace('SE*45', 'SE*44'),
      'R',
      'group 7 R: 0 of 1 accepted, 837 0001 R (5), HI at 30 in 2300: 3',
    ],
    [REPORT, 'A', ''],
    [REPORT.replace('UNT+12', 'UNT+9'), 'P', 'UCM 1: 29'],
    [REPORT.replace('UNZ+1', 'UNZ+9'), 'R', 'UCI 4 29 UNZ'],
  ] as const)('the code is the worst that is said', ([text, code, said]) => {
    expect(read(text)).toMatchObject({ code, text: said });
  });

  test('it is known whether it answers what was sent', () => {
    const said = read(CLAIMS);
    expect(said && answersEdi(said, CLAIMS)).toBe(true);
    const other = CLAIMS.replace('*1200*7*X', '*1200*8*X').replaceAll('000000007', '000000008');
    expect(said && answersEdi(said, other)).toBe(false);
    const control = read(REPORT);
    expect(control && answersEdi(control, REPORT)).toBe(true);
    expect(control && answersEdi(control, REPORT.replaceAll('REF7', 'REF8'))).toBe(false);
  });

  test('a body that acknowledges nothing is none', () => {
    expect(readEdiAcknowledgement(bytesOf(CLAIMS))).toBeUndefined();
    expect(readEdiAcknowledgement(bytesOf(REPORT))).toBeUndefined();
  });

  test('a copy of bad data is not passed on', () => {
    const text = answerTo(CLAIMS.replace('NM1*85*2*', 'NM1*85**')).text.replace(
      'IK4*2**1~',
      'IK4*2**1*SECRET~',
    );
    expect(readEdiAcknowledgement(bytesOf(text))?.text).not.toContain('SECRET');
  });
});
