import { expect, test } from 'vitest';
import {
  acknowledgement,
  acknowledgementCode,
  hl7Document,
  hl7Header,
  isAnswerWanted,
  readAcknowledgement,
} from '../../../src/document/index.ts';
import { hl7, MSH } from '../../support/hl7-corpus.ts';

const AT = new Date(2026, 0, 2, 3, 4, 5).getTime();

function answer(
  message: Buffer,
  ...rest: [Partial<Parameters<typeof acknowledgement>[1]>?]
): string {
  const bytes = acknowledgement(hl7Header(message), { code: 'AA', at: AT, ...rest[0] });
  return Buffer.from(bytes).toString('latin1');
}

test('an answer goes back the way the message came', () => {
  const [msh = '', msa, end] = answer(hl7(MSH)).split('\r');
  const fields = msh.split('|');
  expect(fields.slice(0, 6)).toEqual(['MSH', '^~\\&', 'RCV', 'RFAC', 'APP', 'FAC']);
  expect(fields[6]).toMatch(/^20260102030405[+-]\d{4}$/);
  expect([fields[8], fields[10], fields[11]]).toEqual(['ACK^A01^ACK', 'P', '2.5.1']);
  expect(fields[9]).toMatch(/^[0-9A-Z]{1,20}$/);
  expect(msa).toBe('MSA|AA|N1');
  expect(end).toBe('');
});

test('every answer has a control id of its own', () => {
  const ids = Array.from({ length: 200 }, () => answer(hl7(MSH)).split('|')[9]);
  expect(new Set(ids).size).toBe(200);
});

test('a message without an event is answered with a plain ACK', () => {
  expect(answer(hl7('MSH|^~\\&|A|B|C|D|2026||ORU|1|P|2.3'))).toContain('|ACK|');
});

test("delimiters, charset and control id are the sender's", () => {
  const custom = answer(Buffer.from('MSH$%*!?$APP$FAC$R$F$2026$$ADT%A01$N!F!1$P$2.5\r'), {
    code: 'AE',
    text: 'bad $ value',
  });
  expect(custom).toMatch(/^MSH\$%\*!\?\$R\$F\$APP\$FAC\$\d+[+-]\d+\$\$ACK%A01%ACK\$\w+\$P\$2\.5\r/);
  expect(custom).toContain('MSA$AE$N!F!1$bad !F! value\r');
  const latin = answer(Buffer.from(`${MSH.replace('N1', 'N\xfc')}||||||8859/1\r`, 'latin1'), {
    text: 'größer',
  });
  expect(latin).toContain('||||||8859/1\r');
  expect(latin).toContain('MSA|AA|N\xfc|gr\xf6\xdfer\r');
});

test("a text that the sender's charset cannot write is still sent", () => {
  expect(answer(hl7(`${MSH}||||||8859/1`), { text: 'Łódź' })).toContain('|??d?\r');
});

const PROBLEM = { code: '101', text: 'PID-3 missing', segment: 'PID', segmentIndex: 1, field: 3 };

test.for([
  ['2.5.1', 'ERR||PID^1^3|101^Required field missing^HL70357|E||||PID-3 missing\r'],
  ['2.8', 'ERR||PID^1^3|101^Required field missing^HL70357|E||||PID-3 missing\r'],
  ['2.3.1', 'ERR|PID^1^3^101&Required field missing&HL70357\r'],
  ['2.2', 'ERR|PID^1^3^101&Required field missing&HL70357\r'],
] as const)('in version %s a problem is written as that version asks', ([version, err]) => {
  const written = answer(hl7(MSH.replace('2.5.1', version)), { code: 'AE', problems: [PROBLEM] });
  expect(written).toContain(`MSA|AE|N1|PID-3 missing\r${err}`);
});

