import { masked } from './field-mask.ts';

/** In quotation marks stands what came with the message. */
const QUOTED = /"[^"]*"|“[^”]*”|„[^“]*“|«[^»]*»|‘[^’]*’|(?<![\p{L}\d])'[^']*'/gu;
const WORD = /[^\s"'(),;]+/g;
/** IPv4, or IPv6 in brackets, perhaps with a port. */
const ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[\da-f:.]+\])(?::\d{1,5})?[.:]?$/i;
/** Digits of which a patient's number has at least so many. */
const DIGITS = 4;

/**
 * A text of Waybill's own, such as that of an error, for who may not see patients: what may have come with a
 * message is masked in it. Words stay: they say what is wrong. Texts of others are masked whole instead.
 */
export function maskedText(text: string): string {
  return text
    .replaceAll(QUOTED, masked)
    .replaceAll(WORD, (word, at: number, whole: string) =>
      isOfAPatient(word, whole.slice(at + word.length, at + word.length + 10))
        ? masked(word)
        : word,
    );
}

function isOfAPatient(word: string, next: string): boolean {
  // as HL7 writes names and identifiers; a mail address
  if (/\^|.@./.test(word)) return true;
  // an address of a machine, a type of HL7, a measure
  if (ADDRESS.test(word)) return false;
  if (word.startsWith('HL7v')) return false;
  if (/^\d+$/.test(word) && /^ ?(?:ms|s|bytes?|[KMG]i?B)\b/.test(next)) return false;
  const withoutPort = word.replace(/(?<=[\p{L}\d]):\d{1,5}(?=$|[/:.])/u, '');
  return withoutPort.replaceAll(/\D/g, '').length >= DIGITS;
}
