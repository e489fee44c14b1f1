import type { Line } from '../../segment/line.ts';
import type { CheckedGroup, CheckedInterchange, CheckedSet } from '../check/checked.ts';
import type { EdiFinding } from '../check/finding.ts';
import type { EdiSyntax } from '../edi-syntax.ts';
import {
  type EdiVerdict,
  groupVerdict,
  interchangeVerdict,
  type OnErrors,
  setVerdict,
  together,
} from './verdict.ts';

/** Which acknowledgement is made for X12: `auto` 999 for 5010 and later, 997 before. */
export type X12Form = (typeof FORMS)[number];

const FORMS = ['auto', '997', '999', 'TA1'] as const;

export function isX12Form(text: string): text is X12Form {
  return (FORMS as readonly string[]).includes(text);
}

export interface X12Answering {
  readonly form: X12Form;
  readonly errors: OnErrors;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** A control number for an interchange. */
  readonly number: () => number;
}

/** An answer to one interchange; without a text there is nothing to answer. */
export interface MadeAnswer {
  readonly text: string;
  readonly verdict: EdiVerdict;
}

/** The first release that is acknowledged with 999. */
const FIRST_WITH_999 = '005010';
/** AK5 and IK5 have room for five codes. */
const CODES = 5;

/**
 * Acknowledges an interchange in its own delimiters: TA1 if ISA-14 requests it or the envelope is faulty,
 * and a 997 or 999 for each functional group. Groups of acknowledgements are not acknowledged. The copies of bad
 * data that AK404 and IK404 may contain are left out.
 */
export function x12Acknowledgement(
  checked: CheckedInterchange,
  syntax: EdiSyntax,
  answering: X12Answering,
): MadeAnswer {
  return new Answer(checked, syntax, answering).make();
}

class Answer {
  readonly #checked: CheckedInterchange;
  readonly #syntax: EdiSyntax;
  readonly #answering: X12Answering;
  readonly #date: string;
  readonly #time: string;

  constructor(checked: CheckedInterchange, syntax: EdiSyntax, answering: X12Answering) {
    this.#checked = checked;
    this.#syntax = syntax;
    this.#answering = answering;
    const [date = '', time = ''] = new Date(answering.at).toISOString().split('T');
    this.#date = date.replaceAll('-', '');
    this.#time = time.replaceAll(':', '').slice(0, 4);
  }

