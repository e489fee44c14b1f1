import type { Document } from '../document/document.ts';
import { hl7Header } from '../document/hl7/header.ts';
import { Hl7Document } from '../document/hl7/hl7-document.ts';

const WHAT_TYPES: readonly string[] = ['MSH-9', 'MSH-12'];

/**
 * The type of a made message: of HL7 what its MSH says, else what the transform declares. Where MSH says
 * the same as in the message it came from, the header is not read anew.
 */
export function outputType(
  source: Document,
  target: Document,
  { before, declared = before }: { readonly before: string; readonly declared: string | undefined },
): string {
  if (target.kind !== 'hl7') return declared;
  const isSame =
    before.startsWith('HL7v2:') &&
    source.kind === 'hl7' &&
    WHAT_TYPES.every((path) => source.get(path) === target.get(path));
  return isSame ? before : hl7Header(target.bytes()).type;
}

/** The charset of a made message: of HL7 what it is written in, else that of the message it came from. */
export function outputCharset(
  source: Document,
  target: Document,
  before: string | undefined,
): string | undefined {
  if (!(target instanceof Hl7Document)) return before;
  const isSame =
    before !== undefined && source.kind === 'hl7' && source.get('MSH-18') === target.get('MSH-18');
  return isSame ? before : target.charset.name;
}
