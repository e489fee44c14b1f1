import { EngineError } from '../../error/engine-error.ts';
import { type Charset, isAsciiText } from '../charset.ts';
import type { Writing } from '../segment/place.ts';
import { type Delimiters, usableDelimiters } from './delimiters.ts';
import { escapeComposite, escapePlain, type InCharset, unescape } from './escape.ts';
import { hl7Charset } from './header.ts';
import type { Hl7Path } from './path.ts';

/** How a message with some delimiters is written. */
export class Hl7Writing implements Writing {
  readonly marks: Delimiters;
  readonly #document: InCharset;

  constructor(marks: Delimiters, document: InCharset) {
    this.marks = marks;
    this.#document = document;
  }

  readWhole(slot: string, path: Hl7Path): string {
    if (path.repetition > 1 || path.component > 1 || path.subcomponent > 1) return '';
    return path.slot === 0 ? this.marks.field : slot;
  }

  unescape(value: string): string {
    return unescape(value, this.marks, this.#document);
  }

  escapePlain(value: string): string {
    return escapePlain(value, this.marks);
  }

  escapeComposite(value: string, inside: 'field' | 'repetition'): string {
    return escapeComposite(value, this.marks, inside);
  }
}

/** The charset of a new MSH-18; the whole message is written in it from then on. */
export function charsetFor(name: string, text: string): Charset {
  const charset = hl7Charset(name);
  if (charset === undefined) {
    throw new EngineError(
      'MESSAGE_INVALID',
      'MSH-18: the charset is unknown. Use a name of HL7 table 0211, such as UNICODE UTF-8.',
    );
  }
  if (!isAsciiText(text) && !charset.canEncode(text)) {
    throw new EngineError(
      'MESSAGE_INVALID',
      `MSH-18: ${charset.name} lacks characters that are in the message.`,
    );
  }
  return charset;
}

/** The delimiters after MSH-1 or MSH-2 was written. */
export function delimitersFor(path: Hl7Path, value: string, before: Delimiters): Delimiters {
  const [field, encoding] = path.field === 1 ? [value, before.encoding] : [before.field, value];
  const delimiters = encoding.length < 4 ? undefined : usableDelimiters(field, encoding);
  if (delimiters !== undefined) return delimiters;
  throw new EngineError(
    'MESSAGE_INVALID',
    `${path.text}: MSH-1 must be one character and MSH-2 four others, such as | and ^~\\&, all different and no letters, digits or blanks.`,
  );
}

/** `start`: where the header was found; -1 if there is none. */
export function unreadable(start: number): EngineError {
  return new EngineError(
    'DOCUMENT_UNREADABLE',
    start < 0
      ? 'The message does not start with MSH (position 1).'
      : `The delimiters after position ${start + 4} are not usable: MSH-1 and MSH-2 must be different and no letters, digits or blanks.`,
  );
}
