import { Buffer } from 'node:buffer';
import { LATIN1, UTF8 } from '../charset.ts';
import { escapePlain } from './escape.ts';
import type { AcknowledgementCondition, Hl7Header, Hl7Problem } from './header.ts';
import { conditionText } from './table-0357.ts';
import { isBefore } from './version.ts';

/** Table 0008: AA AE AR answer for the application, CA CE CR for safe storage (enhanced mode). */
export type AcknowledgementCode = 'AA' | 'AE' | 'AR' | 'CA' | 'CE' | 'CR';

export interface Answer {
  readonly code: AcknowledgementCode;
  /** MSA-3; the first problem's text where it is left out. */
  readonly text?: string;
  readonly problems?: readonly Hl7Problem[];
  /** Milliseconds since 1970, for MSH-7; now if left out. */
  readonly at?: number;
}

let sequence = 0;
const stamp = `${process.pid.toString(36)}${Date.now().toString(36)}`.toUpperCase();

/**
 * Answers a message in its own delimiters, charset and version: MSH-3/4 and MSH-5/6 change places,
 * MSA-2 repeats MSH-10 byte for byte, problems become ERR segments in the form of the version.
 */
export function acknowledgement(header: Hl7Header, answer: Answer): Uint8Array {
  const { delimiters, slots } = header;
  const charset = header.charset ?? UTF8;
  const slot = (field: number): string => slots[field - 1] ?? '';
  const plain = (text: string): string => {
    const writable = charset.canEncode(text) ? text : text.replaceAll(/[^ -~]/g, '?');
    return LATIN1.decode(charset.encode(escapePlain(writable, delimiters)));
  };
  const problems = answer.problems ?? [];
  const join = (...fields: string[]): string => fields.join(delimiters.field);
  const components = (...parts: string[]): string => parts.join(delimiters.component);
  const event = header.event;
  const msh = [
    join('MSH', delimiters.encoding, slot(5), slot(6), slot(3), slot(4)),
    timestamp(answer.at ?? Date.now()),
    '',
    event === '' ? 'ACK' : components('ACK', event, 'ACK'),
    uniqueControlId(),
    slot(11) === '' ? 'P' : slot(11),
    slot(12) === '' ? '2.5' : slot(12),
  ];
  if (header.charset !== undefined) msh.push('', '', '', '', '', slot(18));
  const rawId = LATIN1.decode(header.controlIdBytes);
  const text = answer.text ?? problems[0]?.text ?? '';
  const msa = ['MSA', answer.code, rawId, ...(text === '' ? [] : [plain(text)])];
  const modern = header.version === '' || !isBefore(header.version, '2.5');
  const err = problems.map((problem) =>
    modern
      ? modernError(problem, delimiters.field, components, plain)
      : join('ERR', earlyError(problem, components, delimiters.subcomponent)),
  );
  const lines = [join(...msh), join(...msa), ...err];
  return Buffer.from(`${lines.join('\r')}\r`, 'latin1');
}

type Components = (...parts: string[]) => string;

/** ERR from 2.5 on: ERR-2 place, ERR-3 code, ERR-4 severity, ERR-8 text. */
function modernError(
  problem: Hl7Problem,
  separator: string,
  components: Components,
  plain: (text: string) => string,
): string {
  return [
    'ERR',
    '',
    placeOf(problem, components),
    components(problem.code, conditionText(problem.code), 'HL70357'),
    'E',
    '',
    '',
    '',
    plain(problem.text),
  ].join(separator);
}

/** ERR-1 before 2.5: segment, sequence, field, and the code as a component of its own. */
function earlyError(problem: Hl7Problem, components: Components, subcomponent: string): string {
  const code = [problem.code, conditionText(problem.code), 'HL70357'].join(subcomponent || ' ');
  return components(
    problem.segment ?? '',
    problem.segment === undefined ? '' : String(problem.segmentIndex ?? 1),
    problem.field === undefined ? '' : String(problem.field),
    code,
  );
}

function placeOf({ segment, segmentIndex, field }: Hl7Problem, components: Components): string {
  if (segment === undefined) return '';
  const place = [segment, String(segmentIndex ?? 1)];
  return components(...place, ...(field === undefined ? [] : [String(field)]));
}

/** Unique per process and run, at most 20 characters as HL7 allows. */
function uniqueControlId(): string {
  sequence += 1;
  return `${stamp}${sequence.toString(36).toUpperCase()}`.slice(-20);
}

/** `YYYYMMDDHHMMSS+ZZZZ` in local time. */
export function timestamp(at: number): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  const offset = -date.getTimezoneOffset();
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`;
  const day = `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}`;
  return `${day}${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}${zone}`;
}

/**
 * Whether an answer is wanted under MSH-15 or MSH-16 (table 0155): always, never, only for an error or
 * reject, only for success. An empty condition leaves it to the caller's mode.
 */
export function isAnswerWanted(
  condition: AcknowledgementCondition,
  result: 'success' | 'failure',
): boolean {
  switch (condition) {
    case 'AL':
      return true;
    case 'NE':
      return false;
    case 'ER':
      return result === 'failure';
    case 'SU':
      return result === 'success';
  }
}

/** The code for an answer: `accept`, `error` or `reject`, of the application or of the storage (commit). */
export function acknowledgementCode(
  answer: 'accept' | 'error' | 'reject',
  commit: boolean,
): AcknowledgementCode {
  const letter = ({ accept: 'A', error: 'E', reject: 'R' } as const)[answer];
  return `${commit ? 'C' : 'A'}${letter}`;
}
