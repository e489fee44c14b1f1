import { isAscii } from 'node:buffer';
import { buffered, type Charset, declaredOr, decodeFaithfully } from '../charset.ts';
import type { Line } from '../segment/line.ts';
import { LineList } from '../segment/line-list.ts';
import type { Segment } from '../segment/segment.ts';
import { SegmentDocument, type SourceText } from '../segment/segment-document.ts';
import { type Delimiters, delimitersAt } from './delimiters.ts';
import { redelimit } from './escape.ts';
import { declaredCharset, headerStart, hl7Charset } from './header.ts';
import { Hl7Cutter } from './hl7-cutter.ts';
import { type Hl7Path, hl7Path } from './path.ts';
import { charsetFor, delimitersFor, Hl7Writing, unreadable } from './place.ts';

/** One segment of an HL7 v2 message. */
export type Hl7Segment = Segment<Hl7Document>;

/**
 * Reads an HL7 v2 message or batch. Only what is asked for is parsed. Throws DOCUMENT_UNREADABLE if
 * the bytes do not begin with MSH, BHS or FHS and usable delimiters.
 */
export function hl7Document(bytes: Uint8Array, given?: string): Hl7Document {
  return new Hl7Document(hl7Text(bytes, given));
}

/** An HL7 v2 message; see `Document` for the paths and for what is kept unchanged. */
export class Hl7Document extends SegmentDocument {
  readonly kind = 'hl7';
  protected writing: Hl7Writing;

  constructor(source: SourceText) {
    const start = headerStart(source.text);
    const delimiters = start < 0 ? undefined : delimitersAt(source.text, start);
    if (delimiters === undefined) throw unreadable(start);
    const cutter = new Hl7Cutter(source.text, start, delimiters.field);
    const list = new LineList(source.text, start, cutter);
    super(source, list);
    this.writing = new Hl7Writing(delimiters, this);
  }

  get delimiters(): Delimiters {
    return this.writing.marks;
  }

  protected get charsetRemedy(): string {
    return 'Set MSH-18 to "UNICODE UTF-8" before it.';
  }

  copy(): Hl7Document {
    return new Hl7Document(this.sourceNow());
  }

  /** @internal */
  pathOf(path: string): Hl7Path {
    return hl7Path(path);
  }

  /** @internal */
  override setIn(line: Line, path: Hl7Path, value: string): void {
    if (path.isWhole) {
      this.#redelimit(path, value);
      return;
    }
    if (path.segment === 'MSH' && path.field === 18 && value !== '') {
      this.useCharset(charsetFor(value, this.text()));
    }
    super.setIn(line, path, value);
  }

  protected declaredCharset(): Charset | undefined {
    const declared = this.get('MSH-18');
    return declared === '' ? undefined : declaredOr(hl7Charset(declared), this.source.given);
  }

  #redelimit(path: Hl7Path, value: string): void {
    const before = this.delimiters;
    const delimiters = delimitersFor(path, value, before);
    if (delimiters.field === before.field && delimiters.encoding === before.encoding) return;
    for (const line of this.list.all()) {
      line.rewrite(redelimit(line.text, before, delimiters, this));
    }
    this.writing = new Hl7Writing(delimiters, this);
    this.changed();
  }
}

/** Decodes a message once, in the charset that MSH-18 declares, otherwise the given one, otherwise UTF-8; Windows-1252, if given, where it declares ISO-8859-1. */
function hl7Text(bytes: Uint8Array, given: string | undefined): SourceText {
  const buffer = buffered(bytes);
  if (isAscii(buffer)) {
    return { text: buffer.toString('latin1'), raw: bytes, charset: undefined, given };
  }
  const wanted = declaredOr(declaredCharset(buffer).charset, given);
  const { text, charset } = decodeFaithfully(buffer, wanted);
  return { text, raw: bytes, charset, given };
}
