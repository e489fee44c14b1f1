import { BEFORE_A_NAME, KNOWN_WORDS } from './known-words.ts';

/** A part of a text. */
export interface Part {
  readonly at: number;
  readonly end: number;
}

/** A word of a peer's text. */
export interface Token extends Part {
  readonly text: string;
  /** `value` is a value by itself; `name` may be part of a name; `digits` is a short number; a name follows `cue`. */
  readonly kind: 'value' | 'name' | 'digits' | 'cue' | 'plain';
  /** There are only spaces and commas between it and the previous one. */
  readonly follows: boolean;
}

const WORD = /[^\s"'`“”„«»‘(),;|<>{}=]+/gu;

/** The words of a text except those in quotation marks. */
export function tokensOf(text: string, quoted: readonly Part[]): readonly Token[] {
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
