import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { hl7Document } from '../../../src/document/hl7/hl7-document.ts';
import { readAcknowledgement } from '../../../src/document/hl7/read-acknowledgement.ts';

const PIECE = fc.constantFrom(
  'MSH|^~\\&|',
  'MSA|',
  '\rMSA|',
  'AA',
  'AE',
  '|',
  '17',
  ' ',
  '^',
  '~',
  '\\T\\',
  '&',
  '""',
  'ä',
  '\r',
  '\n',
  '\r\n',
  'ERR|||207^x^HL70357|E||||not now',
  'ZZZ|1',
  'HUB|H|LAB|L|20260101||ACK|1|P|2.5',
);
const ANSWER = fc.tuple(
  fc.constantFrom('MSH|^~\\&|HUB|H|LAB|L|20260101||ACK^A01|1|P|2.5', 'MSH|#~\\&|A|B'),
  fc.array(PIECE, { maxLength: 9 }),
);

test('a plain answer says the same when it is read without a document', () => {
  fc.assert(
    fc.property(ANSWER, ([head, pieces]) => {
      const bytes = Buffer.from(head + pieces.join(''));
      const document = hl7Document(bytes);
      const { code, controlId, text, errors } = readAcknowledgement(bytes);
      expect([code, controlId]).toEqual([document.get('MSA-1').trim(), document.get('MSA-2')]);
      expect(errors.length > 0 || text === document.get('MSA-3')).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});