  make(): MadeAnswer {
    const { header, groups } = this.#checked;
    const envelope = interchangeVerdict(this.#checked);
    const answered = groups.filter((group) => this.#value(group.header, 1) !== 'FA');
    const isAcknowledgement = answered.length === 0 && envelope !== 'R';
    if (isAcknowledgement) return { text: '', verdict: envelope };
    const number = this.#answering.number();
    const { form, errors } = this.#answering;
    const asksTa1 = this.#value(header, 14) === '1' || envelope !== 'A' || form === 'TA1';
    const isRead = envelope !== 'R' && form !== 'TA1';
    const segments = [
      this.#isa(number),
      ...(asksTa1 ? [this.#ta1(envelope)] : []),
      ...(isRead ? answered.flatMap((group, at) => this.#group(group, number, at)) : []),
      this.#join('IEA', isRead ? answered.length : 0, padded(number)),
    ];
    const verdict =
      envelope === 'R' ? 'R' : together(answered.map((group) => groupVerdict(group, errors)));
    return {
      text: segments.map((one) => one + this.#syntax.terminator).join(''),
      verdict: verdict === 'A' ? envelope : verdict,
    };
  }

  /** Sender and receiver are swapped; everything else is as received. */
  #isa(number: number): string {
    const { header } = this.#checked;
    const raw = (n: number): string => header.slot(n, this.#syntax.field);
    return this.#join(
      'ISA',
      '00',
      ' '.repeat(10),
      '00',
      ' '.repeat(10),
      raw(7).padEnd(2),
      raw(8).padEnd(15),
      raw(5).padEnd(2),
      raw(6).padEnd(15),
      this.#date.slice(2),
      this.#time,
      raw(11) || 'U',
      raw(12),
      padded(number),
      '0',
      raw(15) || 'P',
      this.#syntax.component,
    );
  }

  #ta1(verdict: EdiVerdict): string {
    const { header, findings } = this.#checked;
    const code = findings.find((one) => one.code !== '022') ?? findings[0];
    return this.#join(
      'TA1',
      this.#value(header, 13),
      this.#value(header, 9),
      this.#value(header, 10),
      verdict,
      code?.code ?? '000',
    );
  }

  #group(group: CheckedGroup, number: number, at: number): string[] {
    const { header } = group;
    const version = this.#value(header, 8);
    const is999 = this.#is999(version);
    const convention = is999 ? '005010X231A1' : version.slice(0, 6) || '004010';
    const id = is999 ? '999' : '997';
    // the groups of an interchange have different numbers
    const own = number + at;
    const body = [
      this.#join('ST', id, '0001', is999 ? convention : ''),
      this.#join('AK1', this.#value(header, 1), group.number, is999 ? version : ''),
      ...group.sets.flatMap((set) => this.#set(set, is999)),
      this.#ak9(group),
    ];
    return [
      this.#join(
        'GS',
        'FA',
        this.#value(header, 3),
        this.#value(header, 2),
        this.#date,
        this.#time,
        own,
        'X',
        convention,
      ),
      ...body,
      this.#join('SE', body.length + 1, '0001'),
      this.#join('GE', 1, own),
    ];
  }

  #is999(version: string): boolean {
    const { form } = this.#answering;
    return form === 'auto' ? version >= FIRST_WITH_999 : form === '999';
  }

  #set(set: CheckedSet, is999: boolean): string[] {
    const verdict = setVerdict(set, this.#answering.errors);
    const codes = [...new Set(set.findings.map(({ code }) => code))].slice(0, CODES);
    return [
      this.#join('AK2', set.id, set.number, is999 ? this.#value(set.header, 3) : ''),
      ...bySegment(set.segments).flatMap((findings) => this.#segment(findings, is999)),
      this.#join(is999 ? 'IK5' : 'AK5', verdict, ...codes),
    ];
  }

  /** One segment with the errors of its elements. */
  #segment([first, ...others]: readonly EdiFinding[], is999: boolean): string[] {
    if (first === undefined) return [];
    const name = is999 ? 'IK3' : 'AK3';
    const inElements = first.level === 'element';
    const code = inElements ? '8' : is999 ? first.code : first.code.replace(/^I\d$/, '3');
    // longer ones do not fit
    const loop = is999 && first.loop.length <= 4 ? first.loop : '';
    return [
      this.#join(name, first.segment, first.position, loop, code),
      ...(inElements ? [first, ...others].map((one) => this.#element(one, is999)) : []),
    ];
  }

  #element({ element, component, repetition, code }: EdiFinding, is999: boolean): string {
    const parts = [element, component || '', is999 ? repetition || '' : ''].map(String);
    const place = parts.join(this.#syntax.component);
    return this.#join(is999 ? 'IK4' : 'AK4', trimmed(place, this.#syntax.component), '', code);
  }

  #ak9(group: CheckedGroup): string {
    const { errors } = this.#answering;
    const verdict = groupVerdict(group, errors);
    const accepted =
      group.findings.length > 0
        ? 0
        : group.sets.filter((set) => setVerdict(set, errors) !== 'R').length;
    const codes = [...new Set(group.findings.map(({ code }) => code))].slice(0, CODES);
    const count = group.sets.length;
    return this.#join('AK9', verdict, count, count, accepted, ...codes);
  }

  #value(line: Line, element: number): string {
    return line.slot(element, this.#syntax.field).trim();
  }

  #join(...elements: readonly (string | number)[]): string {
    const { field } = this.#syntax;
    const text = elements.join(field);
    // ISA-16 may be all that is at its end
    return elements[0] === 'ISA' ? text : trimmed(text, field);
  }
}

const padded = (number: number): string => String(number).padStart(9, '0');

/** Without separators at its end. */
function trimmed(text: string, separator: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === separator) end--;
  return text.slice(0, end);
}

/** Groups the findings about elements by segment; findings about a segment stay separate. */
function bySegment(findings: readonly EdiFinding[]): EdiFinding[][] {
  const groups: EdiFinding[][] = [];
  for (const finding of findings) {
    const last = groups.at(-1)?.[0];
    const isSame =
      finding.level === 'element' &&
      last?.level === 'element' &&
      last.position === finding.position;
    if (isSame) groups.at(-1)?.push(finding);
    else groups.push([finding]);
  }
  return groups;
}
