import { isAscii } from 'node:buffer';
import { EngineError, isEngineError } from '../../error/engine-error.ts';
import { buffered, type Charset, charsetNamed, decodeFaithfully } from '../charset.ts';
import type { Document } from '../document.ts';
import type { Line } from '../segment/line.ts';
import type { LineCursor } from '../segment/line-cursor.ts';
import { LineList } from '../segment/line-list.ts';
import { readAllPlaces, readPlace, type Writing } from '../segment/place.ts';
import { SegmentDocument, type SourceText } from '../segment/segment-document.ts';
import { nameCode, type SegmentPath } from '../segment/segment-path.ts';
import { EdiCutter } from './edi-cutter.ts';
import { EdiLoops } from './edi-loops.ts';
import { ediLoopPath, ediPath, isLoopPath } from './edi-path.ts';
import { declaredCharset as charsetIn, ediStart, hasOtherDelimiters } from './edi-start.ts';
import type { EdiStart, EdiSyntax } from './edi-syntax.ts';
import { ediWriting } from './edi-writing.ts';
import type { Loop } from './loop.ts';
import { LoopView } from './loop-view.ts';
import { ISA_WIDTHS } from './x12/x12-start.ts';

/**
 * Reads an X12 or EDIFACT interchange. Only what is asked for is parsed. Throws DOCUMENT_UNREADABLE if the
 * bytes do not begin with ISA, UNA or UNB and usable delimiters.
 */
export function ediDocument(bytes: Uint8Array, given?: string): EdiDocument {
  return new EdiDocument(ediText(bytes, given));
}

/** The interchanges of a body; see `Document` for the paths and for what is kept unchanged. */
export class EdiDocument extends SegmentDocument {
  readonly kind: EdiSyntax['kind'];
  /** How it is written. */
  readonly syntax: EdiSyntax;
  /** UNA as received; `''` if there is none. */
  readonly advice: string;
  protected writing: Writing;
  protected readonly charsetRemedy = 'Replace them, or start with a body in another charset.';
  #loops: { readonly order: number; readonly found: EdiLoops } | undefined;
  #counted = 0;

  constructor(source: SourceText) {
    const start = startOf(source.text);
    const list = new LineList(source.text, start.at, new EdiCutter(source.text, start));
    super(source, list);
    this.writing = ediWriting(start.syntax);
    this.syntax = start.syntax;
    const una = source.text.indexOf('UNA');
    this.advice =
      start.syntax.kind === 'edifact' && una >= 0 && una < start.at
        ? source.text.slice(una, una + 9)
        : '';
    this.kind = start.syntax.kind;
  }

  override *reading(): Generator<undefined> {
    yield* super.reading();
    if (this.kind !== 'x12') return;
    try {
      this.#keep(yield* EdiLoops.reading(this.list, this.syntax));
    } catch (error) {
      // told when a loop is asked for
      if (!isEngineError(error)) throw error;
    }
  }

