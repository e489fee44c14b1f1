import type { Segment } from '../../segment/segment.ts';
import { type EdiDocument, ediDocument } from '../edi-document.ts';
import { ediHead } from '../edi-type.ts';

/** What a peer's acknowledgement says. */
export interface ReadEdiAcknowledgement {
  /** A: accepted. E: accepted, errors noted. P: partly accepted. R, M, W, X: rejected. */
  readonly code: string;
  /** What it reports, as codes and places; never copies of data. */
  readonly text: string;
  /** Control numbers of the interchanges and groups that it answers. */
  readonly answers: readonly string[];
}

/** How bad a code is; an unknown one is as bad as a rejection. */
const ORDER = ['A', 'E', 'P', 'R'];
/** Errors are reported up to this length. */
const TEXT = 1_000;

/** Reads a TA1, 997, 999 or CONTRL; undefined for any other body. Throws DOCUMENT_UNREADABLE if it cannot be read. */
export function readEdiAcknowledgement(bytes: Uint8Array): ReadEdiAcknowledgement | undefined {
  const document = ediDocument(bytes);
  const words = document.kind === 'x12' ? x12Words(document) : contrlWords(document);
  if (words.length === 0) return undefined;
  const code = words.map((one) => one.code).reduce(worse);
  const said = words.map((one) => one.text).filter((one) => one !== '');
  const text = said.join('; ').slice(0, TEXT);
  return { code, text, answers: words.flatMap((one) => one.answers) };
}

interface Word {
  readonly code: string;
  readonly text: string;
  readonly answers: readonly string[];
}

function x12Words(document: EdiDocument): Word[] {
  const words = document.segments('TA1').map((one) => {
    const [number, code, note] = [one.get('TA1-1'), one.get('TA1-4'), one.get('TA1-5')];
    const isWrong = note !== '' && note !== '000';
    return { code, text: isWrong ? `TA1 ${code} ${note}` : '', answers: [number] };
  });
  const groups = new GroupWords();
  for (const segment of document.segments()) groups.take(segment);
  return [...words, ...groups.words];
}

/** Reads the segments of 997 and 999 in order, and collects what they say about each group. */
class GroupWords {
  readonly words: Word[] = [];
  #group = '';
  #set = '';
  #wrong: string[] = [];

  take(segment: Segment): void {
    const value = (n: number): string => segment.get(`${segment.name}-${n}`);
    const codes = (from: number): string[] =>
      [0, 1, 2, 3, 4].map((at) => value(from + at)).filter((one) => one !== '');
    const { name } = segment;
    if (name === 'AK1') this.#group = value(2);
    else if (name === 'AK2') this.#set = `${value(1)} ${value(2)}`;
    else if (/^[AI]K3$/.test(name)) {
      const loop = value(3) === '' ? '' : ` in ${value(3)}`;
      this.#wrong.push(`${value(1)} at ${value(2)}${loop}: ${value(4)}`);
    } else if (/^[AI]K4$/.test(name)) this.#wrong.push(`element ${value(1)}: ${value(3)}`);
    else if (/^[AI]K5$/.test(name)) this.#ofSet(value(1), codes(2));
    else if (name === 'AK9') this.#ofGroup(value(1), [value(4), value(3)], codes(5));
  }

  #ofSet(code: string, codes: readonly string[]): void {
    if (code === 'A') return;
    const why = codes.length === 0 ? '' : ` (${codes.join(', ')})`;
    this.#wrong.unshift(`${this.#set} ${code}${why}`);
  }

  #ofGroup(
    code: string,
    [accepted, received]: readonly [string, string],
    codes: readonly string[],
  ): void {
    const said = [
      `group ${this.#group} ${code}: ${accepted} of ${received} accepted`,
      ...codes.map((one) => `code ${one}`),
      ...this.#wrong,
    ];
    const text = code === 'A' ? '' : said.join(', ');
    this.words.push({ code, text, answers: [this.#group] });
    this.#wrong = [];
  }
}

function contrlWords(document: EdiDocument): Word[] {
  const interchanges = document.segments('UCI');
  if (interchanges.length === 0) return [];
  const rejected = rejectedParts(document);
  return interchanges.map((one) => {
    const isRejected = one.get('UCI-4') === '4';
    const code = isRejected ? 'R' : rejected.length > 0 ? 'P' : 'A';
    const text = isRejected
      ? `UCI 4 ${one.get('UCI-5')} ${one.get('UCI-6')}`.trim()
      : rejected.join(', ');
    return { code, text, answers: [one.get('UCI-1')] };
  });
}

/** Rejected groups and messages, each with what is said of its segments and their elements. */
function rejectedParts(document: EdiDocument): string[] {
  const rejected: string[] = [];
  const add = (text: string): void => {
    const last = rejected.pop();
    if (last !== undefined) rejected.push(`${last} ${text}`.trimEnd());
  };
  for (const segment of document.segments()) {
    const { name } = segment;
    const value = (n: number | string): string => segment.get(`${name}-${n}`);
    const [action, code] = name === 'UCM' ? [value(3), value(4)] : [value(4), value(5)];
    if (name === 'UCM' || name === 'UCF') {
      if (action === '4') rejected.push(`${name} ${value(1)}: ${code}`.trimEnd());
    } else if (name === 'UCS') add(`segment ${value(1)} ${value(2)}`);
    else if (name === 'UCD') add(`element ${elementOf(value('2.1'), value('2.2'))} ${value(1)}`);
  }
  return rejected;
}

/** As paths count it: here the tag is the first position. Some do not say which. */
function elementOf(position: string, component: string): string {
  const element = Number(position) > 1 ? String(Number(position) - 1) : '?';
  return component === '' ? element : `${element}.${component}`;
}

function worse(one: string, other: string): string {
  return rankOf(other) > rankOf(one) ? other : one;
}

function rankOf(code: string): number {
  const at = ORDER.indexOf(code);
  return at < 0 ? ORDER.length : at;
}

/** Whether an acknowledgement answers an interchange whose beginning is given. */
export function answersEdi({ answers }: ReadEdiAcknowledgement, sent: string): boolean {
  const head = ediHead(sent);
  if (head === undefined) return true;
  const numbers = new Set([head.controlNumber, ...head.groupNumbers].map(withoutZeros));
  return answers.some((one) => numbers.has(withoutZeros(one)));
}

const withoutZeros = (number: string): string => number.trim().replace(/^0+(?=.)/, '');
