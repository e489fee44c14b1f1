import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { EngineError } from '../../error/engine-error.ts';
import { buffered, type Charset, LATIN1 } from '../charset.ts';
import type { Document } from '../document.ts';
import { atOnce, inTurns } from '../in-turns.ts';
import { attributeAt } from './attributes.ts';
import {
  type Attribute,
  type DataSet,
  type Encoding,
  fits,
  type OwnAttribute,
  ownAttribute,
  readingDataSet,
  writeDataSet,
} from './data-set.ts';
import { ALL, type DicomPath, type DicomStep, dicomPath } from './dicom-path.ts';
import {
  HEAD_ENCODING,
  HEAD_LENGTH,
  headElements,
  PREAMBLE_LENGTH,
  readFileHead,
} from './file-head.ts';
import { bytesOf, charsetOf, componentOf, gap, insert, valuesOf, withValue } from './values.ts';

const IMPLICIT = '1.2.840.10008.1.2';
const DEFLATED = '1.2.840.10008.1.2.1.99';
const BIG_ENDIAN = '1.2.840.10008.1.2.2';
/** What a deflated object may grow to. */
const INFLATED_LIMIT = 256 * 1024 * 1024;
const META = '0002';
const META_INSTANCE = '00020003';
const INSTANCE = '00080018';
const CHARSET = '00080005';

/**
 * Reads a DICOM file (PS3.10). Only its head is looked at; the rest when something is asked for. Throws
 * DOCUMENT_UNREADABLE where it has none, or an encoding that is not read (Explicit VR Big Endian).
 */
export function dicomDocument(bytes: Uint8Array): DicomDocument {
  return new DicomDocument(buffered(bytes));
}

/** As `dicomDocument`, for a large body, read at once; other work of the thread gets its turn meanwhile. */
export async function dicomDocumentInTurns(bytes: Uint8Array): Promise<DicomDocument> {
  const document = new DicomDocument(buffered(bytes));
  await inTurns(document.reading());
  return document;
}

/** Reads the beginning of a file that is too large to be held. Its values can be read; nothing can be changed. */
export function dicomFront(bytes: Uint8Array): DicomDocument {
  return new DicomDocument(buffered(bytes), 'front');
}

/** A value that `rewrite` asks about. */
export interface RewrittenValue {
  /** `''` of an attribute that is not known. */
  readonly keyword: string;
  readonly vr: string;
  readonly text: string;
}

/** An attribute by its number: `{ vr, Value }`. */
export interface DicomJson {
  readonly [tag: string]: { readonly vr: string; readonly Value?: readonly unknown[] };
}

/** Types that are numbers in JSON (PS3.18 F.2.3). */
const NUMERIC = new Set(['US', 'SS', 'UL', 'SL', 'FL', 'FD', 'DS', 'IS']);

interface Parsed {
  readonly head: DataSet;
  readonly object: DataSet;
  readonly encoding: Encoding;
  /** What follows the last attribute that could be read: nothing, unless the file is cut off or damaged. */
  readonly rest: Buffer;
}

/**
 * An object with its attributes. Pictures and other bytes are passed on and not read. What is behind a place that
 * cannot be read stays as it is and has no attributes.
 */
export class DicomDocument implements Document {
  readonly kind = 'dicom';
  readonly #source: Buffer;
  readonly #part: 'whole' | 'front';
  readonly #headLength: number;
  readonly #transferSyntax: string;
  #parsed: Parsed | undefined;
  /** The data sets and attributes that this document may change; others are copied first, since another document may use them. */
  #own = new WeakSet<object>();
  #changed = false;
  #bytes: Buffer | undefined;

  constructor(source: Buffer, part: 'whole' | 'front' = 'whole', parsed?: Parsed) {
    this.#part = part;
    this.#parsed = parsed;
    const head = readFileHead(source);
    if (typeof head === 'string') {
      throw new EngineError('DOCUMENT_UNREADABLE', `The body is no DICOM file: ${head}.`);
    }
    if (head.transferSyntax === BIG_ENDIAN) {
      const text = 'The body is in Explicit VR Big Endian, which is retired and not read here.';
      throw new EngineError('DOCUMENT_UNREADABLE', text);
    }
    this.#source = source;
    this.#headLength = head.length;
    this.#transferSyntax = head.transferSyntax;
  }

  get(path: string): string {
    return this.#values(dicomPath(path), 'first')[0] ?? '';
  }

  all(path: string): string[] {
    return this.#values(dicomPath(path), 'all');
  }

