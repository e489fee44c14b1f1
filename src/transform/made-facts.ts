import type { Document } from '../document/document.ts';
import { kindOf } from '../document/document-of.ts';
import { ediTypeOf } from '../document/edi/edi-type.ts';
import { hl7Header } from '../document/hl7/header.ts';
import { SegmentDocument } from '../document/segment/segment-document.ts';

/** The type of a body that code made: HL7, X12 and EDIFACT say theirs themselves, whatever `type` says. */
export function ownType(body: Uint8Array, type: string): string {
  const kind = kindOf(type);
  if (kind === 'x12' || kind === 'edifact') return ediTypeOf(body) ?? type;
  if (kind !== 'hl7' || !type.startsWith('HL7v2:')) return type;
  const header = hl7Header(body);
  return header.kind === 'none' ? type : header.type;
}

/** The charset of a body that code made: a string is written in UTF-8, a document of segments in its own. */
export function ownCharset(
  body: string | Uint8Array | Document,
  before: string | undefined,
): string | undefined {
  if (typeof body === 'string') return 'utf-8';
  return body instanceof SegmentDocument ? body.charset.name : before;
}

/** A type that is read as this kind of document, where nothing more is known. */
export const plainType = (kind: Document['kind']): string => TYPES[kind];

const TYPES: Readonly<Record<Document['kind'], string>> = {
  hl7: 'HL7v2:',
  x12: 'X12',
  edifact: 'EDIFACT',
  astm: 'application/astm',
  dicom: 'application/dicom',
  json: 'application/json',
  xml: 'application/xml',
  delimited: 'text/csv',
  text: 'text/plain',
};
