import type { Document, Reading } from './document.ts';
import { hl7Document } from './hl7/hl7-document.ts';
import { textDocument } from './text/text-document.ts';

type Reader = (bytes: Uint8Array, charset: string | undefined) => Document;

/**
 * Reads a body as its type says: HL7, JSON, XML, delimited text, or else plain text. Throws an
 * EngineError DOCUMENT_UNREADABLE with the position of what is wrong, never quoting the body.
 */
export function documentOf(bytes: Uint8Array, reading: Reading): Document {
  return readerFor(reading.type)(bytes, reading.charset);
}

function readerFor(type: string): Reader {
  const [media = ''] = type.toLowerCase().split(';');
  if (media.startsWith('hl7v2') || HL7_MEDIA.test(media)) return hl7Document;
  return textDocument;
}

const HL7_MEDIA = /^(?:application|x-application|text)\/(?:hl7-v2|edi-hl7|x-hl7|hl7v2)(?:\+er7)?$/;