  override get(path: string): string {
    const compiled = ediPath(path);
    return isLoopPath(compiled) ? (this.#loopTexts(compiled)[0] ?? '') : super.get(path);
  }

  override all(path: string): string[] {
    const compiled = ediPath(path);
    return isLoopPath(compiled) ? this.#loopTexts(compiled) : super.all(path);
  }

  override remove(path: string): void {
    const compiled = ediPath(path);
    if (isLoopPath(compiled)) this.removeLines(this.#loopLines(compiled, this.found.root));
    else super.remove(path);
  }

  /** Corrects the counts in trailers if segments were added or removed. */
  override bytes(): Uint8Array {
    this.#recount();
    return super.bytes();
  }

  override text(): string {
    this.#recount();
    return super.text();
  }

  copy(): EdiDocument {
    this.#recount();
    return new EdiDocument(this.sourceNow());
  }

  /** Every loop of an id, each as a document of its own. */
  loops(id: string): LoopView[] {
    const found = this.found;
    return found.meant(ediLoopPath(id), found.root).flatMap((loop) => this.#viewOf(loop));
  }

  /** @internal */
  pathOf(path: string): SegmentPath {
    return ediPath(path);
  }

  /** @internal The loop that contains a segment. */
  override scopeAt(line: Line): Document {
    return new LoopView(this, line);
  }

  /** @internal Reads a path seen from a loop. */
  getFrom(view: LoopView, path: SegmentPath): string {
    const { found, loop } = this.#from(view);
    if (isLoopPath(path)) return this.#textsOf(found.meant(path, loop))[0] ?? '';
    const line = found.first(path, found.meant(path, loop));
    return line === undefined ? '' : readPlace(line, path, this.writing);
  }

  /** @internal */
  allFrom(view: LoopView, path: SegmentPath): string[] {
    const { found, loop } = this.#from(view);
    if (isLoopPath(path)) return this.#textsOf(found.meant(path, loop));
    return found
      .segments(path, found.meant(path, loop))
      .flatMap((line) => readAllPlaces(line, path, this.writing));
  }

  /** @internal */
  setFrom(view: LoopView, path: SegmentPath, value: string): void {
    const { found, loop } = this.#from(view);
    this.setIn(this.#lineIn(path, found.meant(path, loop)), path, value);
  }

  /** @internal */
  removeFrom(view: LoopView, path: SegmentPath): void {
    const { found, loop } = this.#from(view);
    if (isLoopPath(path)) {
      this.removeLines(this.#loopLines(path, loop));
      return;
    }
    const lines = found.segments(path, found.meant(path, loop));
    if (path.field === 0) this.removeLines(lines);
    else for (const line of lines) this.removeIn(line, path);
  }

  /** @internal A document of some of its segments, with correct counts. */
  ofLines(lines: readonly Line[]): EdiDocument {
    const { terminator } = this.syntax;
    const segments = lines.map((line) => {
      const whole = line.source.slice(line.start, line.next);
      return line.next > line.end ? whole : whole + terminator;
    });
    const bytes = this.charset.encode(this.advice + segments.join(''));
    const made = ediDocument(bytes, this.charset.name);
    made.#recount(true);
    return made;
  }

  /** @internal */
  loopsFrom(view: LoopView, id: string): LoopView[] {
    const { found, loop } = this.#from(view);
    return found.meant(ediLoopPath(id), loop).flatMap((one) => this.#viewOf(one));
  }

  /** The id of the loop that contains a segment; undefined outside the loops of its guide. */
  loopOf(line: Line): string | undefined {
    const loop = this.found.at(line);
    return loop?.around?.guide === undefined ? undefined : loop.id;
  }

  /** A part of an element as plain text, without release characters. */
  plain(raw: string): string {
    return this.writing.unescape(raw);
  }

  #asWhole(line: Line, path: SegmentPath, value: string): string {
    if (path.segment === 'ISA' && path.isWhole) return filled(path, value);
    if (path.isWhole && line.slots(this.syntax.field) > path.field) {
      throw new EngineError(
        'MESSAGE_INVALID',
        `${path.text} holds octets that look like several elements and cannot be changed by itself. Remove the segment and add another one.`,
      );
    }
    return value;
  }

  /** @internal */
  override setIn(line: Line, path: SegmentPath, value: string): void {
    super.setIn(line, path, this.#asWhole(line, path, value));
  }

  /** @internal */
  override setRawIn(line: Line, path: SegmentPath, value: string): void {
    super.setRawIn(line, path, this.#asWhole(line, path, value));
  }

  /** @internal */
  override removeLines(lines: Iterable<Line>): void {
    const leaving = new Set(lines);
    const found = this.#current();
    const stays = found?.leave(leaving) === true;
    super.removeLines(leaving);
    if (found !== undefined) this.#keep(stays ? found : undefined);
  }

  /** @internal */
  override rewrite(change: (line: string) => string): void {
    super.rewrite(change);
    this.#loops = undefined;
  }

  protected override inserted(line: Line): void {
    const loops = this.#loops;
    if (loops === undefined) return;
    const wasCurrent = loops.order === this.list.order - 1;
    this.#keep(wasCurrent && loops.found.added(line) ? loops.found : undefined);
  }

  protected override changing(path: SegmentPath, value: string): void {
    super.changing(path, value);
    // those of an earlier order are found again, or adjusted to a new segment once it has its fields
    if (this.#current()?.dependsOn(path) === true) this.#loops = undefined;
  }

  protected declaredCharset(): Charset | undefined {
    return charsetIn(this.source.text.slice(0, HEAD));
  }

  /** At the end of the last transaction set or message. */
  protected override end(): Line | undefined {
    return this.list.findLast(this.kind === 'x12' ? SE : UNT);
  }

  protected override first(path: SegmentPath): Line | undefined {
    if (path.loops.length === 0) return super.first(path);
    const found = this.found;
    return found.first(path, found.meant(path, found.root));
  }

  protected override reached(path: SegmentPath): Line[] {
    if (path.loops.length === 0) return super.reached(path);
    const found = this.found;
    return found.segments(path, found.meant(path, found.root));
  }

  protected override lineFor(path: SegmentPath): Line {
    if (path.loops.length === 0) return super.lineFor(path);
    const found = this.found;
    return this.#lineIn(path, found.meant(path, found.root));
  }

  /** @internal The lines with their loops, as they stand now. */
  get found(): EdiLoops {
    const { order } = this.list;
    if (this.#loops?.order !== order) {
      this.#loops = { order, found: EdiLoops.of(this.list, this.syntax) };
    }
    return this.#loops.found;
  }

  /** The loops, if they are known for the current lines. */
  #current(): EdiLoops | undefined {
    return this.#loops?.order === this.list.order ? this.#loops.found : undefined;
  }

  #keep(found: EdiLoops | undefined): void {
    this.#loops = found === undefined ? undefined : { order: this.list.order, found };
  }

  #from(view: LoopView): { readonly found: EdiLoops; readonly loop: Loop } {
    const found = this.found;
    let loop = found.at(view.line);
    while (loop !== undefined && view.id !== undefined && loop.id !== view.id) loop = loop.around;
    return { found, loop: loop ?? found.root };
  }

  #viewOf({ first, id }: Loop): LoopView[] {
    return first === undefined ? [] : [new LoopView(this, first, id)];
  }

  /** The segment that a path writes to in the first of some loops; added there if it is missing. */
  #lineIn(path: SegmentPath, loops: readonly Loop[]): Line {
    const found = this.found;
    const line = found.first(path, loops);
    if (line !== undefined) return line;
    const [loop] = loops;
    if (loop === undefined || path.segment === '') throw noSuchLoop(path);
    const count = found.segments({ ...path, index: 0 }, [loop]).length;
    if (path.index > count + 1) throw noSuchLoop(path);
    const added = this.insertLine(found.placeIn(loop, path.code), path.segment);
    this.inserted(added);
    return added;
  }

  #loopTexts(path: SegmentPath): string[] {
    const found = this.found;
    return this.#textsOf(found.meant(path, found.root));
  }

  #textsOf(loops: readonly Loop[]): string[] {
    const { terminator } = this.syntax;
    const { found } = this;
    return loops.map((loop) =>
      found
        .linesOf([loop])
        .map(({ text }) => text + terminator)
        .join(''),
    );
  }

  #loopLines(path: SegmentPath, from: Loop): Line[] {
    const found = this.found;
    return found.linesOf(found.meant(path, from));
  }

