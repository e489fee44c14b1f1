import { QUOTED } from '../../trace/cause.ts';
import { masked } from '../../trace/masked.ts';

const WORD = /[^\s"'(),;]+/g;
/** IPv4, or IPv6 in brackets, perhaps with a port. */
const ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[\da-f:.]+\])(?::\d{1,5})?[.:]?$/i;
/** Waybill's own numbers come after such a word, or before one. */
const NUMBERED =
  /\b(?:messages?|sessions?|jobs?|alerts?|process|sequence|row|line|column|position|port|page|attempt|byte|characters?|resent as|repeats|more than|at most)[ :#]+(?:id )?$/i;
const COUNTED = /^ ?(?:ms|s|bytes?|[KMG]i?B|messages?|characters?|rows?|records?|lines?|times)\b/;
/** The end of a certificate or of a person's setting, so not a date of birth. */
const ENDS = /\b(?:until|ends?|ended|expires?|expired)(?: on)? $/i;
const DAY = /^\d{4}-\d\d-\d\d[.:]?$/;
/** The name of a rule of the production. */
const RULE = /\(rule $/;
/** Sequences that were lost. */
const LOST = /^\d+(?: to \d+)?\) are gone/;
/** Has a time of day, so it is not a date of birth. */
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?[.:]?$/;
/** HL7's names of messages and places: `ADT^A01^ADT_A01`, `PID-3.1`. */
const TYPE = /^[A-Z]{3}\^[A-Z]\d{2}(?:\^[A-Z]{3}_[A-Z]\d{2})?$/;
const PLACE = /^[A-Z][A-Z\d]{2}(?:\[(?:\d+|\*)\])?-\d{1,3}(?:\[(?:\d+|\*)\])?(?:\.\d{1,3}){0,2}$/;
/** A patient's number has at least this many digits. */
const DIGITS = 4;

/**
 * Masks one of Waybill's own texts, such as an error, for people who may not see patient data: what
 * may have come from a message is hidden. Words stay, since they say what is wrong, and so do
 * Waybill's own ids and dates, and `own`, the names of the hosts it is about. A peer's text is
 * masked by `maskedWords` instead.
 */
export function maskedText(text: string, own: readonly string[] = []): string {
  return text
    .replaceAll(QUOTED, (quoted) => {
      const inside = quoted.slice(1, -1);
      return TYPE.test(inside) || PLACE.test(inside) ? quoted : masked(quoted);
    })
    .replaceAll(WORD, (word, at: number, whole: string) =>
      !own.includes(word.replace(/[.:]$/, '')) &&
      isOfAPatient(word, {
        before: whole.slice(Math.max(at - 20, 0), at),
        next: whole.slice(at + word.length, at + word.length + 40),
      })
        ? masked(word)
        : word,
    );
}

interface Around {
  readonly before: string;
  readonly next: string;
}

/** A type, a moment, a rule's name, the day something ends, what was lost. */
const isOurs = (word: string, { before, next }: Around): boolean =>
  TYPE.test(word) ||
  MOMENT.test(word) ||
  RULE.test(before) ||
  (DAY.test(word) && ENDS.test(before)) ||
  (/\($|\(\d+ to $/.test(before) && LOST.test(`${word}${next}`));

function isOfAPatient(word: string, { before, next }: Around): boolean {
  if (isOurs(word, { before, next })) return false;
  // names and identifiers as HL7 writes them; a mail address
  if (/\^|.@./.test(word)) return true;
  // the address of a machine, an HL7 type, a measurement
  if (ADDRESS.test(word)) return false;
  if (word.startsWith('HL7v')) return false;
  if (/^\d+[.:]?$/.test(word) && (COUNTED.test(next) || NUMBERED.test(before))) return false;
  const withoutPort = word.replace(/(?<=[\p{L}\d]):\d{1,5}(?=$|[/:.])/u, '');
  return withoutPort.replaceAll(/\D/g, '').length >= DIGITS;
}