  has(path: string): boolean {
    const compiled = dicomPath(path);
    const { index = 0 } = compiled.steps.at(-1) ?? {};
    if (index === 0) return this.#attributes(compiled, 'all').length > 0;
    return (
      this.#attributes(compiled, 'all').some(
        ({ items }) => (items?.length ?? 0) >= Math.max(1, index),
      ) || this.#values(compiled, 'all').length > 0
    );
  }

  set(path: string, value: string): void {
    this.#needWhole();
    const compiled = dicomPath(path);
    const last = compiled.steps.at(-1);
    if (last === undefined) return;
    const found = this.#reach(compiled, { create: true });
    for (const { dataSet, way } of found) this.#write(dataSet, { way, last, compiled, value });
  }

  remove(path: string): void {
    this.#needWhole();
    const compiled = dicomPath(path);
    const last = compiled.steps.at(-1);
    if (last === undefined) return;
    for (const { dataSet, way } of this.#reach(compiled, { create: false })) {
      const at = dataSet.attributes.findIndex(({ tag }) => tag === last.tag);
      if (at < 0) continue;
      if (last.index > 0 && !this.#without(this.#ownAttribute(dataSet, at), last.index)) continue;
      if (last.index <= 0) dataSet.attributes.splice(at, 1);
      this.#touch(way);
    }
  }

  bytes(): Uint8Array {
    this.#needWhole();
    if (!this.#changed) return this.#source;
    this.#bytes ??= this.#written();
    return this.#bytes;
  }

  copy(): DicomDocument {
    if (this.#part === 'front') return new DicomDocument(this.#source, this.#part);
    const bytes = buffered(this.bytes());
    this.#own = new WeakSet();
    return new DicomDocument(bytes, this.#part, this.#parsed);
  }

  #needWhole(): void {
    if (this.#part === 'whole') return;
    throw new EngineError(
      'MESSAGE_TOO_LARGE',
      'the body is too large to be changed; only its attributes can be asked for. Send it without a transform.',
    );
  }

  /** Gives every value another text, at any depth; bytes are left out. The head of the file stays. */
  rewrite(change: (value: RewrittenValue) => string): void {
    this.#needWhole();
    const parsed = this.#read();
    const object = copyOf(parsed.object);
    this.#rewriteAll(object, change, this.#charset());
    this.#parsed = { ...parsed, object };
    this.#changed = true;
    this.#bytes = undefined;
  }

  #rewriteAll(
    { attributes }: OwnDataSet,
    change: (value: RewrittenValue) => string,
    charset: Charset,
  ): void {
    for (const attribute of attributes) {
      const { tag, vr, items } = attribute;
      for (const item of items ?? []) this.#rewriteAll(item, change, charset);
      attribute.raw = undefined;
      if (items !== undefined) continue;
      const values = valuesOf(attribute, charset);
      const keyword = attributeAt(tag)?.keyword ?? '';
      const changed = values.map((text) => change({ keyword, vr, text }));
      attribute.value = values.length === 0 ? Buffer.alloc(0) : bytesOf(vr, changed, charset, tag);
    }
  }

  /** Every attribute as a line, for people: `(0010,0020) LO PatientID  4711`. */
  *lines(): Generator<string> {
    const { head, object } = this.#read();
    yield* this.#linesOf(head, '');
    yield* this.#linesOf(object, '');
  }

  /** The object in JSON (PS3.18 F). */
  toJson(): DicomJson {
    return this.#jsonOf(this.#read().object);
  }

  #jsonOf({ attributes }: DataSet): DicomJson {
    const entries = attributes.map((attribute): [string, DicomJson[string]] => {
      const { tag, vr, items } = attribute;
      const Value = items?.map((item) => this.#jsonOf(item)) ?? this.#jsonValues(attribute);
      return [tag, { vr, ...(Value.length > 0 && { Value }) }];
    });
    return Object.fromEntries(entries);
  }

  #jsonValues(attribute: Attribute): unknown[] {
    const values = this.#textOf(attribute);
    if (attribute.vr === 'PN') return values.map((Alphabetic) => ({ Alphabetic }));
    return NUMERIC.has(attribute.vr) ? values.map(Number) : values;
  }

  *#linesOf({ attributes }: DataSet, indent: string): Generator<string> {
    for (const attribute of attributes) {
      const { tag, vr, items, value } = attribute;
      const name = attributeAt(tag)?.keyword ?? 'unknown';
      const values = this.#textOf(attribute);
      const shown =
        values.length > 0 || value.length === 0 ? values.join('\\') : `${value.length} bytes`;
      const told =
        items === undefined ? shown : `${items.length} item${items.length === 1 ? '' : 's'}`;
      yield `${indent}(${tag.slice(0, 4)},${tag.slice(4)}) ${vr} ${name}  ${told}`.trimEnd();
      for (const [n, item] of (items ?? []).entries()) {
        yield `${indent}  [${n + 1}]`;
        yield* this.#linesOf(item, `${indent}    `);
      }
    }
  }

  #read(): Parsed {
    return this.#parsed ?? atOnce(this.reading());
  }

  /** @internal Reads all of it; stops now and then. */
  *reading(): Generator<undefined, Parsed> {
    const begin = PREAMBLE_LENGTH;
    const front = this.#source.subarray(begin, this.#headLength);
    const head = yield* readingDataSet(front, HEAD_ENCODING);
    const encoding = { explicit: this.#transferSyntax !== IMPLICIT };
    const { dataSet, rest } = yield* readingDataSet(this.#object(), encoding);
    this.#parsed = { head: head.dataSet, object: dataSet, encoding, rest };
    return this.#parsed;
  }

  #object(): Buffer {
    const bytes = this.#source.subarray(this.#headLength);
    if (this.#transferSyntax !== DEFLATED) return bytes;
    try {
      return inflateRawSync(bytes, { maxOutputLength: INFLATED_LIMIT });
    } catch (cause) {
      const text = 'The body is deflated, and its deflated part is damaged or too large.';
      throw new EngineError('DOCUMENT_UNREADABLE', text, { cause });
    }
  }

  #values(path: DicomPath, which: 'first' | 'all'): string[] {
    const last = path.steps.at(-1);
    const found = this.#attributes(path, which).flatMap((attribute) => {
      const values = this.#textOf(attribute);
      if (last === undefined || last.index <= 0) return values;
      const [value] = values.slice(last.index - 1, last.index);
      return value === undefined ? [] : [value];
    });
    return path.component === 0 ? found : found.map((name) => componentOf(name, path.component));
  }

  #attributes(path: DicomPath, which: 'first' | 'all'): Attribute[] {
    const last = path.steps.at(-1);
    const found: Attribute[] = [];
    for (const dataSet of this.#dataSets(path)) {
      const attribute = dataSet.attributes.find(({ tag }) => tag === last?.tag);
      if (attribute === undefined) continue;
      found.push(attribute);
      if (which === 'first') break;
    }
    return found;
  }

  /** The data sets that the last step of a path is looked for in. */
  #dataSets({ steps }: DicomPath): DataSet[] {
    let sets = [this.#start(steps)];
    for (const { tag, index } of steps.slice(0, -1)) {
      sets = sets.flatMap(({ attributes }) => {
        const items = attributes.find((one) => one.tag === tag)?.items ?? [];
        return index > 0 ? items.slice(index - 1, index) : items;
      });
    }
    return sets;
  }

  #start([first]: readonly DicomStep[]): DataSet {
    const { head, object } = this.#read();
    return first?.tag.startsWith(META) === true ? head : object;
  }

  /** As `#dataSets`, with the attributes on the way, which change with their content. Items that are missing are made. */
  #reach({ steps, text }: DicomPath, { create }: { readonly create: boolean }): Reached[] {
    let reached: Reached[] = [{ dataSet: this.#ownStart(steps), way: [] }];
    for (const step of steps.slice(0, -1)) {
      reached = reached.flatMap((one) => this.#reachItems(one, step, { create, text }));
    }
    return reached;
  }

  #reachItems(
    { dataSet, way }: Reached,
    { tag, index }: DicomStep,
    { create, text }: { readonly create: boolean; readonly text: string },
  ): Reached[] {
    const place = sequenceIn(dataSet, tag, { create, text });
    const sequence = place < 0 ? undefined : this.#ownAttribute(dataSet, place);
    if (sequence?.items === undefined) return [];
    const { items } = sequence;
    const reachItem = (n: number): Reached => {
      const owned = this.#ownSet(items[n] ?? { attributes: [] });
      items[n] = owned;
      return { dataSet: owned, way: [...way, sequence] };
    };
    // without a number, writing means the first and removing all of them
    if (index === ALL || (index === 0 && !create)) return items.map((_, n) => reachItem(n));
    const at = Math.max(1, index) - 1;
    if (at < items.length || (create && at === items.length)) return [reachItem(at)];
    if (create) throw gap(text, items.length);
    return [];
  }

  #write(
    dataSet: DataSet,
    {
      way,
      last,
      compiled,
      value,
    }: {
      readonly way: readonly OwnAttribute[];
      readonly last: DicomStep;
      readonly compiled: DicomPath;
      readonly value: string;
    },
  ): void {
    const { text } = compiled;
    const at = dataSet.attributes.findIndex(({ tag }) => tag === last.tag);
    const before = dataSet.attributes[at];
    const vr = before?.vr ?? last.vr;
    if (vr === 'SQ') {
      throw new EngineError(
        'PATH_INVALID',
        `${text}: a sequence has no value. Name an attribute in it, as ${text}[1]/CodeValue.`,
      );
    }
    const values = before === undefined ? [] : this.#textOf(before);
    const written = withValue(values, { last, compiled, value });
    const bytes = bytesOf(vr, written, this.#charsetFor(last.tag, value), text);
    if (!fits(vr, bytes.length, this.#read().encoding)) {
      throw new EngineError('MESSAGE_INVALID', `${text}: the value is too long for its type ${vr}`);
    }
    if (before === undefined)
      insert(dataSet, { tag: last.tag, vr, value: bytes, items: undefined, raw: undefined });
    else Object.assign(this.#ownAttribute(dataSet, at), { value: bytes, raw: undefined });
    // the head of the file names the object, too
    if (way.length === 0 && last.tag === INSTANCE)
      this.set(`(${META},${META_INSTANCE.slice(4)})`, value);
    this.#touch(way);
  }

  /** Takes a value or an item out; false where there is none. */
  #without(attribute: OwnAttribute, index: number): boolean {
    if (attribute.items !== undefined) {
      const [gone] = attribute.items.splice(index - 1, 1);
      attribute.raw = undefined;
      return gone !== undefined;
    }
    const values = this.#textOf(attribute);
    if (index > values.length) return false;
    const left = values.toSpliced(index - 1, 1);
    attribute.value = bytesOf(attribute.vr, left, this.#charset(), attribute.tag);
    attribute.raw = undefined;
    return true;
  }

  #textOf(attribute: Attribute): string[] {
    // what came without its type has that of the standard
    const vr = attribute.vr === 'UN' ? (attributeAt(attribute.tag)?.vr ?? 'UN') : attribute.vr;
    return valuesOf({ vr, value: attribute.value }, this.#charset());
  }

  #charset(): Charset {
    return charsetOf(this.#charsetTerms());
  }

  #charsetFor(tag: string, value: string): Charset {
    return tag === CHARSET ? charsetOf(value.split('\\')) : this.#charset();
  }

  #charsetTerms(): string[] {
    const found = this.#read().object.attributes.find(({ tag }) => tag === CHARSET);
    return found === undefined ? [] : valuesOf(found, LATIN1);
  }

  #ownStart([first]: readonly DicomStep[]): DataSet {
    const parsed = this.#read();
    const which = first?.tag.startsWith(META) === true ? 'head' : 'object';
    const owned = this.#ownSet(parsed[which]);
    if (owned !== parsed[which]) this.#parsed = { ...parsed, [which]: owned };
    return owned;
  }

  #ownSet(dataSet: DataSet): DataSet {
    if (this.#own.has(dataSet)) return dataSet;
    const owned = { attributes: [...dataSet.attributes] };
    this.#own.add(owned);
    return owned;
  }

  /** An attribute of a data set that is ours. */
  #ownAttribute({ attributes }: DataSet, at: number): OwnAttribute {
    const found = attributes[at];
    if (found === undefined) throw new RangeError('no attribute');
    if (this.#own.has(found)) return found;
    const owned = ownAttribute(found);
    this.#own.add(owned);
    attributes[at] = owned;
    return owned;
  }

  #touch(way: readonly OwnAttribute[]): void {
    for (const sequence of way) sequence.raw = undefined;
    this.#changed = true;
    this.#bytes = undefined;
  }

  #written(): Buffer {
    const { head, object, encoding, rest } = this.#read();
    const others = head.attributes.filter(({ tag }) => tag !== HEAD_LENGTH);
    const body = Buffer.concat([writeDataSet(object, encoding), rest]);
    return Buffer.concat([
      this.#source.subarray(0, PREAMBLE_LENGTH),
      headElements(others),
      this.#transferSyntax === DEFLATED ? deflateRawSync(body) : body,
    ]);
  }
}

/** A data set with the attributes on the way to it. */
interface Reached {
  readonly dataSet: DataSet;
  readonly way: readonly OwnAttribute[];
}

interface OwnDataSet extends DataSet {
  readonly attributes: OwnAttribute[];
}

/** A data set that can be changed by itself. */
function copyOf({ attributes }: DataSet): OwnDataSet {
  return {
    attributes: attributes.map((one) => ({
      ...ownAttribute(one),
      items: one.items?.map(copyOf),
    })),
  };
}

/** Where a sequence is in a data set, or is made; −1 where there is none. */
function sequenceIn(
  dataSet: DataSet,
  tag: string,
  { create, text }: { readonly create: boolean; readonly text: string },
): number {
  const at = dataSet.attributes.findIndex((one) => one.tag === tag);
  if (at >= 0 && dataSet.attributes[at]?.items === undefined && create) {
    throw new EngineError(
      'PATH_INVALID',
      `${text}: (${tag.slice(0, 4)},${tag.slice(4)}) is no sequence`,
    );
  }
  if (at >= 0 || !create) return at;
  insert(dataSet, { tag, vr: 'SQ', value: Buffer.alloc(0), items: [], raw: undefined });
  return dataSet.attributes.findIndex((one) => one.tag === tag);
}
