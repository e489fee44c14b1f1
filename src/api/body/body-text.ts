import { DelimitedDocument } from '../../document/delimited/delimited-document.ts';
import type { Document } from '../../document/document.ts';
import {
  charsetNamed,
  decodeFaithfully,
  dicomDocument,
  documentOf,
  ediDocument,
  hasSegments,
  kindOf,
  SegmentDocument,
} from '../../document/index.ts';
import { isEngineError } from '../../error/engine-error.ts';
import type { BodyText, Table } from '../contract/body.ts';
import type { ShownBody } from './shown-body.ts';

/** What of a body is needed to show it as text. */
type Shown = Omit<ShownBody, 'message'> & { readonly message: Pick<ShownBody['message'], 'id'> };

/** A body or a page of it as text. A character cut by the page's edge belongs to the next page. */
export function bodyText(
  { message, bytes, reading, size, offset, masked }: Shown,
  part: 'message' | 'reply',
  pretty: boolean,
): BodyText {
  const kind = kindOf(reading.type);
  if (kind === 'dicom')
    return attributesText({ message, bytes, reading, size, offset, masked }, part);
  const whole = offset === 0 && bytes.byteLength >= size;
  const page = whole ? bytes : bytes.subarray(0, wholeCharacters(bytes));
  const { text, charset } = textOf(page, reading, whole && hasSegments(kind));
  const end = offset + page.byteLength;
  return {
    messageId: message.id,
    part,
    type: reading.type,
    kind,
    charset,
    size,
    offset,
    next: end < size && page.byteLength > 0 ? end : undefined,
    text: pretty && whole ? laidOut(text, kind) : text,
    masked,
  };
}

/** The attributes of a DICOM file, as far as this page has them; its pictures are no text. */
function attributesText(
  { message, bytes, reading, size, offset, masked }: Shown,
  part: BodyText['part'],
): BodyText {
  const { type } = reading;
  const shown = { messageId: message.id, part, type, charset: 'utf-8', size, offset, masked };
  try {
    const text = [...dicomDocument(bytes).lines()].join('\n');
    return { ...shown, kind: 'dicom', text };
  } catch (error) {
    if (!isEngineError(error)) throw error;
    return { ...shown, kind: 'text', text: error.message };
  }
}

function textOf(
  bytes: Uint8Array,
  reading: ShownBody['reading'],
  segments: boolean,
): { text: string; charset: string } {
  const { charset } = reading;
  if (segments) {
    try {
      const document = documentOf(bytes, reading);
      if (document instanceof SegmentDocument) {
        return { text: document.text(), charset: document.charset.name };
      }
    } catch {
      // shown as plain text: its fault may be exactly what the reader is looking for
    }
  }
  const decoded = decodeFaithfully(bytes, charsetNamed(charset));
  return { text: decoded.text, charset: decoded.charset.name };
}

/** Length without an incomplete UTF-8 character at the end. */
function wholeCharacters(bytes: Uint8Array): number {
  const length = bytes.byteLength;
  for (let back = 1; back <= Math.min(3, length); back++) {
    const byte = bytes[length - back] ?? 0;
    if (byte < 0x80) return length;
    if (byte >= 0xc0) {
      const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return needed > back && length > back ? length - back : length;
    }
  }
  return length;
}

function laidOut(text: string, kind: BodyText['kind']): string {
  if (kind === 'json') return indentedJson(text);
  if (kind === 'x12' || kind === 'edifact') return bySegment(text);
  return kind === 'xml' ? indentedXml(text) : text;
}

/** One line per segment, whatever is between them. */
function bySegment(text: string): string {
  try {
    const document = ediDocument(Buffer.from(text));
    const { terminator } = document.syntax;
    const mark = /[\r\n]/.test(terminator) ? '' : terminator;
    return document
      .lines()
      .map((line) => `${line.text}${mark}\n`)
      .join('');
  } catch {
    // not an interchange
    return text;
  }
}

/** JSON with two spaces a level; unchanged if it is not valid, or nested so deeply that it would be little but spaces. */
export function indentedJson(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    return isDeeper(value, DEEPEST_JSON) ? text : JSON.stringify(value, null, 2);
  } catch {
    // not JSON
    return text;
  }
}

/** Deeper than any real message. */
const DEEPEST_JSON = 200;

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((one) => isDeeper(one, depth - 1));
}

const TOKEN = /<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<\?[\s\S]*?\?>|<[^<>]*>|[^<]+/g;
const PAIRS = [
  ['<!--', '-->'],
  ['<![CDATA[', ']]>'],
  ['<?', '?>'],
] as const;
const STEP = '  ';
/** Deeper elements are not indented further, so that the answer does not become many times longer than the body. */
const DEEPEST = 40;

/**
 * XML with one line per element, for reading. Only white space between elements is replaced; an
 * element with text stays as it is. Text that is not XML is returned unchanged.
 */
export function indentedXml(text: string): string {
  // otherwise something that begins and never ends would be searched for again and again
  if (PAIRS.some(([open, close]) => text.lastIndexOf(open) > text.lastIndexOf(close))) return text;
  const tokens = text.match(TOKEN) ?? [];
  if (tokens.join('') !== text) return text;
  const lines: string[] = [];
  const ends = endsOf(tokens);
  let depth = 0;
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] ?? '';
    if (token.trim() === '') continue;
    if (isEnd(token)) depth = Math.max(0, depth - 1);
    const end = isStart(token) ? endOfLine(tokens, at, ends) : undefined;
    lines.push(
      STEP.repeat(Math.min(depth, DEEPEST)) +
        tokens
          .slice(at, (end ?? at) + 1)
          .join('')
          .trim(),
    );
    if (end !== undefined) at = end;
    else if (isStart(token)) depth += 1;
  }
  return lines.join('\n');
}

const isEnd = (token: string): boolean => token.startsWith('</');
const isText = (token: string): boolean =>
  token.trim() !== '' && (!token.startsWith('<') || token.startsWith('<![CDATA['));
const isStart = (token: string): boolean => /^<[^!?/]/.test(token) && !token.endsWith('/>');

/** The end of an element that is empty or begins with text: it stays on one line. Undefined for any other. */
function endOfLine(
  tokens: readonly string[],
  start: number,
  ends: ReadonlyMap<number, number>,
): number | undefined {
  const next = tokens[start + 1] ?? '';
  return isEnd(next) || isText(next) ? ends.get(start) : undefined;
}

/** Where each element that begins with a token ends; none for one that never does. */
function endsOf(tokens: readonly string[]): ReadonlyMap<number, number> {
  const ends = new Map<number, number>();
  const open: number[] = [];
  for (const [at, token] of tokens.entries()) {
    if (isStart(token)) open.push(at);
    else if (isEnd(token)) {
      const start = open.pop();
      if (start !== undefined) ends.set(start, at);
    }
  }
  return ends;
}

/** A page of the rows of delimited text. */
export function delimitedTable(
  document: Document,
  after: number,
  limit: number,
): Pick<Table, 'columns' | 'rows' | 'rowCount' | 'next'> {
  if (!(document instanceof DelimitedDocument)) {
    return { columns: [], rows: [], rowCount: 0, next: undefined };
  }
  const { rowCount } = document;
  const end = Math.min(rowCount, after + limit);
  const rows: string[][] = [];
  for (let n = after + 1; n <= end; n++) rows.push(document.row(n));
  return { columns: document.columns, rows, rowCount, next: end < rowCount ? end : undefined };
}
