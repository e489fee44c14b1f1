import { expect, test } from 'vitest';
import { hl7BodyProblem, hl7Header } from '../../../src/document/index.ts';
import { hl7, MSH } from '../../support/hl7-corpus.ts';

test('a header says what the message is, whose it is and how it is written', () => {
  const header = hl7Header(
    Buffer.from(
      'MSH|^~\\&|APP^1.2^ISO|FAC|RCV|RFAC|20260101||ADT^A04^ADT_A01|ID\\F\\1|P^T|2.5.1^DEU|||AL|NE||8859/1~UNICODE UTF-8\rPID|1\r',
    ),
  );
  expect(header).toMatchObject({
    kind: 'message',
    type: 'HL7v2:ADT_A04:2.5.1',
    messageType: 'ADT',
    event: 'A04',
    structure: 'ADT_A01',
    version: '2.5.1',
    controlId: 'ID\\F\\1',
    sendingApplication: 'APP^1.2^ISO',
    sendingFacility: 'FAC',
    receivingApplication: 'RCV',
    receivingFacility: 'RFAC',
    processingId: 'P',
    acceptAck: 'AL',
    applicationAck: 'NE',
    isAcknowledgement: false,
    charsetName: '8859/1',
    problem: undefined,
  });
  expect(Buffer.from(header.controlIdBytes).toString()).toBe('ID\\F\\1');
  expect(header.charset?.name).toBe('iso-8859-1');
});

test('values of the header are read in its charset, its control id also as bytes', () => {
  const header = hl7Header(
    Buffer.from('MSH|^~\\&|K\xfche|F|R|F|2026||ADT^A01|N\xfc|P|2.5||||||8859/1\r', 'latin1'),
  );
  expect(header.sendingApplication).toBe('Kühe');
  expect(header.controlId).toBe('Nü');
  expect([...header.controlIdBytes]).toEqual([0x4e, 0xfc]);
});

test.for([
  ['ADT^A01^ADT_A01', '2.5.1', 'HL7v2:ADT_A01:2.5.1'],
  ['ACK', '2.3', 'HL7v2:ACK:2.3'],
  ['ORU^R01', '', 'HL7v2:ORU_R01'],
  ['A D\tT^A\u0007 01', '2.5', 'HL7v2:ADT_A01:2.5'],
] as const)('MSH-9 %j and MSH-12 %j make the type %s', ([type, version, expected]) => {
  const body = Buffer.from(`MSH|^~\\&|A|B|C|D|2026||${type}|1|P|${version}\r`);
  expect(hl7Header(body).type).toBe(expected);
});

test.for([
  ['an empty body', '', '100', 'Empty message'],
  ['blanks alone', '\r\n ', '100', 'Empty message'],
  ['other text', 'this is not hl7', '100', 'Message does not start with MSH'],
  ['UTF-16', '\u00ff\u00feM\0S\0H\0', '100', 'Message does not start with MSH (UTF-16?)'],
  ['UTF-16 without a mark', '\0M\0S\0H', '100', 'Message does not start with MSH (UTF-16?)'],
  ['MSH alone', 'MSH', '102', 'Invalid encoding characters'],
  ['no encoding characters', 'MSH||~\\&|A|B', '102', 'Invalid encoding characters'],
  ['equal encoding characters', 'MSH|^^\\&|A|B', '102', 'Invalid encoding characters'],
  ['letters', 'MSH|ABCD|A|B', '102', 'Invalid encoding characters'],
  ['nothing behind the delimiters', 'MSH|^~\\&', '101', 'MSH-9 missing'],
  ['no MSH-9', 'MSH|^~\\&|A|B|C|D|2026|||N17|P|2.5', '101', 'MSH-9 missing'],
  ['no MSH-10', 'MSH|^~\\&|A|B|C|D|2026||ADT^A01||P|2.5', '101', 'MSH-10 missing'],
] as const)('%s is a problem that rejects', ([, text, code, said]) => {
  const { problem } = hl7Header(Buffer.from(text, 'latin1'));
  expect(problem).toMatchObject({ code, text: said, answer: 'reject' });
});

test('what could be read of a header with a problem is there for the answer', () => {
  const header = hl7Header(Buffer.from('MSH|^~\\&|A|B|C|D|2026|||N17|P|2.5\rPID|1'));
  expect(header).toMatchObject({ controlId: 'N17', sendingApplication: 'A', version: '2.5' });
});

test('a header is read without looking at what follows', () => {
  const rest = Buffer.alloc(1_000_000, 0xff);
  const body = Buffer.concat([hl7(MSH), rest]);
  expect(hl7Header(body)).toMatchObject({ controlId: 'N1', problem: undefined });
});

test('a header longer than usual is read to its end', () => {
  const long = 'x'.repeat(3000);
  expect(hl7Header(hl7(MSH.replace('APP', long))).controlId).toBe('N1');
});

test('a batch has the control id of its own header', () => {
  expect(hl7Header(hl7('BHS|^~\\&|A|B|C|D|2026||||B77', MSH))).toMatchObject({
    kind: 'batch',
    controlId: 'B77',
    sendingApplication: 'A',
    problem: undefined,
  });
});

test('an acknowledgement is told apart', () => {
  expect(hl7Header(hl7('MSH|^~\\&|A|B|C|D|2026||ACK^A01|N|P|2.5')).isAcknowledgement).toBe(true);
});

const declared = (charset: string): string => `${MSH}||||||${charset}`;

test.for([
  [
    'a charset that is not supported',
    hl7(declared('ISO IR 999')),
    '103',
    'MSH-18 ISO IR 999 not supported',
  ],
  [
    'UTF-16 as charset',
    hl7(declared('UNICODE UTF-16')),
    '103',
    'MSH-18 UNICODE UTF-16 not supported',
  ],
  [
    'bytes that are not UTF-8',
    Buffer.concat([hl7(declared('UNICODE UTF-8')), Buffer.from([0x4e, 0xfc])]),
    '102',
    'Invalid byte at offset 89 for UNICODE UTF-8',
  ],
  [
    'bytes that are not ASCII',
    Buffer.concat([hl7(declared('ASCII')), Buffer.from([0x4e, 0xfc])]),
    '102',
    'Invalid byte at offset 81 for ASCII',
  ],
  ['two messages', hl7(MSH, 'PID|1', MSH), '100', '2 MSH segments in one frame'],
  [
    'two messages after CRLF',
    Buffer.from(`${MSH}\r\n${MSH}\r\n${MSH}`),
    '100',
    '3 MSH segments in one frame',
  ],
  ['two messages after LF', Buffer.from(`${MSH}\n${MSH}\n`), '100', '2 MSH segments in one frame'],
] as const)('%s are found in the body', ([, body, code, text]) => {
  expect(hl7BodyProblem(body, hl7Header(body))).toMatchObject({ code, text, answer: 'error' });
  expect(/offset (\d+)/.exec(text)?.[1] ?? '-1').toBe(String(body.indexOf(0xfc)));
});

test.for([
  ['ASCII', hl7(MSH, 'PID|1')],
  ['bytes of an undeclared charset', Buffer.concat([hl7(MSH), Buffer.from([0xfc])])],
  ['MSH behind a line feed inside a value', hl7(MSH, 'OBX|1|TX|||x\nMSH|y')],
  ['8859/1', Buffer.concat([hl7(declared('8859/1')), Buffer.from([0xfc])])],
] as const)('%s is no problem', ([, body]) => {
  expect(hl7BodyProblem(body, hl7Header(body))).toBeUndefined();
});
