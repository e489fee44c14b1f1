import { buffered, isAsciiText } from '../charset.ts';
import { partOf } from '../segment/part.ts';
import { EdiCutter } from './edi-cutter.ts';
import { ediStart } from './edi-start.ts';
import type { EdiStart, EdiSyntax } from './edi-syntax.ts';
import { knownGuide } from './guide/guides.ts';

/** How many segments are searched for the first transaction set or message. */
const LOOKED_AT = 50;

/** What the first transaction set or message of a body is. */
export interface EdiHead {
  readonly kind: EdiSyntax['kind'];
  /** `837P`, `999`, `TA1`; `MEDRPT`, `CONTRL`; `''` if it holds none. */
  readonly name: string;
  /** `005010X222A1`; `D.96A`; `''` if it says none. */
  readonly version: string;
  /** ISA-13 or UNB-5. */
  readonly controlNumber: string;
  /** GS-6 or UNG-5 of the first functional group, if there is one. */
  readonly groupNumbers: readonly string[];
}

/**
 * The type of the message that begins with these bytes: `X12:837P:005010X222A1` (ST-1 and ST-3 or GS-8),
 * `EDIFACT:MEDRPT:D.96A` (UNH-2); that of the first transaction set, if there are several. Undefined if it is
 * neither X12 nor EDIFACT.
 */
export function ediType(head: string): string | undefined {
  const found = ediHead(head);
  if (found === undefined) return undefined;
  const standard = { x12: 'X12', edifact: 'EDIFACT' }[found.kind];
  return [standard, found.name, found.version].filter((part) => part !== '').join(':');
}

/** How many bytes are read to determine the type of a body. */
const HEAD = 4_096;

/** The one of UTF-8, read as ISO-8859-1. */
const BYTE_ORDER_MARK = '\u00ef\u00bb\u00bf';

/** As `ediType`, from the bytes of a body. */
export const ediTypeOf = (body: Uint8Array): string | undefined => ediType(ediHeadText(body));

/** The beginning of a body as text, whatever its charset; values in it may be letters of another one. */
export function ediHeadText(body: Uint8Array): string {
  const bytes = buffered(body);
  const found = bytes.toString('latin1', 0, HEAD);
  const head = found.startsWith(BYTE_ORDER_MARK) ? found.slice(3) : found;
  // a delimiter that is several bytes of UTF-8, such as ¦, begins with what is a letter in ISO-8859-1
  const isRead = isAsciiText(found) || 'at' in ediStart(head);
  return isRead ? head : bytes.toString('utf8', 0, HEAD);
}

/** Reads only as much as needed from the beginning of a body; undefined if it is not an interchange. */
export function ediHead(head: string): EdiHead | undefined {
  const start = ediStart(head);
  if (!('at' in start)) return undefined;
  return start.syntax.kind === 'x12' ? x12Head(head, start) : edifactHead(head, start);
}

function x12Head(head: string, start: EdiStart): EdiHead {
  const read = segmentsOf(head, start);
  const controlNumber = element(read('ISA'), 13, start.syntax).trim();
  const [set, group] = [read('ST'), read('GS')];
  const groupNumbers = group === undefined ? [] : [element(group, 6, start.syntax).trim()];
  if (set === undefined) {
    const name = read('TA1') === undefined ? '' : 'TA1';
    return { kind: 'x12', name, version: '', controlNumber, groupNumbers };
  }
  const id = word(element(set, 1, start.syntax));
  const version = word(element(set, 3, start.syntax) || element(group, 8, start.syntax));
  const name = knownGuide(id, version)?.name ?? id;
  return { kind: 'x12', name, version, controlNumber, groupNumbers };
}

function edifactHead(head: string, start: EdiStart): EdiHead {
  const { syntax } = start;
  const read = segmentsOf(head, start);
  const identifier = element(read('UNH'), 2, syntax);
  const part = (n: number): string => word(partOf(identifier, syntax.component, n, syntax.release));
  const controlNumber = element(read('UNB'), 5, syntax);
  const version = [part(2), part(3)].filter((one) => one !== '').join('.');
  const group = read('UNG');
  const groupNumbers = group === undefined ? [] : [element(group, 5, syntax)];
  return { kind: 'edifact', name: part(1), version, controlNumber, groupNumbers };
}

/** Returns the first segment with a name among the first ones. */
function segmentsOf(head: string, start: EdiStart): (name: string) => string | undefined {
  const cutter = new EdiCutter(head, start);
  const segments: string[] = [];
  for (let at = start.at; at < head.length && segments.length < LOOKED_AT; ) {
    const end = cutter.end(at);
    segments.push(head.slice(at, end));
    at = cutter.next(end);
    while (at < head.length && cutter.isBlank(head.charCodeAt(at))) at++;
  }
  const { field } = start.syntax;
  return (name) => segments.find((one) => one.startsWith(name + field));
}

function element(segment: string | undefined, n: number, { field, release }: EdiSyntax): string {
  return segment === undefined ? '' : partOf(segment, field, n + 1, release);
}

/** Used in message headers and metric labels: only letters, digits and `_.-` are kept. */
function word(text: string): string {
  return text.replaceAll(/[^\w.-]/g, '').slice(0, 20);
}
