import { ediType } from '../../document/index.ts';

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

/** The message type of a file: by its first bytes if they tell (HL7, X12 and EDIFACT above all), otherwise by its extension. */
export function fileType(head: Uint8Array, name: string): string {
  const text = Buffer.from(head.subarray(0, 2_048))
    .toString('latin1')
    .replace(/^\u00ef\u00bb\u00bf/, '');
  const known = hl7Type(text.trimStart()) ?? ediType(text);
  if (known !== undefined) return known;
  const ending = BY_ENDING[name.slice(name.lastIndexOf('.') + 1).toLowerCase()];
  const beginning = BY_BEGINNING.find(([pattern]) => pattern.test(text.trimStart()))?.[1];
  // The name says more than an opening brace: a .csv may begin with one.
  return ending ?? beginning ?? 'application/octet-stream';
}

function hl7Type(text: string): string | undefined {
  const batch = /^[BF]HS(.)/.exec(text);
  const at = batch === null ? 0 : text.search(/(?<=[\r\n])MSH/);
  const header = at < 0 ? '' : text.slice(at);
  if (!header.startsWith('MSH')) return batch === null ? undefined : 'HL7v2';
  const field = header.charAt(3);
  const component = header.charAt(4);
  const [line = ''] = header.split(/[\r\n]/, 1);
  const fields = line.split(field);
  const [kind = '', event = ''] = (fields[8] ?? '').split(component);
  const [version = ''] = (fields[11] ?? '').split(component);
  const name = event === '' ? kind : `${kind}_${event}`;
  return ['HL7v2', name, version].filter((part) => part !== '').join(':');
}
