import { type Charset, charsetNamed } from '../charset.ts';
import { type EdiStart, type EdiSyntax, firstCharacter, type NoStart } from './edi-syntax.ts';
import { edifactStart } from './edifact/edifact-start.ts';
import { x12Start } from './x12/x12-start.ts';

/** Where an interchange begins and how it is written, or why it cannot be read. */
export function ediStart(text: string): EdiStart | NoStart {
  const at = firstCharacter(text);
  if (text.startsWith('ISA', at)) return x12Start(text, at);
  if (text.startsWith('UNA', at) || text.startsWith('UNB', at)) return edifactStart(text, at);
  return { problem: 'It does not begin with ISA (X12), UNA or UNB (EDIFACT).' };
}

/**
 * Whether a later interchange has other delimiters, or is of the other standard: read by those of the first, all of it would be
 * one segment without a name, which belongs to nothing.
 */
export function hasOtherDelimiters(text: string, { at, syntax }: EdiStart): boolean {
  for (const mark of ['ISA', 'UNA', 'UNB']) {
    for (let next = text.indexOf(mark, at + 3); next >= 0; next = text.indexOf(mark, next + 3)) {
      if (isBehind(text, next, syntax) && differs(text, next, syntax)) return true;
    }
  }
  return false;
}

/** Whether a segment ends before this place. */
function isBehind(text: string, at: number, { terminator }: EdiSyntax): boolean {
  let before = at - 1;
  while (before > 0 && text[before] !== terminator && text.charCodeAt(before) <= 32) before--;
  return text[before] === terminator;
}

function differs(text: string, at: number, { field, component, terminator }: EdiSyntax): boolean {
  // without UNA an interchange may go on in the delimiters of the file
  if (text.startsWith(`UNB${field}`, at)) return false;
  const found = ediStart(text.slice(at, at + LONGEST_START));
  if (!('at' in found)) return false;
  const other = found.syntax;
  return other.field !== field || other.component !== component || other.terminator !== terminator;
}

/** More than ISA, or UNA and the beginning of UNB, may have. */
const LONGEST_START = 600;

/** The character sets that UNB-1.1 names (ISO 9735). UNOA and UNOB are ASCII: for other bytes, the caller may know the charset. */
const CHARSETS: Readonly<Record<string, string>> = {
  UNOC: 'iso-8859-1',
  UNOD: 'iso-8859-2',
  UNOE: 'iso-8859-5',
  UNOF: 'iso-8859-7',
  UNOG: 'iso-8859-3',
  UNOH: 'iso-8859-4',
  UNOI: 'iso-8859-6',
  UNOJ: 'iso-8859-8',
  UNOK: 'iso-8859-9',
  UNOW: 'utf-8',
};

/** The charset that the beginning of an EDIFACT interchange declares; undefined if it declares none or is X12. */
export function declaredCharset(head: string): Charset | undefined {
  const start = ediStart(head);
  if (!('at' in start) || start.syntax.kind !== 'edifact') return undefined;
  return charsetNamed(CHARSETS[head.slice(start.at + 4, start.at + 8)]);
}
