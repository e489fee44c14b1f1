import { Buffer } from 'node:buffer';
import { buffered, type Charset, decodeFaithfully, isAsciiText } from '../charset.ts';
import { hl7Charset } from './charset.ts';
import { DEFAULT_DELIMITERS, type Delimiters, delimitersAt } from './delimiters.ts';
import { partOf } from './part.ts';

/** Why a message is refused or doubted, as an acknowledgement says it. */
export interface Hl7Problem {
  /** HL7 table 0357. */
  readonly code: string;
  readonly text: string;
  /** `reject`: AR, nothing in it can be used; `error`: AE. */
  readonly answer: 'reject' | 'error';
  readonly segment?: string | undefined;
  /** Which segment of that name, from 1. */
  readonly segmentIndex?: number | undefined;
  readonly field?: number | undefined;
}

/** When a sender wants to be answered: MSH-15 and MSH-16, table 0155. */
export type AcknowledgementCondition = 'AL' | 'NE' | 'ER' | 'SU';

/** What the header segment says, read without looking at the rest. */
export interface Hl7Header {
  readonly kind: 'message' | 'batch' | 'none';
  /** `HL7v2:ADT_A01:2.5.1`: MSH-9.1 `_` MSH-9.2, MSH-12. */
  readonly type: string;
  /** MSH-9.1, MSH-9.2, MSH-9.3. */
  readonly messageType: string;
  readonly event: string;
  readonly structure: string;
  /** MSH-12.1 */
  readonly version: string;
  readonly controlId: string;
  /** MSH-10 byte for byte: what MSA-2 repeats. */
  readonly controlIdBytes: Uint8Array;
  readonly sendingApplication: string;
  readonly sendingFacility: string;
  readonly receivingApplication: string;
  readonly receivingFacility: string;
  readonly processingId: string;
  /** MSH-15: undefined if empty, which is original mode when MSH-16 is empty too. */
  readonly acceptAck: AcknowledgementCondition | undefined;
  readonly applicationAck: AcknowledgementCondition | undefined;
  /** The message is an answer itself and must never be answered. */
  readonly isAcknowledgement: boolean;
  /** MSH-18 as written, `''` if empty; `charset` is undefined if it is empty or not supported. */
  readonly charsetName: string;
  readonly charset: Charset | undefined;
  readonly delimiters: Delimiters;
  /** The fields of the segment as bytes read in ISO-8859-1, from 0 (its name); field n of MSH is at n − 1. */
  readonly slots: readonly string[];
  /** Why the message cannot be taken; the other values are then what could be read. */
  readonly problem: Hl7Problem | undefined;
}

const HEADER_LIMIT = 64 * 1024;
const CONDITIONS: ReadonlySet<string> = new Set(['AL', 'NE', 'ER', 'SU']);

/** Reads the header of a message or batch. Never throws: what is wrong is its `problem`. */
export function hl7Header(bytes: Uint8Array): Hl7Header {
  const buffer = buffered(bytes);
  const text = headerText(buffer);
  const start = headerStart(text);
  if (start < 0) return headerOf('none', [], DEFAULT_DELIMITERS, notHl7(buffer, text));
  const kind = text.startsWith('MSH', start) ? 'message' : 'batch';
  const delimiters = delimitersAt(text, start);
  if (delimiters === undefined) {
    return headerOf('message', [], DEFAULT_DELIMITERS, {
      code: '102',
      text: 'Invalid encoding characters',
      answer: 'reject',
      segment: 'MSH',
      field: 2,
    });
  }
  const slots = text.slice(start).split(delimiters.field);
  return headerOf(kind, slots, delimiters, kind === 'message' ? missing(slots) : undefined);
}

/** The charset that MSH-18 declares, and its name as written. */
export function declaredCharset(buffer: Buffer): { name: string; charset: Charset | undefined } {
  const text = headerText(buffer);
  const start = headerStart(text);
  const delimiters = start < 0 ? undefined : delimitersAt(text, start);
  if (delimiters === undefined || !text.startsWith('MSH', start)) {
    return { name: '', charset: undefined };
  }
  return charsetIn(partOf(text, delimiters.field, 18), delimiters);
}

/** Where MSH, BHS or FHS begins, after a BOM, blanks or a block start; -1 if something else comes first. */
export function headerStart(text: string): number {
  let start = text.startsWith('\u00ef\u00bb\u00bf') ? 3 : 0;
  while (start < text.length && isBlank(text.charCodeAt(start))) start++;
  const named =
    text.startsWith('MSH', start) || text.startsWith('BHS', start) || text.startsWith('FHS', start);
  return named ? start : -1;
}

