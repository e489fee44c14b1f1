import { isAscii } from 'node:buffer';
import { EngineError } from '../../error/engine-error.ts';
import { buffered, charsetNamed, decodeFaithfully } from '../charset.ts';
import { type Delimiters, usableDelimiters } from '../hl7/delimiters.ts';
import { Hl7Cutter } from '../hl7/hl7-cutter.ts';
import { Hl7Writing } from '../hl7/place.ts';
import type { Line } from '../segment/line.ts';
import { LineList } from '../segment/line-list.ts';
import { SegmentDocument, type SourceText } from '../segment/segment-document.ts';
import { nameCode, type SegmentPath } from '../segment/segment-path.ts';
import { astmPath } from './astm-path.ts';

/** The header of a new message, with the delimiters that every device understands. */
export const EMPTY_ASTM = 'H|\\^&\r';

/**
 * Reads a message of ASTM E1394 (LIS02). Only what is asked for is parsed. Throws DOCUMENT_UNREADABLE if the bytes
 * do not begin with H and usable delimiters.
 */
export function astmDocument(bytes: Uint8Array, given?: string): AstmDocument {
  const buffer = buffered(bytes);
  if (isAscii(buffer)) {
    const text = buffer.toString('latin1');
    return new AstmDocument({ text, raw: bytes, charset: undefined, given });
  }
  const { text, charset } = decodeFaithfully(buffer, charsetNamed(given));
  return new AstmDocument({ text, raw: bytes, charset, given });
}

/** A message of a laboratory device; see `Document` for what is kept unchanged. */
export class AstmDocument extends SegmentDocument {
  readonly kind = 'astm';
  protected writing: AstmWriting;
  protected readonly charsetRemedy = 'Set charset at the service that receives the messages.';

  constructor(source: SourceText) {
    const start = /[^\s\uFEFF]/.exec(source.text)?.index ?? 0;
    const delimiters = delimitersAt(source.text, start);
    const cutter = new RecordCutter(source.text, start, delimiters.field);
    const list = new LineList(source.text, start, cutter);
    super(source, list);
    this.writing = new AstmWriting(delimiters, this);
  }

  get delimiters(): Delimiters {
    return this.writing.marks;
  }

  copy(): AstmDocument {
    return new AstmDocument(this.sourceNow());
  }

  /** @internal */
  pathOf(path: string): SegmentPath {
    return astmPath(path);
  }

  /** @internal */
  override setIn(line: Line, path: SegmentPath, value: string): void {
    checkWritable(path);
    super.setIn(line, path, value);
  }

  /** @internal */
  override setRawIn(line: Line, path: SegmentPath, value: string): void {
    checkWritable(path);
    super.setRawIn(line, path, value);
  }

  /** A part of a field as plain text, without escapes. */
  plain(raw: string): string {
    return this.writing.unescape(raw);
  }

  protected declaredCharset(): undefined {
    return undefined;
  }

  /** Before the terminator, which ends a message. */
  protected override end(): Line | undefined {
    const last = this.list.last();
    return last?.code === L ? last : undefined;
  }
}

const L = nameCode('L');

/** Record names have one letter; lines are split as in HL7. */
class RecordCutter extends Hl7Cutter {
  readonly #text: string;
  readonly #field: string;

  constructor(text: string, start: number, field: string) {
    super(text, start, field);
    this.#text = text;
    this.#field = field;
  }

  override code(start: number, end: number): number {
    const isAlone = end === start + 1;
    if (!isAlone && this.#text[start + 1] !== this.#field) return 0;
    const letter = this.#text.charAt(start).toUpperCase();
    return letter >= 'A' && letter <= 'Z' ? nameCode(letter) : 0;
  }
}

/** As in HL7, except that field 1 is the letter of the record. */
class AstmWriting extends Hl7Writing {
  override readWhole(slot: string, { repetition, component }: SegmentPath): string {
    return repetition > 1 || component > 1 ? '' : slot;
  }
}

/** §6.4: H is followed by the field delimiter, and that by those of repetitions, components and escapes. */
function delimitersAt(text: string, start: number): Delimiters {
  const field = text.charAt(start + 1);
  const [line = ''] = text.slice(start, start + 20).split(/[\r\n]/, 1);
  const [name = '', encoding = ''] = line.split(field);
  const [repetition = '', component = '', escape = ''] = encoding;
  const usable =
    name.toUpperCase() === 'H' && escape !== ''
      ? usableDelimiters(field, component + repetition + escape)
      : undefined;
  if (usable !== undefined) return usable;
  throw new EngineError(
    'DOCUMENT_UNREADABLE',
    `The message does not begin with a header record such as H|\\^& (position ${start + 1}).`,
  );
}

function checkWritable({ text, segment, slot }: SegmentPath): void {
  if (slot > 1 || (slot === 1 && segment !== 'H') || slot < 0) return;
  throw new EngineError(
    'PATH_INVALID',
    slot === 0
      ? `${text} is the letter of the record and cannot be written. Fields count from 2.`
      : `${text} holds the delimiters of the whole message and cannot be written by itself. Start with a body that has the other delimiters.`,
  );
}
