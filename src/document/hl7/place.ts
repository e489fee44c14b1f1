import { EngineError } from '../../error/engine-error.ts';
import { type Charset, isAsciiText } from '../charset.ts';
import { type Delimiters, partOf, partsOf, usableDelimiters, withPart } from './delimiters.ts';
import { escapeComposite, escapePlain, unescape } from './escape.ts';
import { hl7Charset } from './header.ts';
import type { Line } from './line.ts';
import { ALL, type Hl7Path } from './path.ts';

/** How the message that a segment belongs to is written. */
export interface Writing {
  readonly delimiters: Delimiters;
  readonly charset: () => Charset;
}

/** The first value of the path in this segment, as `Document.get` gives it. */
export function readPlace(line: Line, path: Hl7Path, writing: Writing): string {
  if (path.field === 0) return line.text;
  const field = line.slot(path.slot, writing.delimiters.field);
  if (line.isHeader && path.slot < 2) return headerValue(field, path, writing.delimiters);
  const repetition = partOf(field, writing.delimiters.repetition, Math.max(path.repetition, 1));
  return valueIn(repetition, path, writing);
}

/** Every value of the path in this segment; places where nothing stands are left out. */
export function readAllPlaces(line: Line, path: Hl7Path, writing: Writing): string[] {
  const { field: separator, repetition } = writing.delimiters;
  const several = path.field > 0 && path.repetition <= 0 && !(line.isHeader && path.slot < 2);
  const field = several ? line.slot(path.slot, separator) : '';
  if (!several || !field.includes(repetition)) {
    const value = readPlace(line, path, writing);
    return value === '' ? [] : [value];
  }
  return partsOf(field, repetition)
    .map((part) => valueIn(part, path, writing))
    .filter((value) => value !== '');
}

/** The characters at the path as they stand in the message; of a field without a repetition number, all its repetitions. */
export function readRaw(line: Line, path: Hl7Path, { delimiters }: Writing): string {
  if (path.field === 0) return line.text;
  const field = line.slot(path.slot, delimiters.field);
  if (line.isHeader && path.slot < 2) return headerValue(field, path, delimiters);
  if (path.repetition <= 0 && path.component === 0) return field;
  return within(
    partOf(field, delimiters.repetition, Math.max(path.repetition, 1)),
    path,
    delimiters,
  );
}

function headerValue(slot: string, path: Hl7Path, delimiters: Delimiters): string {
  if (path.repetition > 1 || path.component > 1 || path.subcomponent > 1) return '';
  return path.slot === 0 ? delimiters.field : slot;
}

/**
 * A place that has parts below it is given as HL7 writes it, with its escapes; any other is plain text.
 * So a copied field keeps its structure and a compared one reads naturally.
 */
function valueIn(repetition: string, path: Hl7Path, { delimiters, charset }: Writing): string {
  const value = within(repetition, path, delimiters);
  const below =
    path.component === 0
      ? delimiters.component
      : path.subcomponent === 0
        ? delimiters.subcomponent
        : '';
  return below !== '' && value.includes(below) ? value : unescape(value, delimiters, charset);
}

function within(repetition: string, path: Hl7Path, delimiters: Delimiters): string {
  if (path.component === 0) return repetition;
  const component = partOf(repetition, delimiters.component, path.component);
  return path.subcomponent === 0
    ? component
    : partOf(component, delimiters.subcomponent, path.subcomponent);
}

/**
 * Writes a value at the path. In a component or subcomponent it is plain text and wholly escaped; as a
 * whole field a value with component separators is taken as HL7 writes it (`ADT^A01^ADT_A01`).
 */
export function writePlace(line: Line, path: Hl7Path, value: string, writing: Writing): void {
  const { delimiters } = writing;
  const composite =
    path.component === 0 && delimiters.component !== '' && value.includes(delimiters.component);
  const written = composite
    ? escapeComposite(value, delimiters, false)
    : escapePlain(value, delimiters);
  writeRepetitions(line, path, delimiters, (repetition) =>
    withValue(repetition, path, written, delimiters),
  );
}

/** Writes what is already in HL7's own writing; only what would end the place is escaped. */
export function writeRaw(line: Line, path: Hl7Path, value: string, { delimiters }: Writing): void {
  if (path.repetition <= 0 && path.component === 0) {
    const field = escapeComposite(value, delimiters, true);
    line.replaceSlot(path.slot, delimiters.field, field);
    return;
  }
  const written = escapeComposite(value, delimiters, false);
  writeRepetitions(line, path, delimiters, (repetition) =>
    withValue(repetition, path, written, delimiters),
  );
}

/** Empties the path in this segment: a whole field with all its repetitions, one repetition (the later ones move up), or a part. */
export function removePlace(line: Line, path: Hl7Path, { delimiters }: Writing): void {
  if (path.component > 0) {
    const everywhere = path.repetition === 0 ? { ...path, repetition: ALL } : path;
    writeRepetitions(line, everywhere, delimiters, (repetition) =>
      withValue(repetition, path, '', delimiters),
    );
    return;
  }
  if (path.repetition <= 0) {
    line.replaceSlot(path.slot, delimiters.field, '');
    return;
  }
  const parts = partsOf(line.slot(path.slot, delimiters.field), delimiters.repetition);
  if (path.repetition > parts.length) return;
  parts.splice(path.repetition - 1, 1);
  line.replaceSlot(path.slot, delimiters.field, parts.join(delimiters.repetition));
}

/** Puts a repetition before the one of the path; after the last if the path gives none or a later one. */
export function insertPlace(line: Line, path: Hl7Path, value: string, writing: Writing): void {
  const { delimiters } = writing;
  const field = line.slot(path.slot, delimiters.field);
  const parts = field === '' ? [] : partsOf(field, delimiters.repetition);
  const place = path.repetition <= 0 ? parts.length : path.repetition - 1;
  while (parts.length < place) parts.push('');
  parts.splice(place, 0, '');
  line.replaceSlot(path.slot, delimiters.field, parts.join(delimiters.repetition));
  writePlace(line, { ...path, repetition: place + 1 }, value, writing);
}

function writeRepetitions(
  line: Line,
  path: Hl7Path,
  delimiters: Delimiters,
  change: (repetition: string) => string,
): void {
  const field = line.slot(path.slot, delimiters.field);
  if (path.repetition === ALL) {
    const changed = partsOf(field, delimiters.repetition).map(change);
    line.replaceSlot(path.slot, delimiters.field, changed.join(delimiters.repetition));
    return;
  }
  const n = Math.max(path.repetition, 1);
  const changed = change(partOf(field, delimiters.repetition, n));
  const written = withPart(field, delimiters.repetition, n, changed);
  if (written !== field) line.replaceSlot(path.slot, delimiters.field, written);
}

function withValue(
  repetition: string,
  path: Hl7Path,
  value: string,
  { component, subcomponent }: Delimiters,
): string {
  if (path.component === 0) return value;
  if (path.subcomponent === 0) return withPart(repetition, component, path.component, value);
  const whole = partOf(repetition, component, path.component);
  const changed = withPart(whole, subcomponent, path.subcomponent, value);
  return withPart(repetition, component, path.component, changed);
}

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
