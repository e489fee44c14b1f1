import { ediTypeOf, partOf } from '../../document/index.ts';
import { asBuffer } from '../as-buffer.ts';

const BY_ENDING: Readonly<Record<string, string>> = {
  csv: 'text/csv',
  tsv: 'text/tab-separated-values',
  txt: 'text/plain',
  json: 'application/json',
  xml: 'application/xml',
  html: 'text/html',
  eml: 'message/rfc822',
  pdf: 'application/pdf',
  zip: 'application/zip',
  gz: 'application/gzip',
  jpg: 'image/jpeg',
  png: 'image/png',
  dcm: 'application/dicom',
};

/** What files of a kind begin with; compared with the first bytes after a byte order mark and white space. */
const BY_BEGINNING: readonly (readonly [RegExp, string])[] = [
  [/^%PDF-/, 'application/pdf'],
  [/^PK[^ -~]{2}/, 'application/zip'],
  [/^<!doctype html|^<html/i, 'text/html'],
  [/^<[?!a-z]/i, 'application/xml'],
  [/^[{[]/, 'application/json'],
  [/^H\|\\\^&/, 'application/astm'],
];

/** What they begin with: of most files the first character tells that none fits. */
const FIRST: ReadonlySet<string> = new Set('%P<{[H');

/** The one of UTF-8, read as ISO-8859-1. */
const BYTE_ORDER_MARK = '\u00ef\u00bb\u00bf';

/** The message type of a file: by its first bytes if they tell (HL7, X12 and EDIFACT above all), otherwise by its extension. */
export function fileType(head: Uint8Array, name: string): string {
  const marked = asBuffer(head).toString('latin1', 0, 2_048);
  const text = marked.startsWith(BYTE_ORDER_MARK) ? marked.slice(3) : marked;
  const trimmed = text.trimStart();
  const known = hl7Type(trimmed) ?? ediTypeOf(head);
  if (known !== undefined) return known;
  const ending = BY_ENDING[name.slice(name.lastIndexOf('.') + 1).toLowerCase()];
  const beginning = FIRST.has(trimmed.charAt(0))
    ? BY_BEGINNING.find(([pattern]) => pattern.test(trimmed))?.[1]
    : undefined;
  // The name says more than an opening brace: a .csv may begin with one.
  return ending ?? beginning ?? 'application/octet-stream';
}

function hl7Type(text: string): string | undefined {
  const isBatch = text.startsWith('BHS') || text.startsWith('FHS');
  const at = isBatch ? text.search(/(?<=[\r\n])MSH/) : 0;
  if (at < 0 || !text.startsWith('MSH', at)) return isBatch ? 'HL7v2' : undefined;
  const header = at === 0 ? text : text.slice(at);
  const field = header.charAt(3);
  const component = header.charAt(4);
  const line = header.slice(0, endOfLine(header));
  const name = partOf(line, field, 9);
  const [kind, event] = [partOf(name, component, 1), partOf(name, component, 2)];
  const version = partOf(partOf(line, field, 12), component, 1);
  const told = event === '' ? kind : `${kind}_${event}`;
  return ['HL7v2', told, version].filter((part) => part !== '').join(':');
}

function endOfLine(text: string): number | undefined {
  const [cr, lf] = [text.indexOf('\r'), text.indexOf('\n')];
  if (cr < 0 || lf < 0) return Math.max(cr, lf) < 0 ? undefined : Math.max(cr, lf);
  return Math.min(cr, lf);
}
