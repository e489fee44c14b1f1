import { Buffer } from 'node:buffer';
import { LATIN1, UTF8 } from '../charset.ts';
import { escapePlain } from './escape.ts';
import {
  type AcknowledgementCondition,
  type Hl7Header,
  type Hl7Problem,
  isBefore,
} from './header.ts';

/** Table 0008: AA AE AR answer for the application, CA CE CR for safe storage (enhanced mode). */
export type AcknowledgementCode = 'AA' | 'AE' | 'AR' | 'CA' | 'CE' | 'CR';

export interface Answer {
  readonly code: AcknowledgementCode;
  /** MSA-3. Default: the text of the first problem. */
  readonly text?: string;
  /** Problems from a listener's check or findings of `validate`: one ERR segment each. */
  readonly problems?: readonly AnsweredProblem[];
  /** Milliseconds since 1970, for MSH-7. Default: now. */
  readonly at?: number;
}

export type AnsweredProblem = Pick<
  Hl7Problem,
  'code' | 'text' | 'segment' | 'segmentIndex' | 'field'
>;

let sequence = 0;
const stamp = `${process.pid.toString(36)}${Date.now().toString(36)}`.toUpperCase();

/**
 * Answers a message in its own delimiters, charset and version: MSH-3/4 and MSH-5/6 are swapped,
 * MSA-2 repeats MSH-10 byte for byte, problems become ERR segments in the form of that version.
 */
export function acknowledgement(header: Hl7Header, answer: Answer): Uint8Array {
  const problems = answer.problems ?? [];
  const text = answer.text ?? problems[0]?.text ?? '';
  const { field } = header.delimiters;
  const head = answerHeader(header, answer.at ?? Date.now());
  const accepted = `${head}\rMSA${field}${answer.code}${field}${header.controlIdSlot}`;
  // nearly every answer: nothing is to be explained
  if (text === '' && problems.length === 0) return Buffer.from(`${accepted}\r`, 'latin1');
  const write = writer(header);
  const error = header.version !== '' && isBefore(header.version, '2.5') ? earlyError : modernError;
  const lines = [
    text === '' ? accepted : accepted + field + write.plain(text),
    ...problems.map((problem) => error(problem, write).join(field)),
  ];
  return Buffer.from(`${lines.join('\r')}\r`, 'latin1');
}

/** Writes parts of fields as bytes decoded as ISO-8859-1, like `Hl7Header.slots`. */
interface Writer {
  readonly plain: (text: string) => string;
  readonly components: (...parts: string[]) => string;
  readonly subcomponents: (...parts: string[]) => string;
}

function writer({ delimiters, charset = UTF8 }: Hl7Header): Writer {
  return {
    plain: (text) => {
      const writable = charset.canEncode(text) ? text : text.replaceAll(/[^ -~]/g, '?');
      return LATIN1.decode(charset.encode(escapePlain(writable, delimiters)));
    },
    components: (...parts) => parts.join(delimiters.component),
    subcomponents: (...parts) => parts.join(delimiters.subcomponent || ' '),
  };
}

function answerHeader({ delimiters, slots, event, charset }: Hl7Header, at: number): string {
  const { field, component, encoding } = delimiters;
  const slot = (n: number): string => slots[n - 1] ?? '';
  const peers = `${slot(5)}${field}${slot(6)}${field}${slot(3)}${field}${slot(4)}`;
  const kind = event === '' ? 'ACK' : `ACK${component}${event}${component}ACK`;
  const wanted = `${slot(11) || 'P'}${field}${slot(12) || '2.5'}`;
  const head = `MSH${field}${encoding}${field}${peers}${field}${timestamp(at)}${field}${field}${kind}${field}${uniqueControlId()}${field}${wanted}`;
  return charset === undefined ? head : head + field.repeat(6) + slot(18);
}

/** ERR from 2.5 on: ERR-2 place, ERR-3 code, ERR-4 severity, ERR-8 text. */
function modernError(problem: AnsweredProblem, write: Writer): string[] {
  const { segment, segmentIndex, field } = problem;
  const place =
    segment === undefined || segment === ''
      ? ''
      : write.components(
          ...[segment, segmentIndex ?? 1, field].filter((part) => part !== undefined).map(String),
        );
  const code = write.components(problem.code, conditionText(problem.code), 'HL70357');
  return ['ERR', '', place, code, 'E', '', '', '', write.plain(problem.text)];
}

/** ERR-1 before 2.5: segment, sequence, field, and the code in subcomponents. */
function earlyError(problem: AnsweredProblem, write: Writer): string[] {
  const { segment = '', segmentIndex = 1, field = '' } = problem;
  const code = write.subcomponents(problem.code, conditionText(problem.code), 'HL70357');
  const which = segment === '' ? '' : String(segmentIndex);
  return ['ERR', write.components(segment, which, String(field), code)];
}

/** Unique per process and run, at most 20 characters as HL7 allows. */
function uniqueControlId(): string {
  sequence += 1;
  return `${stamp}${sequence.toString(36).toUpperCase()}`.slice(-20);
}

const two = (value: number): string => String(value).padStart(2, '0');

/** The timestamp made last: a busy listener makes many in a second. */
let made = { second: Number.NaN, text: '' };

/** `YYYYMMDDHHMMSS+ZZZZ` in local time. */
function timestamp(at: number): string {
  const second = Math.floor(at / 1_000);
  if (made.second !== second) made = { second, text: localTime(at) };
  return made.text;
}

function localTime(at: number): string {
  const date = new Date(at);
  const offset = -date.getTimezoneOffset();
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`;
  const day = `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}`;
  return `${day}${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}${zone}`;
}

/**
 * Whether an answer is wanted under MSH-15 or MSH-16 (table 0155): always, never, only for an error
 * or reject, only for success. For an empty condition the caller's mode decides.
 */
export function isAnswerWanted(
  condition: AcknowledgementCondition,
  result: 'success' | 'failure',
): boolean {
  if (condition === 'AL' || condition === 'NE') return condition === 'AL';
  return condition === (result === 'failure' ? 'ER' : 'SU');
}

/** The code for an answer: `accept`, `error` or `reject`, of the application or of the storage (commit). */
export function acknowledgementCode(
  answer: 'accept' | 'error' | 'reject',
  commit: boolean,
): AcknowledgementCode {
  const letter = ({ accept: 'A', error: 'E', reject: 'R' } as const)[answer];
  return `${commit ? 'C' : 'A'}${letter}`;
}

/** Message error condition codes, the words of HL7 table 0357. */
const CONDITIONS: Readonly<Record<string, string>> = {
  '0': 'Message accepted',
  '100': 'Segment sequence error',
  '101': 'Required field missing',
  '102': 'Data type error',
  '103': 'Table value not found',
  '104': 'Value too long',
  '198': 'Non-conformant cardinality',
  '199': 'Other HL7 error',
  '200': 'Unsupported message type',
  '201': 'Unsupported event code',
  '202': 'Unsupported processing id',
  '203': 'Unsupported version id',
  '204': 'Unknown key identifier',
  '205': 'Duplicate key identifier',
  '206': 'Application record locked',
  '207': 'Application internal error',
};

/** The meaning of a code of table 0357; `''` for other codes. */
function conditionText(code: string): string {
  return CONDITIONS[code] ?? '';
}
