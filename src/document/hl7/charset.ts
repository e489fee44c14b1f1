import { type Charset, charsetNamed } from '../charset.ts';

/** HL7 table 0211 where its words are not IANA names. */
const TABLE_0211: Readonly<Record<string, string>> = {
  'UNICODE UTF-8': 'utf-8',
  UNICODE: 'utf-8',
  'ISO IR6': 'us-ascii',
  'GB 18030-2000': 'gb18030',
  'KS X 1001': 'euc-kr',
  'BIG-5': 'big5',
};

const ISO_8859 = /^(?:ISO[ _-]?)?8859[-/](\d{1,2})$/i;

/**
 * The charset that a value of MSH-18 names, in the words of table 0211 (`8859/1`, `UNICODE UTF-8`) or
 * of IANA. Undefined for one that cannot be read: UTF-16 and the ISO 2022 ones among them.
 */
export function hl7Charset(name: string): Charset | undefined {
  const trimmed = name.trim();
  const part = ISO_8859.exec(trimmed)?.[1];
  if (part !== undefined) return charsetNamed(`iso-8859-${part}`);
  return charsetNamed(TABLE_0211[trimmed.toUpperCase()] ?? trimmed);
}

/** What MSH-18 says of text in this charset: the word of table 0211, or the IANA name where it has none. */
export function hl7CharsetName({ name }: Charset): string {
  const part = /^iso-8859-(\d+)$/i.exec(name)?.[1];
  if (part !== undefined) return `8859/${part}`;
  if (name.toLowerCase() === 'us-ascii') return 'ASCII';
  const found = Object.entries(TABLE_0211).find(([, iana]) => iana === name.toLowerCase());
  return found?.[0] ?? name.toUpperCase();
}
