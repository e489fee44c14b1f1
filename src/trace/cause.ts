import type { RecordedError } from '../message/record.ts';
import { maskedWords } from './masked-words.ts';
import { withValues } from './peer-words.ts';

/** The placeholder for a value that differs from message to message. */
const ANY = '…';
const LONGEST = 300;
/** From a peer's text. */
const LONGEST_SAID = 180;
/** What is kept is temporarily replaced by characters that occur in no text (the private use area). */
const FIRST_KEPT = 0xe000;

const EMAIL = /[\w.+%-]+@[\w-]+(?:\.[\w-]+)+/g;
const UUID = /\b[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}\b/gi;
/** With a port, a zone or a prefix. */
const ADDRESS = /\b\d{1,3}(?:\.\d{1,3}){3}(?:[:/]\d{1,5})?\b|\[[\da-f:]+\](?::\d{1,5})?/gi;
/** Names and identifiers as HL7 writes them: `Doe^John`, `4711&HOSP`. */
const COMPOSITE = /[^\s"'(),;]*\^[^\s"'(),;]*/g;
/** Text in quotation marks came with the message. */
export const QUOTED = /"[^"]*"|“[^”]*”|„[^“]*“|«[^»]*»|‘[^’]*’|(?<![\p{L}\d])'[^']*'/gu;
/** `PID-3.1` and `ORA-00942:` distinguish causes; `ADT-4711` does not. */
const KEPT =
  /\b(?:[A-Z][A-Z\d]{2}-\d{1,2}(?:\.\d{1,2}){0,2}(?![\w-])|[A-Z]{2,6}-?\d{2,6}(?=:)|HL7v\d\S*)/g;
/** An HTTP, SMTP or FTP status: three separate digits without a unit after or a position before them. */
const STATUS =
  /(?<!\b(?:line|column|position|byte|bytes|offset|row|record|character|number|no\.|#) ?)(?<![\w.:-])[1-5]\d\d(?! ?(?:ms|s|sec|seconds?|min|minutes?|hours?|bytes?|[KMG]i?B|messages?|characters?|times|%)\b)(?![\w.:-]*\d)/gi;
const WORD_WITH_DIGITS = /[\p{L}\d_]*\d[\p{L}\d_]*(?:[.:/-]\d+)*/gu;

/**
 * The common part of failures with one cause: the text without what differs from message to
 * message, which is ids, names, addresses, times and lengths. What distinguishes causes stays: an
 * answer's code, an HL7 field.
 */
export function causeOf(text: string): string {
  const kept: string[] = [];
  const keep = (found: string): string => {
    kept.push(found);
    return String.fromCodePoint(FIRST_KEPT + kept.length - 1);
  };
  const cut = text
    .slice(0, 2_000)
    .replaceAll(/[\uE000-\uF8FF]/g, '')
    .replaceAll(EMAIL, ANY)
    .replaceAll(UUID, ANY)
    .replaceAll(ADDRESS, ANY)
    .replaceAll(COMPOSITE, ANY)
    .replaceAll(QUOTED, `“${ANY}”`)
    .replaceAll(KEPT, keep)
    .replaceAll(STATUS, keep)
    .replaceAll(WORD_WITH_DIGITS, ANY)
    .replaceAll(/[\uE000-\uF8FF]/g, (one) => kept[(one.codePointAt(0) ?? 0) - FIRST_KEPT] ?? '');
  return cut
    .replaceAll(/…(?:[\s,;:./-]*…)+/g, ANY)
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, LONGEST);
}

/**
 * The common part of failures with one cause, including the receiver's text, so that two causes
 * with the same code are distinct. It contains nothing that a mask would hide.
 */
export function causeOfFailure({ text, said = '' }: Pick<RecordedError, 'text' | 'said'>): string {
  const words = causeOf(withValues(maskedWords(said), () => ANY)).slice(0, LONGEST_SAID);
  return words === '' ? causeOf(text) : `${causeOf(text)}: ${words}`;
}
