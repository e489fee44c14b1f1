import { GERMAN } from './known-words.ts';
import { type Part, type Token, tokensOf } from './peer-tokens.ts';

/** Longer texts are looked at as far as this: nobody reads on, and a peer may send megabytes. */
const LONGEST = 4_000;

/** In quotation marks stands what came with the message. */
const QUOTED = /"[^"]*"|“[^”]*”|„[^“]*“|«[^»]*»|‘[^’]*’|`[^`]*`|(?<![\p{L}\d])'[^']*'/gu;
/** But what HL7 calls its messages and places: `ADT^A01`, `PID-3.1`. */
const QUOTED_PLACE =
  /^.(?:[A-Z]{3}\^[A-Z]\d{2}(?:\^[A-Z]{3}_[A-Z]\d{2})?|[A-Z][A-Z\d]{2}(?:\[\d+\])?-\d{1,3}(?:\[\d+\])?(?:\.\d{1,3}){0,2}).$/;
/** Names beside a number: no longer than this. */
const NAMES = 4;

/**
 * Where a peer's own words may tell of a patient: numbers, dates, what is quoted, addresses, file names, names and
 * identifiers as HL7 writes them, and names, told by where they stand: beside a number, after `patient` or `for`, or two
 * words with capitals that are no words of the trade. A name in small letters, with no number beside it, is not known.
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

/** The text with each of its values written anew. */
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

/** Names by where they stand: after a word that announces one, several together, or one within a sentence. */
function names(tokens: readonly Token[], text: string): readonly Token[] {
  // where all is in capitals, or in German, where each noun has one, they tell nothing
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

/** What may be names, as they stand together. */
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

/** Names and short numbers beside what is a value for itself: `Doe, John (4711)`, `12 Mar 1970`. */
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
