import type { Line } from '../../segment/line.ts';
import type { CheckedGroup, CheckedInterchange, CheckedSet } from '../check/checked.ts';
import type { EdiFinding } from '../check/finding.ts';
import type { EdiSyntax } from '../edi-syntax.ts';
import { interchangeVerdict, setVerdict, together } from './verdict.ts';
import type { MadeAnswer } from './x12-acknowledgement.ts';

export interface ContrlAnswering {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly number: () => number;
  /** UNA as received; `''` if there was none. */
  readonly advice: string;
}

const REJECTED = '4';
const ACKNOWLEDGED = '7';
const MISSING = '13';

/**
 * Acknowledges an EDIFACT interchange with CONTRL: UCI for the whole, UCM or UCF for each rejected part (ISO 9735).
 * Interchanges of CONTRL messages are not acknowledged.
 */
export function contrl(
  checked: CheckedInterchange,
  syntax: EdiSyntax,
  { at, number, advice }: ContrlAnswering,
): MadeAnswer {
  const { header, groups, sets } = checked;
  const all = [...sets, ...groups.flatMap((group) => group.sets)];
  const envelope = interchangeVerdict(checked);
  const isAcknowledgement = all.length > 0 && all.every(({ id }) => id === 'CONTRL');
  if (isAcknowledgement) return { text: '', verdict: envelope };
  const write = new Writer(syntax);
  const raw = (n: number): string => header.slot(n, syntax.field);
  const reference = String(number());
  const isRejected = envelope === 'R';
  const [first] = checked.findings;
  const body = [
    write.segment('UNH', '1', write.composite(...messageType(raw(1), syntax))),
    write.segment(
      'UCI',
      raw(5),
      raw(2),
      raw(3),
      isRejected ? REJECTED : ACKNOWLEDGED,
      ...(isRejected && first !== undefined ? errorOf(first) : []),
    ),
    ...(isRejected
      ? []
      : [
          ...sets.flatMap((set) => write.message(set)),
          ...groups.flatMap((group) => write.group(group)),
        ]),
  ];
  const segments = [
    write.segment('UNB', raw(1), raw(3), raw(2), timeOf(at, raw(1), syntax), reference),
    ...body,
    write.segment('UNT', String(body.length + 1), '1'),
    write.segment('UNZ', '1', reference),
  ];
  const verdict = isRejected ? 'R' : together(all.map((set) => (isSound(set) ? 'A' : 'R')));
  return { text: advice + segments.map((one) => one + syntax.terminator).join(''), verdict };
}

class Writer {
  readonly #syntax: EdiSyntax;

  constructor(syntax: EdiSyntax) {
    this.#syntax = syntax;
  }

  segment(...elements: readonly string[]): string {
    const last = elements.findLastIndex((one) => one !== '');
    return elements.slice(0, last + 1).join(this.#syntax.field);
  }

  composite(...parts: readonly string[]): string {
    return parts.join(this.#syntax.component);
  }

  /** A rejected message; the others need not be mentioned. */
  message(set: CheckedSet): string[] {
    if (isSound(set)) return [];
    const [finding] = set.findings;
    const error = finding === undefined ? [] : errorOf(finding);
    return [
      this.segment('UCM', this.#raw(set.header, 1), this.#raw(set.header, 2), REJECTED, ...error),
      ...bySegment(set.segments).flatMap((findings) => this.#segments(findings)),
    ];
  }

  /** What is wrong with a segment as a whole, or with its elements. */
  #segments(findings: readonly EdiFinding[]): string[] {
    const whole = findings.filter(({ level }) => level !== 'element');
    const inside = findings.filter(({ level }) => level === 'element');
    const [first] = inside;
    return [
      ...whole.map((one) => this.segment('UCS', String(countOf(one)), one.code)),
      ...(first === undefined ? [] : [this.segment('UCS', String(first.position))]),
      ...inside.slice(0, MOST_ELEMENTS).map((one) => this.#element(one)),
    ];
  }

  /** S011 counts the tag of the segment as its first position. */
  #element({ code, element, component }: EdiFinding): string {
    const parts = [String(element + 1), ...(component > 0 ? [String(component)] : [])];
    return this.segment('UCD', code, this.composite(...parts));
  }

  group(group: CheckedGroup): string[] {
    const isRejected = group.findings.length > 0;
    const messages = group.sets.flatMap((set) => this.message(set));
    if (!isRejected && messages.length === 0) return [];
    const [finding] = group.findings;
    const error = finding === undefined ? [] : errorOf(finding);
    const raw = (n: number): string => this.#raw(group.header, n);
    const action = isRejected ? REJECTED : ACKNOWLEDGED;
    const head = this.segment('UCF', raw(5), raw(2), raw(3), action, ...error);
    return isRejected ? [head] : [head, ...messages];
  }

  #raw(line: Line, element: number): string {
    return line.slot(element, this.#syntax.field);
  }
}

/** As many as a CONTRL has room for. */
const MOST_SEGMENTS = 999;
const MOST_ELEMENTS = 99;

function bySegment(findings: readonly EdiFinding[]): EdiFinding[][] {
  const groups = Map.groupBy(findings, ({ position }) => position);
  return [...groups.values()].slice(0, MOST_SEGMENTS);
}

/** What is missing is told at the segment before it. */
const countOf = ({ code, position }: EdiFinding): number =>
  code === MISSING ? position - 1 : position;

function isSound(set: CheckedSet): boolean {
  return setVerdict(set, 'reject') === 'A';
}

/** The code, and which segment it is about. */
function errorOf({ code, segment }: EdiFinding): string[] {
  return [code, segment];
}

function messageType(identifier: string, { component }: EdiSyntax): string[] {
  const version = identifier.split(component)[1] ?? '';
  return version === '4' ? ['CONTRL', '4', '1', 'UN'] : ['CONTRL', 'D', '3', 'UN'];
}

/** UNB-4: from version 4 on the year has four digits. */
function timeOf(at: number, identifier: string, { component }: EdiSyntax): string {
  const [date = '', time = ''] = new Date(at).toISOString().split('T');
  const digits = date.replaceAll('-', '');
  const isLong = (identifier.split(component)[1] ?? '') >= '4';
  return (isLong ? digits : digits.slice(2)) + component + time.replaceAll(':', '').slice(0, 4);
}