test('a body that is not HL7 is answered too', () => {
  const { problem } = hl7Header(Buffer.from('junk'));
  const written = answer(Buffer.from('junk'), {
    code: 'AR',
    ...(problem === undefined ? {} : { problems: [problem] }),
  });
  expect(written).toMatch(/^MSH\|\^~\\&\|\|\|\|\|\d+[+-]\d+\|\|ACK\|\w+\|P\|2\.5\r/);
  expect(written).toContain('MSA|AR||Message does not start with MSH\r');
  expect(hl7Header(Buffer.from(written)).problem).toBeUndefined();
});

test('codes say who answers and how', () => {
  expect(
    (['accept', 'error', 'reject'] as const).flatMap((one) => [
      acknowledgementCode(one, false),
      acknowledgementCode(one, true),
    ]),
  ).toEqual(['AA', 'CA', 'AE', 'CE', 'AR', 'CR']);
});

test('an answer is wanted as MSH-15 or MSH-16 says', () => {
  const wanted = (['AL', 'NE', 'ER', 'SU'] as const).map((condition) => [
    isAnswerWanted(condition, 'success'),
    isAnswerWanted(condition, 'failure'),
  ]);
  expect(wanted).toEqual([
    [true, true],
    [false, false],
    [false, true],
    [true, false],
  ]);
});

test('an answer that was written is understood', () => {
  for (const version of ['2.3', '2.5.1']) {
    const sent = hl7Header(hl7(MSH.replace('2.5.1', version)));
    const read = readAcknowledgement(
      acknowledgement(sent, {
        code: 'AE',
        text: 'a|b',
        problems: [{ ...PROBLEM, segmentIndex: 2 }],
      }),
      sent,
    );
    expect(read).toMatchObject({
      code: 'AE',
      controlId: 'N1',
      text: 'a|b',
      event: 'A01',
      type: `HL7v2:ACK_A01:${version}`,
      problems: [],
    });
    expect(read.errors).toMatchObject([{ code: '101', place: 'PID[2]-3' }]);
  }
});

test.for([
  ['MSA|AA|N2', ['wrong-control-id']],
  ['MSA|AA|', ['wrong-control-id']],
  ['MSA||N1', ['no-code']],
  ['NTE|1', ['no-code']],
  ['MSA|AA|N1', []],
] as const)('%s has the problems %j', ([segment, problems]) => {
  const ack = hl7('MSH|^~\\&|A|B|C|D|2026||ACK^A01^ACK|1|P|2.5', segment);
  expect(readAcknowledgement(ack, hl7Header(hl7(MSH))).problems).toEqual(problems);
});

test('an acknowledgement of another event is of the wrong type, one without event or with data is not', () => {
  const sent = hl7Header(hl7(MSH));
  const read = (type: string): readonly string[] =>
    readAcknowledgement(hl7(`MSH|^~\\&|A|B|C|D|2026||${type}|1|P|2.5`, 'MSA|AA|N1'), sent).problems;
  expect(read('ACK^A04')).toEqual(['wrong-type']);
  expect(read('ACK')).toEqual([]);
  expect(read('RSP^K21^RSP_K21')).toEqual([]);
});

test('the text of an answer without MSA-3 comes from its ERR', () => {
  const ack = hl7(
    'MSH|^~\\&|A|B|C|D|2026||ACK|1|P|2.5',
    'MSA|AE|N1',
    'ERR||PID^1^5|101|E|||detail|user text',
  );
  expect(readAcknowledgement(ack).text).toBe('user text; detail');
});

test('an answer that is not HL7 is refused', () => {
  expect(() => readAcknowledgement(Buffer.from([6]))).toThrow(
    expect.objectContaining({ code: 'DOCUMENT_UNREADABLE' }),
  );
});

test("a finding of an acknowledgement in the sender's delimiters is read", () => {
  const sent = hl7Header(Buffer.from('MSH$%*!?$A$B$C$D$2026$$ADT%A01$N1$P$2.5\r'));
  const ack = acknowledgement(sent, { code: 'AE', problems: [PROBLEM] });
  expect(hl7Document(ack).get('MSA-2')).toBe('N1');
  expect(readAcknowledgement(ack, sent).errors[0]).toMatchObject({ code: '101', place: 'PID-3' });
});
