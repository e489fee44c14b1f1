import { expect, test } from 'vitest';
import { endingWithCr } from '../../../src/document/hl7/segment-ends.ts';

const ended = (text: string, cut = 1_000): string => {
  const whole = Buffer.from(text, 'latin1');
  const change = endingWithCr(whole);
  if (change === undefined) return text;
  const parts: Buffer[] = [];
  for (let at = 0; at < whole.length; at += cut) parts.push(change(whole.subarray(at, at + cut)));
  return Buffer.concat(parts).toString('latin1');
};

test.for([1, 2, 3, 7, 1_000])('LF and CRLF become CR, however a body is cut (%i)', (cut) => {
  expect(ended('MSH|^~\\&|A\nPID|1||\xfc\nPV1|1', cut)).toBe('MSH|^~\\&|A\rPID|1||\xfc\rPV1|1');
  expect(ended('MSH|^~\\&|A\r\nPID|1\r\n', cut)).toBe('MSH|^~\\&|A\rPID|1\r');
  expect(ended('\ufeffMSH|^~\\&|A\nPID|1\n', cut)).not.toBe('');
});

test('what ends its first segment with CR, or is no HL7, is left as it is', () => {
  for (const text of [
    'MSH|^~\\&|A\rOBX|1|TX|||one\ntwo\r',
    'MSH|^~\\&|A\rPID|1\r\n',
    'MSH|^~\\&|A',
    'mrn,ward\n1,2\n',
    '',
  ]) {
    expect(endingWithCr(Buffer.from(text))).toBeUndefined();
  }
});

test('LF in a value of a message that came with CRLF stays', () => {
  expect(ended('MSH|^~\\&|A\r\nOBX|1|TX|||one\ntwo\r\n')).toBe(
    'MSH|^~\\&|A\rOBX|1|TX|||one\ntwo\r',
  );
});
