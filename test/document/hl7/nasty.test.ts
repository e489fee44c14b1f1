import { expect, test } from 'vitest';
import {
  acknowledgement,
  acknowledgementCode,
  hl7Batch,
  hl7BodyProblem,
  hl7Document,
  hl7Header,
  readAcknowledgement,
  validate,
} from '../../../src/document/index.ts';
import { nastyCase } from '../../support/nasty-cases.ts';
import { processorTime } from '../../support/processor-time.ts';

/** The bodies of a case's frames: what stands between VT and FS CR. Framing itself is the listener's. */
function bodies(name: string): Buffer[] {
  const bytes = Buffer.concat(nastyCase(name).chunks);
  const found: Buffer[] = [];
  for (let at = bytes.indexOf(0x0b); at >= 0; at = bytes.indexOf(0x0b, at + 1)) {
    const end = bytes.indexOf(Buffer.from([0x1c, 0x0d]), at);
    if (end >= 0) found.push(bytes.subarray(at + 1, end));
  }
  return found;
}

function read(name: string, path: string): string {
  return hl7Document(bodies(name)[0] ?? Buffer.alloc(0)).get(path);
}

function header(name: string): ReturnType<typeof hl7Header> {
  return hl7Header(bodies(name)[0] ?? Buffer.alloc(0));
}

/** Checks and answers a body as a listener does; the answer as `code|control id|text` with the codes of its ERR. */
function answered(body: Buffer): string {
  const own = hl7Header(body);
  const problem = own.problem ?? hl7BodyProblem(body, own);
  const ack = acknowledgement(own, {
    code: acknowledgementCode(problem?.answer ?? 'accept', false),
    ...(problem === undefined ? {} : { problems: [problem] }),
  });
  const answer = readAcknowledgement(ack);
  expect(hl7Header(ack).delimiters.encoding).toBe(own.delimiters.encoding);
  const codes = answer.errors.map(({ code }) => code);
  return [answer.code, answer.controlId, answer.text, ...codes].join('|');
}

test.for([
  ['utf8-char-split', ['AA|N4|']],
  ['empty-frame', ['AR||Empty message|100', 'AA|N13|']],
  ['not-hl7', ['AR||Message does not start with MSH|100', 'AA|N14|']],
  ['msh-too-short', ['AR||MSH-9 missing|101']],
  [
    'bad-encoding-characters',
    ['AR||Invalid encoding characters|102', 'AR||Invalid encoding characters|102'],
  ],
  ['no-msh-9', ['AR|N17|MSH-9 missing|101']],
  ['no-msh-10', ['AR||MSH-10 missing|101']],
  ['version-2.9', ['AA|N19|']],
  ['custom-delimiters', ['AA|N20|']],
  ['lf-terminators', ['AA|N21|']],
  ['crlf-terminators', ['AA|N22|']],
  ['blank-and-indented-segments', ['AA|N23|']],
  ['line-that-is-no-segment', ['AA|N24|']],
  ['invalid-utf8-declared-utf8', ['AE|N25|Invalid byte at offset 95 for UNICODE UTF-8|102']],
  ['latin1-declared-8859/1', ['AA|N26|']],
  ['unknown-charset', ['AE|N27|MSH-18 ISO IR 999 not supported|103']],
  ['utf16le', ['AR||Message does not start with MSH (UTF-16?)|100']],
  ['huge-obx5-10MB', ['AA|N29|']],
  ['two-msh-no-bhs', ['AE|N30A|2 MSH segments in one frame|100']],
  ['bad-escapes', ['AA|N36|']],
  ['control-id-with-delimiters', ['AA|N|37|']],
  ['nul-and-control-bytes', ['AA|N38|']],
  ['fs-inside-payload', ['AA|N39|']],
  ['100k-segments', ['AA|N40|']],
] as const)('%s is answered %j', ([name, answers]) => {
  expect(bodies(name).map(answered)).toEqual(answers);
});

