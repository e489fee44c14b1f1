import type { Document } from '../document/document.ts';
import { hl7Header } from '../document/hl7/header.ts';

/** The type of a made message: of HL7 what its MSH says, else what was declared. */
export function outputType(document: Document, body: Uint8Array, declared: string): string {
  return document.kind === 'hl7' ? hl7Header(body).type : declared;
}
