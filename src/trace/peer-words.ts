import { BEFORE_A_NAME, GERMAN, KNOWN_WORDS } from './known-words.ts';

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

/** A part of a text. */
interface Part {
  readonly at: number;
  readonly end: number;
}

/** A word of a peer's text. */
interface Token extends Part {
  readonly text: string;
  /** `value` is a value by itself; `name` may be part of a name; `digits` is a short number; a name follows `cue`. */
  readonly kind: 'value' | 'name' | 'digits' | 'cue' | 'plain';
  /** There are only spaces and commas between it and the previous one. */
  readonly follows: boolean;
}

const WORD = /[^\s"'`“”„«»‘(),;|<>{}=]+/gu;

/** The words of a text except those in quotation marks. */
function tokensOf(text: string, quoted: readonly Part[]): readonly Token[] {
  const tokens: Token[] = [];
  let inQuotes = 0;
  let before = 0;
  for (const { 0: found, index } of text.matchAll(WORD)) {
    while ((quoted[inQuotes]?.end ?? Number.POSITIVE_INFINITY) <= index) inQuotes++;
    const word = found.replace(/[.:!?]+$/, '');
    if ((quoted[inQuotes]?.at ?? Number.POSITIVE_INFINITY) <= index || word === '') continue;
    const end = index + word.length;
    const follows = /^[\s,(]*$/.test(text.slice(before, index));
    const around = {
      found,
      before: text.slice(Math.max(0, index - 10), index),
      after: text.slice(end, end + 14).trimStart(),
    };
    tokens.push({ ...spanOf(word, around, index), text: word, follows });
    before = end;
  }
  return tokens;
}

interface Around {
  /** Including a full stop or colon after it. */
  readonly found: string;
  readonly before: string;
  readonly after: string;
}

const HOST = /^https?:\/\/[^/]+\/?/i;

/** For an address the machine may be shown, for a file its type. */
function spanOf(word: string, around: Around, at: number): Omit<Token, 'text' | 'follows'> {
  const end = at + word.length;
  const host = HOST.exec(word)?.[0].length;
  if (host !== undefined)
    return { at: at + host, end, kind: host < word.length ? 'value' : 'plain' };
  const kind = kindOf(word, around);
  const ending = kind === 'value' ? (FILE.exec(word)?.[0].length ?? 0) : 0;
  return { at, end: end - ending, kind };
}

const FILE =
  /\.(?:hl7|txt|xml|json|pdf|csv|dat|edi|zip|eml|tmp|part|rtf|tiff?|jpe?g|png|dcm|bak|docx?)$/i;

function kindOf(word: string, around: Around): Token['kind'] {
  if (isOfNobody(word, around)) return 'plain';
  if (isAddress(word)) return 'value';
  const digits = digitsIn(word);
  if (digits >= DIGITS) return isMeasure(word, around) ? 'plain' : 'value';
  if (digits > 0) return /^[\d./-]+$/.test(word) ? 'digits' : 'plain';
  if (BEFORE_A_NAME.has(word.toLowerCase())) return 'cue';
  return CAPITAL.test(word) && !isKnown(word) ? 'name' : 'plain';
}

/** HL7's names of messages and places, a time of day (so not a date of birth), a machine, a type, a product's code. */
const OF_NOBODY = [
  /^[A-Z]{3}\^[A-Z]\d{2}(?:\^[A-Z]{3}_[A-Z]\d{2})?$/,
  /^HL7v\d\S*$/,
  /^[A-Z][A-Z\d]{2}(?:\[(?:\d+|\*)\])?-\d{1,3}(?:\[(?:\d+|\*)\])?(?:\.\d{1,3}){0,2}$/,
  /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?$/,
  /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[\da-f:.]+\])(?::\d{1,5})?$/i,
  /^(?:application|text|image|audio|video|multipart|message)\/[\w.+-]+$/i,
] as const;
const ERROR_CODE = /^(?:[A-Z]{2,6}-?\d{2,6}:|0x[\dA-F]{1,8}[.:]?)$/;
/** A database's error code follows. */
const BEFORE_A_CODE = /\bSQLSTATE[ :[]{1,2}$/i;

const isOfNobody = (word: string, { found, before }: Around): boolean =>
  OF_NOBODY.some((pattern) => pattern.test(word)) ||
  ERROR_CODE.test(found) ||
  (BEFORE_A_CODE.test(before) && /^[\dA-Z]{5}$/.test(word) && /\d/.test(word));

/** Names and identifiers as HL7 writes them, mail addresses, paths and files. */
const isAddress = (word: string): boolean =>
  /\^|.@.|^[/\\.]{0,2}[/\\][^/\\]|^[A-Za-z]:\\|[/\\].*[/\\]/.test(word) || FILE.test(word);

/** A patient's number has at least this many digits. */
const DIGITS = 4;
const PORT = /(?<=[\p{L}\d]):\d{1,5}$/u;
const digitsIn = (word: string): number => word.replace(PORT, '').replaceAll(/\P{N}/gu, '').length;

const MEASURE =
  /^(?:ms|s|sec|seconds?|min|minutes?|hours?|bytes?|octets?|[KMG]i?B|characters?|times|%)\b/i;
const isMeasure = (word: string, { after }: Around): boolean =>
  /^\d{1,8}$/.test(word) && MEASURE.test(after);

const CAPITAL = /^\p{Lu}[\p{L}\p{M}'’.-]*$/u;
/** `NullPointerException`, `OperationOutcome`; not `McDonald`. */
const CAMEL = /^(?!Mc|Mac|O'|D'|De|Le|La|Van)\p{Lu}\p{Ll}+\p{Lu}/u;

function isKnown(word: string): boolean {
  if (word.length < 2 || CAMEL.test(word) || /\p{L}\.\p{L}/u.test(word)) return true;
  return word
    .toLowerCase()
    .split(/['’.-]/)
    .every((part) => part === '' || KNOWN_WORDS.has(part));
}
