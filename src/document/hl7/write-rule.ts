import { EngineError } from '../../error/engine-error.ts';
import { type Charset, isAsciiText } from '../charset.ts';
import { hl7Charset } from './charset.ts';
import { type Delimiters, usableDelimiters } from './delimiters.ts';
import type { Hl7Path } from './path.ts';

/** That a value can stand at the path: a field, in characters that the message's charset has. */
export function checkWritable(path: Hl7Path, value: string, charset: Charset): void {
  if (path.field === 0) {
    throw new EngineError(
      'PATH_INVALID',
      `${path.text} is a whole segment and cannot be written as a value. Name a field, such as ${path.text}-1.`,
    );
  }
  if (!charset.canEncode(value)) {
    throw new EngineError(
      'MESSAGE_INVALID',
      `${path.text}: the value has characters that ${charset.name} cannot write. Set MSH-18 to "UNICODE UTF-8" before it.`,
    );
  }
}

/** The charset of a new MSH-18, in which the whole message is written from then on. */
export function charsetFor(name: string, text: string): Charset {
  const charset = hl7Charset(name);
  if (charset === undefined) {
    throw new EngineError(
      'MESSAGE_INVALID',
      'MSH-18: the charset is not known. Use a name of HL7 table 0211, such as UNICODE UTF-8.',
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
    `${path.text}: MSH-1 is one character and MSH-2 four others, such as | and ^~\\&, all different and neither letters, digits nor blanks.`,
  );
}

/** Segments are made one after the other. */
export function noSuchSegment({ text, segment }: Hl7Path, count: number): EngineError {
  return new EngineError(
    'PATH_INVALID',
    `${text} cannot be written: the message has ${count} ${segment}. Write ${segment}[${count + 1}] first.`,
  );
}

/** `start`: where the header was found; -1 if there is none. */
export function unreadable(start: number): EngineError {
  return new EngineError(
    'DOCUMENT_UNREADABLE',
    start < 0
      ? 'The message does not start with MSH (position 1).'
      : `The delimiters after position ${start + 4} are not usable: MSH-1 and MSH-2 must be different and neither letters, digits nor blanks.`,
  );
}
