import { GERMAN } from './known-words.ts';
import { type Part, type Token, tokensOf } from './peer-tokens.ts';

/** Only this much of a longer text is examined: nobody reads more, and a peer may send megabytes. */
const LONGEST = 4_000;

/** Text in quotation marks came with the message. */
const QUOTED = /"[^"]*"|“[^”]*”|„[^“]*“|«[^»]*»|‘[^’]*’|`[^`]*`|(?<![\p{L}\d])'[^']*'/gu;
/** Except HL7's names of messages and places: `ADT^A01`, `PID-3.1`. */
const QUOTED_PLACE =
  /^.(?:[A-Z]{3}\^[A-Z]\d{2}(?:\^[A-Z]{3}_[A-Z]\d{2})?|[A-Z][A-Z\d]{2}(?:\[\d+\])?-\d{1,3}(?:\[\d+\])?(?:\.\d{1,3}){0,2}).$/;
/** The longest names next to a number. */
const NAMES = 4;

/**
 * The parts of a peer's text that may be about a patient: numbers, dates, quotations, addresses,
 * file names, names and identifiers as HL7 writes them, and names, recognized by their position:
 * next to a number, after `patient` or `for`, or two capitalized words that are not technical
 * terms. A name in lower case, without a number next to it, is not recognized.
 */
function valuesInWords(text: string): readonly Part[] {
  const looked = text.slice(0, LONGEST);
  const quoted = [...looked.matchAll(QUOTED)]
    .filter(([found]) => !QUOTED_PLACE.test(found))
    .map(({ 0: { length }, index }) => ({ at: index, end: index + length }));
  const tokens = tokensOf(looked, quoted);
  const own = tokens.filter(({ kind }) => kind === 'value');
  const found = [...quoted, ...own, ...names(tokens, looked), ...besideValues(tokens)];
  const rest = text.length > LONGEST ? [{ at: LONGEST, end: text.length }] : [];
  return [...withoutOverlap(found), ...rest];
}

/** The text with each of its values rewritten. */
export function withValues(text: string, write: (value: string) => string): string {
  let end = 0;
  let out = '';
  for (const part of valuesInWords(text)) {
    out += text.slice(end, part.at) + write(text.slice(part.at, part.end));
    end = part.end;
  }
  return out + text.slice(end);
}

function withoutOverlap(parts: readonly Part[]): readonly Part[] {
  const out: Part[] = [];
  for (const part of parts.toSorted((a, b) => a.at - b.at)) {
    const last = out.at(-1);
    if (last === undefined || part.at >= last.end) out.push(part);
  }
  return out;
}

/** Names by their position: after a word that announces one, several together, or one within a sentence. */
function names(tokens: readonly Token[], text: string): readonly Token[] {
  // capitals mean nothing if everything is in capitals, or in German, where every noun has one
  const inCapitals = !/\p{Ll}{2}/u.test(text);
  const german = GERMAN.test(text);
  return runsOf(tokens).flatMap(({ before, run }) => {
    const [first, second] = run;
    const isAnnounced = before?.kind === 'cue';
    const isWithin =
      !german && /\p{Ll}$/u.test(before?.text ?? '') && /\p{Ll}/u.test(first?.text ?? '');
    return isAnnounced || (second === undefined ? isWithin : !inCapitals) ? run : [];
  });
}

interface Run {
  readonly before: Token | undefined;
  readonly run: readonly Token[];
}

/** Possible names, in adjacent groups. */
function runsOf(tokens: readonly Token[]): readonly Run[] {
  const runs: { before: Token | undefined; run: Token[] }[] = [];
  tokens.forEach((token, index) => {
    const before = tokens[index - 1];
    if (token.kind !== 'name') return;
    if (before?.kind === 'name' && token.follows) runs.at(-1)?.run.push(token);
    else runs.push({ before, run: [token] });
  });
  return runs;
}

/** Names and short numbers next to a value: `Doe, John (4711)`, `12 Mar 1970`. */
function besideValues(tokens: readonly Token[]): readonly Token[] {
  return tokens.flatMap(({ kind }, index) =>
    kind === 'value' ? [...beside(tokens, index, -1), ...beside(tokens, index, 1)] : [],
  );
}

function beside(tokens: readonly Token[], from: number, step: 1 | -1): readonly Token[] {
  const found: Token[] = [];
  for (let at = from + step; found.length < NAMES; at += step) {
    const token = tokens[at];
    const touches = step < 0 ? tokens[at + 1]?.follows : token?.follows;
    if (token === undefined || touches !== true || !isCompanion(token)) break;
    found.push(token);
  }
  return found;
}

const MONTH =
  /^(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mär|mai|okt|dez)\p{L}{0,6}\.?$/iu;

const isCompanion = ({ kind, text }: Token): boolean =>
  kind === 'name' || kind === 'digits' || (/^\p{Lu}/u.test(text) && MONTH.test(text));
