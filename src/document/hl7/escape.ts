import { Buffer, isAscii } from 'node:buffer';
import { type Charset, decodeFaithfully } from '../charset.ts';
import { partsOf } from '../segment/part.ts';
import { type Delimiters, isHeaderName } from './delimiters.ts';

/**
 * Sequences for layout or with a private meaning, not for characters: they are part of the text,
 * read and written unchanged.
 */
const LAYOUT_BODY =
  '(?:[HN]|\\.(?:br|sp|fi|nf|in|ti|sk|ce)[+-]?\\d*|C[\\dA-F]{4}|M[\\dA-F]{4}(?:[\\dA-F]{2})?|Z[\\dA-Z]*)';
const LAYOUT = new RegExp(`^${LAYOUT_BODY}$`, 'i');
const HEXADECIMAL = /^X(?:[\dA-Fa-f]{2})+$/;

/** The document that a value is in: its charset is looked up only where an escape needs it. */
export interface InCharset {
  readonly charset: Charset;
}

/**
 * A value with its escapes resolved: the delimiters and `\X..\`, whose bytes are read in the
 * charset of the message. Layout (`\.br\`), unknown and broken sequences are not changed.
 */
export function unescape(value: string, delimiters: Delimiters, document: InCharset): string {
  const { escape } = delimiters;
  return escape === '' || !value.includes(escape) ? value : resolved(value, delimiters, document);
}

function resolved(value: string, delimiters: Delimiters, document: InCharset): string {
  const { escape } = delimiters;
  let result = '';
  let done = 0;
  let open = value.indexOf(escape);
  while (open >= 0) {
    const close = value.indexOf(escape, open + 1);
    if (close < 0) break;
    const sequence = value.slice(open + 1, close);
    const meaning = meaningOf(sequence, delimiters, document);
    if (meaning !== undefined) {
      result += value.slice(done, open) + meaning;
      done = close + 1;
      open = value.indexOf(escape, done);
    } else if (isLayout(sequence, delimiters)) {
      open = value.indexOf(escape, close + 1);
    } else {
      open = close;
    }
  }
  return result + value.slice(done);
}

function meaningOf(
  sequence: string,
  delimiters: Delimiters,
  document: InCharset,
): string | undefined {
  switch (sequence) {
    case 'F':
      return delimiters.field;
    case 'S':
      return delimiters.component;
    case 'T':
      return delimiters.subcomponent;
    case 'R':
      return delimiters.repetition;
    case 'E':
      return delimiters.escape;
    case 'P':
      return delimiters.encoding[4];
    default:
      return HEXADECIMAL.test(sequence) ? characters(sequence, document) : undefined;
  }
}

function characters(sequence: string, document: InCharset): string | undefined {
  const bytes = Buffer.from(sequence.slice(1), 'hex');
  if (isAscii(bytes)) return bytes.toString('latin1');
  const { text, invalidAt } = decodeFaithfully(bytes, document.charset);
  return invalidAt === undefined ? text : undefined;
}

/** Finds the layout sequences of a text; group 1 is the text between the escape characters. */
function layoutSequences({ escape }: Delimiters): RegExp {
  const mark = `\\x${(escape.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`;
  return new RegExp(`${mark}(${LAYOUT_BODY})${mark}`, 'gi');
}

function isLayout(sequence: string, { component, repetition, subcomponent }: Delimiters): boolean {
  if (!LAYOUT.test(sequence)) return false;
  // With such a delimiter, `\.sp+1\` would fall apart.
  return ![component, repetition, subcomponent].some(
    (delimiter) => delimiter !== '' && sequence.includes(delimiter),
  );
}

/**
 * A plain value written so that it cannot break out of its place. Layout sequences are left alone,
 * so that a text is written as it was read.
 */
export function escapePlain(value: string, delimiters: Delimiters): string {
  if (!delimiters.special.test(value)) return value;
  const { escape } = delimiters;
  let result = '';
  for (let at = 0; at < value.length; at++) {
    const character = value.charAt(at);
    if (character === escape) {
      const close = value.indexOf(escape, at + 1);
      if (close > 0 && isLayout(value.slice(at + 1, close), delimiters)) {
        result += value.slice(at, close + 1);
        at = close;
        continue;
      }
    }
    result += escapeCharacter(character, delimiters);
  }
  return result;
}

/** Keeps a value that is already HL7 inside its field, or its repetition: only what would end that is escaped. */
export function escapeComposite(
  value: string,
  delimiters: Delimiters,
  inside: 'field' | 'repetition',
): string {
  if (!delimiters.special.test(value)) return value;
  let result = '';
  for (const character of value) {
    const ends =
      character === delimiters.field ||
      character === '\r' ||
      character === '\n' ||
      (inside === 'repetition' && character === delimiters.repetition);
    result += ends ? escapeCharacter(character, delimiters) : character;
  }
  return result;
}

function escapeCharacter(character: string, delimiters: Delimiters): string {
  const letter = letterOf(character, delimiters);
  if (letter === undefined) return character;
  // Without an escape character it cannot be written; a blank does the least harm.
  return delimiters.escape === '' ? ' ' : delimiters.escape + letter + delimiters.escape;
}

function letterOf(character: string, delimiters: Delimiters): string | undefined {
  switch (character) {
    case delimiters.field:
      return 'F';
    case delimiters.component:
      return 'S';
    case delimiters.subcomponent:
      return 'T';
    case delimiters.repetition:
      return 'R';
    case delimiters.escape:
      return 'E';
    case '\r':
      return 'X0D';
    case '\n':
      return 'X0A';
    default:
      return undefined;
  }
}

/** The same segment written with other delimiters. */
export function redelimit(
  segment: string,
  from: Delimiters,
  to: Delimiters,
  document: InCharset,
): string {
  const leaf = (text: string): string => escapePlain(withEscape(text, from, to, document), to);
  const levels: readonly [before: string, after: string][] = [
    [from.repetition, to.repetition],
    [from.component, to.component],
    [from.subcomponent, to.subcomponent],
  ];
  const below = (text: string, level: number): string => {
    const separators = levels[level];
    if (separators === undefined) return leaf(text);
    return partsOf(text, separators[0])
      .map((part) => below(part, level + 1))
      .join(separators[1]);
  };
  const [name = '', ...fields] = segment.split(from.field);
  const written = isHeaderName(name)
    ? [to.encoding, ...fields.slice(1).map((field) => below(field, 0))]
    : fields.map((field) => below(field, 0));
  return [name, ...written].join(to.field);
}

/** Plain text, with its layout sequences already in the new escape character. */
function withEscape(text: string, from: Delimiters, to: Delimiters, document: InCharset): string {
  const plain = unescape(text, from, document);
  if (from.escape === to.escape || from.escape === '') return plain;
  return plain.replaceAll(
    layoutSequences(from),
    (_, sequence: string) => to.escape + sequence + to.escape,
  );
}
