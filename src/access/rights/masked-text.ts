import { masked } from './mask/masked.ts';

/** Text in quotation marks came with the message. */
const QUOTED = /"[^"]*"|“[^”]*”|„[^“]*“|«[^»]*»|‘[^’]*’|(?<![\p{L}\d])'[^']*'/gu;
const WORD = /[^\s"'(),;]+/g;
/** IPv4, or IPv6 in brackets, perhaps with a port. */
const ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[\da-f:.]+\])(?::\d{1,5})?[.:]?$/i;
/** Waybill's own numbers follow such a word, or precede one. */
const NUMBERED =
  /\b(?:messages?|sessions?|jobs?|alerts?|process|sequence|row|line|position|port|page|attempt|byte|characters?)[ :#]+(?:id )?$/i;
const COUNTED = /^ ?(?:ms|s|bytes?|[KMG]i?B|messages?|characters?|rows?|records?|lines?|times)\b/;
/** Has a time of day, so it is not a date of birth. */
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?[.:]?$/;
/** What HL7 calls its messages and places: `ADT^A01^ADT_A01`, `PID-3.1`. */
const TYPE = /^[A-Z]{3}\^[A-Z]\d{2}(?:\^[A-Z]{3}_[A-Z]\d{2})?$/;
const PLACE = /^[A-Z][A-Z\d]{2}(?:\[(?:\d+|\*)\])?-\d{1,3}(?:\[(?:\d+|\*)\])?(?:\.\d{1,3}){0,2}$/;
/** A patient's number has at least this many digits. */
const DIGITS = 4;

/**
 * One of Waybill's own texts, such as an error's, for people who may not see patients: what may have come
 * with a message is masked. Words stay, since they say what is wrong. Texts from elsewhere are masked
 * completely instead.
 */
export function maskedText(text: string): string {
  return text
    .replaceAll(QUOTED, (quoted) => {
      const inside = quoted.slice(1, -1);
      return TYPE.test(inside) || PLACE.test(inside) ? quoted : masked(quoted);
    })
    .replaceAll(WORD, (word, at: number, whole: string) =>
      isOfAPatient(word, {
        before: whole.slice(Math.max(at - 20, 0), at),
        next: whole.slice(at + word.length, at + word.length + 12),
      })
        ? masked(word)
        : word,
    );
}

function isOfAPatient(
  word: string,
  { before, next }: { readonly before: string; readonly next: string },
): boolean {
  if (TYPE.test(word) || MOMENT.test(word)) return false;
  // names and identifiers as HL7 writes them; a mail address
  if (/\^|.@./.test(word)) return true;
  // the address of a machine, an HL7 type, a measurement
  if (ADDRESS.test(word)) return false;
  if (word.startsWith('HL7v')) return false;
  if (/^\d+[.:]?$/.test(word) && (COUNTED.test(next) || NUMBERED.test(before))) return false;
  const withoutPort = word.replace(/(?<=[\p{L}\d]):\d{1,5}(?=$|[/:.])/u, '');
  return withoutPort.replaceAll(/\D/g, '').length >= DIGITS;
}
