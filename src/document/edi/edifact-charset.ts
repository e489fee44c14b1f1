import { type Charset, charsetNamed } from '../charset.ts';
import { ediStart } from './edi-start.ts';

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