  #recount(anew = false): void {
    const { order } = this.list;
    if (order === this.#counted && !anew) return;
    if (anew) this.changed();
    this.#counted = order;
    for (const { trailer, count } of counts(this.list.cursor())) {
      const said = trailer.slot(1, this.syntax.field);
      if (Number(said) !== count) trailer.replaceSlot(1, this.syntax.field, String(count));
    }
  }
}

/** How far into a body its header reaches. */
const HEAD = 512;

const SE = ediPath('SE').code;
const UNT = ediPath('UNT').code;

function startOf(text: string): EdiStart {
  const start = ediStart(text);
  if (!('at' in start)) {
    throw new EngineError(
      'DOCUMENT_UNREADABLE',
      `The body is not an interchange. ${start.problem}`,
    );
  }
  if (hasOtherDelimiters(text, start)) {
    throw new EngineError(
      'DOCUMENT_UNREADABLE',
      'A later interchange of the body has other delimiters than the first. Split the file into its interchanges before it is received.',
    );
  }
  return start;
}

/** Pads a field of ISA to its width: numbers with leading zeros, anything else with trailing blanks. */
function filled({ field, text }: SegmentPath, value: string): string {
  const width = ISA_WIDTHS[field - 1];
  if (width === undefined) {
    throw new EngineError('PATH_INVALID', `${text}: ISA has ${ISA_WIDTHS.length} elements.`);
  }
  if (field === 11 || field === 16) {
    throw new EngineError(
      'PATH_INVALID',
      `${text} is a delimiter of the whole interchange and cannot be written by itself. Start with a body that has the other delimiters.`,
    );
  }
  if (value.length > width) {
    throw new EngineError(
      'MESSAGE_INVALID',
      `${text}: the value has ${value.length} characters, and ISA has room for ${width} there.`,
    );
  }
  return field === 13 ? value.padStart(width, '0') : value.padEnd(width, ' ');
}