function isBlank(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13) || code === 0xfeff;
}

/** The first segment, in ISO-8859-1; leading blanks and line ends included. */
function headerText(buffer: Buffer): string {
  const text = buffer.toString('latin1', 0, 512);
  const end = endOfLine(text);
  if (end >= 0 || buffer.length <= 512) return end < 0 ? text : text.slice(0, end);
  const more = buffer.toString('latin1', 0, HEADER_LIMIT);
  const later = endOfLine(more);
  return later < 0 ? more : more.slice(0, later);
}

function endOfLine(text: string): number {
  const start = Math.max(headerStart(text), 0);
  const cr = text.indexOf('\r', start);
  const lf = text.indexOf('\n', start);
  return cr < 0 || (lf >= 0 && lf < cr) ? lf : cr;
}

function notHl7(buffer: Buffer, text: string): Hl7Problem {
  if (text.trim() === '') return { code: '100', text: 'Empty message', answer: 'reject' };
  const utf16 = /^(?:\u00ff\u00fe|\u00fe\u00ff|\0[^\0]|[^\0]\0)/.test(
    buffer.toString('latin1', 0, 2),
  );
  return {
    code: '100',
    text: `Message does not start with MSH${utf16 ? ' (UTF-16?)' : ''}`,
    answer: 'reject',
    segment: 'MSH',
  };
}

function missing(slots: readonly string[]): Hl7Problem | undefined {
  const field = [9, 10].find((n) => (slots[n - 1] ?? '').trim() === '');
  if (field === undefined) return undefined;
  return {
    code: '101',
    text: `MSH-${field} missing`,
    answer: 'reject',
    segment: 'MSH',
    segmentIndex: 1,
    field,
  };
}

function headerOf(
  kind: Hl7Header['kind'],
  slots: readonly string[],
  delimiters: Delimiters,
  problem: Hl7Problem | undefined,
): Hl7Header {
  const raw = (n: number): string => slots[n - 1] ?? '';
  // BHS and FHS share fields 3 to 7 with MSH; 9 to 18 mean something else.
  const own = (n: number): string => (kind === 'message' ? raw(n) : '');
  const { name: charsetName, charset } = charsetIn(own(18), delimiters);
  const text = (slot: string): string =>
    isAsciiText(slot) ? slot : decodeFaithfully(Buffer.from(slot, 'latin1'), charset).text;
  const part = (n: number, component: number): string =>
    word(partOf(own(n), delimiters.component, component));
  const controlId = raw(kind === 'batch' ? 11 : 10);
  const messageType = part(9, 1);
  return {
    kind,
    type: typeOf(messageType, part(9, 2), part(12, 1)),
    messageType,
    event: part(9, 2),
    structure: part(9, 3),
    version: part(12, 1),
    controlId: text(controlId),
    controlIdBytes: Buffer.from(controlId, 'latin1'),
    sendingApplication: text(raw(3)),
    sendingFacility: text(raw(4)),
    receivingApplication: text(raw(5)),
    receivingFacility: text(raw(6)),
    processingId: part(11, 1),
    acceptAck: condition(own(15)),
    applicationAck: condition(own(16)),
    isAcknowledgement: messageType === 'ACK' || messageType === 'MCF',
    charsetName,
    charset,
    delimiters,
    slots,
    problem,
  };
}

/** Goes into message headers and metric labels: nothing but letters, digits and `_.-` stays. */
function word(text: string): string {
  return text.replaceAll(/[^\w.-]/g, '').slice(0, 20);
}

function typeOf(messageType: string, event: string, version: string): string {
  const name = event === '' ? messageType : `${messageType}_${event}`;
  return ['HL7v2', name, version].filter((part) => part !== '').join(':');
}

function condition(slot: string): AcknowledgementCondition | undefined {
  const value = slot.trim().toUpperCase();
  return CONDITIONS.has(value) ? (value as AcknowledgementCondition) : undefined;
}

function charsetIn(
  slot: string,
  delimiters: Delimiters,
): { name: string; charset: Charset | undefined } {
  const name = partOf(slot, delimiters.repetition, 1).trim();
  return { name, charset: name === '' ? undefined : hl7Charset(name) };
}