test.for([
  'utf8-char-split',
  'custom-delimiters',
  'blank-and-indented-segments',
  'line-that-is-no-segment',
  'invalid-utf8-declared-utf8',
  'bad-escapes',
  'nul-and-control-bytes',
  'fs-inside-payload',
  '100k-segments',
])('%s is read and written back byte for byte', (name) => {
  for (const body of bodies(name)) {
    const document = hl7Document(body);
    for (const path of ['PID-5.1', 'NTE-3', 'OBX-5', 'MSH-10']) document.all(path);
    expect(document.bytes()).toBe(body);
    document.set('MSH-5', 'X');
    const changed = Buffer.from(document.bytes());
    const behind = body.subarray(body.findIndex((byte) => byte === 13 || byte === 10));
    expect(changed.subarray(-behind.length).equals(behind)).toBe(true);
  }
});

test('values come out as they were meant', () => {
  expect(read('utf8-char-split', 'PID-5.1')).toBe('Müller');
  expect(read('latin1-declared-8859/1', 'PID-5.1')).toBe('Müller');
  expect(read('crlf-terminators', 'PV1-2')).toBe('I');
  expect(read('blank-and-indented-segments', 'PID-3')).toBe('1');
  expect(read('bad-escapes', 'NTE-3')).toBe('50\\ off \\XZZ\\ \\X0\\ C:\\dir \\.br\\ \\H\\b\\N\\');
  expect(read('nul-and-control-bytes', 'NTE-3')).toBe('a\0b\u0007c');
  expect(read('fs-inside-payload', 'OBX-5')).toBe('x\u001cy');
  expect(read('invalid-utf8-declared-utf8', 'PID-5.1')).not.toContain('\uFFFD');
});

test('the control id is answered byte for byte', () => {
  const [body = Buffer.alloc(0)] = bodies('control-id-with-delimiters');
  const ack = Buffer.from(acknowledgement(hl7Header(body), { code: 'AA' })).toString('latin1');
  expect(ack).toContain('MSA|AA|N\\F\\37\r');
});

test.for([
  ['version-2.9', 'warning', '203', 'HL7 2.9 is checked by the rules of 2.8.'],
  ['line-that-is-no-segment', 'error', '100', 'Line 3 is not a segment.'],
  ['blank-and-indented-segments', 'warning', '100', 'Line 3 is indented.'],
  ['blank-and-indented-segments', 'warning', '100', 'There are blank lines before line 3.'],
  ['two-msh-no-bhs', 'error', '100', '2 MSH segments in one frame.'],
] as const)('%s is a finding of the strict check: %s %s', ([name, severity, code, text]) => {
  const findings = validate(hl7Document(bodies(name)[0] ?? Buffer.alloc(0)), 'structure');
  expect(findings).toContainEqual(expect.objectContaining({ severity, code, text }));
});

test('a batch whose count is wrong still gives its messages', () => {
  const { kind, messages, findings } = hl7Batch(
    bodies('batch-bhs-count-mismatch')[0] ?? Buffer.alloc(0),
  );
  expect(kind).toBe('batch');
  expect(messages.map((message) => hl7Header(message).controlId)).toEqual(['N31A', 'N31B']);
  expect(findings.map(({ text }) => text)).toEqual(['BTS-1 is 3, found 2.']);
});

test('acknowledgements and the answers that a sender wants are told from the header', () => {
  expect(header('ack-on-inbound').isAcknowledgement).toBe(true);
  expect(header('enhanced-mode-never')).toMatchObject({ acceptAck: 'NE', applicationAck: 'NE' });
  expect(header('enhanced-mode-al')).toMatchObject({ acceptAck: 'AL', applicationAck: 'NE' });
});

test.for([
  ['huge-obx5-10MB', 'OBX-5.5'],
  ['100k-segments', 'OBX[100000]-5'],
] as const)('%s is read, changed and checked in linear time', ([name, path]) => {
  const [body = Buffer.alloc(0)] = bodies(name);
  const start = processorTime();
  const document = hl7Document(body);
  expect(document.get(path).length).toBeGreaterThan(0);
  document.set('MSH-5', 'X');
  document.bytes();
  validate(document, 'structure');
  expect(processorTime() - start).toBeLessThan(3000);
});
