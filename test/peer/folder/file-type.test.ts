import { expect, test } from 'vitest';
import { fileType } from '../../../src/peer/folder/file-type.ts';

const cases: readonly (readonly [string, string, string])[] = [
  ['MSH|^~\\&|A|B|C|D|20260101||ADT^A01^ADT_A01|1|P|2.5.1\r', 'x.txt', 'HL7v2:ADT_A01:2.5.1'],
  ['\ufeffMSH|^~\\&|A|B|C|D|20260101||ACK|1|P|2.3\r', 'x', 'HL7v2:ACK:2.3'],
  ['\r\nMSH#*~\\&#A#B#C#D#2026##ORU*R01#1#P#2.4\r', 'x', 'HL7v2:ORU_R01:2.4'],
  ['FHS|^~\\&\rBHS|^~\\&\rMSH|^~\\&|A|B|C|D|2026||ORU^R01|1|P|2.4\r', 'x', 'HL7v2:ORU_R01:2.4'],
  ['BHS|^~\\&\r', 'x', 'HL7v2'],
  ['{"resourceType":"Patient"}', 'x', 'application/json'],
  ['<?xml version="1.0"?><a/>', 'x', 'application/xml'],
  ['<ClinicalDocument xmlns="urn:hl7-org:v3">', 'x.dat', 'application/xml'],
  ['<!DOCTYPE html><html>', 'x', 'text/html'],
  ['%PDF-1.7', 'letter', 'application/pdf'],
  ['PK\u0003\u0004', 'x', 'application/zip'],
  ['[1] a note', 'list.csv', 'text/csv'],
  ['From: ward@hospital.example', 'letter.EML', 'message/rfc822'],
  ['anything', 'NOTE.TXT', 'text/plain'],
  ['anything', 'noending', 'application/octet-stream'],
  ['', 'x', 'application/octet-stream'],
];

test.for(cases)('%j in a file %s is %s', ([head, name, type]) => {
  expect(fileType(Buffer.from(head), name)).toBe(type);
});