function noSuchLoop({ text }: SegmentPath): EngineError {
  return new EngineError(
    'PATH_INVALID',
    `${text} cannot be written: there is no such loop, or no segment before it. Insert the segment that begins the loop first.`,
  );
}

/** Decodes a body once, in the charset that UNB declares, otherwise the given one, otherwise UTF-8. */
function ediText(bytes: Uint8Array, given: string | undefined): SourceText {
  const buffer = buffered(bytes);
  if (isAscii(buffer)) {
    return { text: buffer.toString('latin1'), raw: bytes, charset: undefined, given };
  }
  const declared = charsetIn(buffer.toString('latin1', 0, HEAD));
  const { text, charset } = decodeFaithfully(buffer, declared ?? charsetNamed(given));
  return { text, raw: bytes, charset, given };
}

/** What a trailer counts: X12 SE-1 GE-1 IEA-1, EDIFACT UNT-1 UNE-1 UNZ-1. */
interface Counted {
  readonly trailer: Line;
  readonly count: number;
}

interface Totals {
  /** Since the transaction set or message began. */
  segments: number;
  /** Transaction sets or messages since the group began, or the interchange if there is no group. */
  sets: number;
  groups: number;
}

const BEGIN: ReadonlyMap<number, (totals: Totals) => void> = new Map(
  (['ISA', 'UNB'] as const)
    .map((name) => [nameCode(name), beginInterchange] as const)
    .concat((['GS', 'UNG'] as const).map((name) => [nameCode(name), beginGroup] as const))
    .concat((['ST', 'UNH'] as const).map((name) => [nameCode(name), beginSet] as const)),
);

const COUNT: ReadonlyMap<number, (totals: Totals) => number> = new Map([
  [nameCode('SE'), ({ segments }) => segments],
  [nameCode('UNT'), ({ segments }) => segments],
  [nameCode('GE'), ({ sets }) => sets],
  [nameCode('UNE'), ({ sets }) => sets],
  [nameCode('IEA'), ({ groups }) => groups],
  // without groups, messages are counted
  [nameCode('UNZ'), ({ groups, sets }) => groups || sets],
]);

/** What each trailer of a body should count. */
function counts(lines: LineCursor): Counted[] {
  const found: Counted[] = [];
  const totals: Totals = { segments: 0, sets: 0, groups: 0 };
  while (lines.next()) {
    const { code } = lines;
    if (code === 0) continue;
    totals.segments += 1;
    BEGIN.get(code)?.(totals);
    const count = COUNT.get(code)?.(totals);
    const trailer = count === undefined ? undefined : lines.line;
    if (count !== undefined && trailer !== undefined) found.push({ trailer, count });
  }
  return found;
}

function beginInterchange(totals: Totals): void {
  totals.sets = 0;
  totals.groups = 0;
}

function beginGroup(totals: Totals): void {
  totals.groups += 1;
  totals.sets = 0;
}

function beginSet(totals: Totals): void {
  totals.sets += 1;
  totals.segments = 1;
}
