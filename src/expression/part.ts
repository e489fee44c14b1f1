import { DelimitedDocument } from '../document/delimited/delimited-document.ts';
import type { Document } from '../document/document.ts';
import { JsonDocument } from '../document/json/json-document.ts';
import { segmentPathIn } from '../document/segment-paths.ts';
import { XmlDocument } from '../document/xml/xml-document.ts';

/** The items of a list inside a body: repetitions of an HL7 field, elements of a JSON array or of XML. */
export interface PartList {
  readonly kind: Document['kind'];
  /** As a loop names it: `PID-3`, `/orders`, `/order/item`. */
  readonly over: string;
  /** The numbers of the parts in a document, from 1. */
  numbers(document: Document): readonly number[];
  /** The number of the last one; 0 if there is none. */
  last(document: Document): number;
  /** The rest of a path below the current part; undefined if it means something else. */
  below(path: string): string | undefined;
  place(number: number): string;
}

/**
 * One part of a list, seen as a document: in the third repetition of PID-3, `PID-3.4` means
 * `PID-3[3].4`. Paths that mean something else are passed to `inner`.
 */
export class Part implements Document {
  readonly kind: Document['kind'];
  /** The body, or the part or segment that the list belongs to. */
  readonly inner: Document;
  readonly #list: PartList;
  readonly #number: () => number;
  readonly #removed: () => void;

  /**
   * @param number which part, from 1; asked for at each use, since a new part has to be found first
   * @param removed called when the part itself was removed and the later ones have moved up
   */
  constructor(inner: Document, list: PartList, number: () => number, removed = (): void => {}) {
    this.kind = inner.kind;
    this.inner = inner;
    this.#list = list;
    this.#number = number;
    this.#removed = removed;
  }

  /** How the loop names its list. */
  get over(): string {
    return this.#list.over;
  }

  get(path: string): string {
    return this.inner.get(this.#here(path));
  }

  all(path: string): string[] {
    return this.inner.all(this.#here(path));
  }

  has(path: string): boolean {
    return this.inner.has(this.#here(path));
  }

  set(path: string, value: string): void {
    this.inner.set(this.#here(path), value);
  }

  /** The document that a path belongs to, and the path within it. */
  placeOf(path: string): readonly [document: Document, path: string] {
    const here = this.#here(path);
    return this.inner instanceof Part ? this.inner.placeOf(here) : [this.inner, here];
  }

  remove(path: string): void {
    this.inner.remove(this.#here(path));
    if (this.#list.below(path) === '') this.#removed();
  }

  /** Of the whole message. */
  bytes(): Uint8Array {
    return this.inner.bytes();
  }

  /** Of the whole message. */
  copy(): Document {
    return this.inner.copy();
  }

  #here(path: string): string {
    const below = this.#list.below(path);
    return below === undefined ? path : this.#list.place(this.#number()) + below;
  }
}

/** The repetitions of a field. Its own paths are those without a repetition number. */
export function repetitionList(
  over: string,
  kind: Document['kind'],
  numbers: (document: Document) => readonly number[],
): PartList {
  const field = segmentPathIn(kind, over);
  return {
    kind,
    over,
    numbers,
    last: (document) => numbers(document).at(-1) ?? 0,
    below: (path) => {
      const given = segmentPathIn(kind, path);
      if (given === undefined || field === undefined) return undefined;
      const own =
        given.loops.length === 0 &&
        given.code === field.code &&
        given.index === field.index &&
        given.field === field.field &&
        given.repetition === 0;
      return own ? path.slice(over.length) : undefined;
    },
    place: (number) => `${over}[${number}]`,
  };
}

/** The elements of a JSON array. In the loop over `/orders`, `/orders/*` is the current one. */
export function jsonElements(over: string): PartList {
  return {
    kind: 'json',
    over,
    numbers: (document) => upTo(arrayLength(document, over)),
    last: (document) => arrayLength(document, over),
    below: (path) => belowOf(path, `${over}/*`),
    place: (number) => `${over}/${number - 1}`,
  };
}

/**
 * The XML elements that a loop makes in a new document, at a plain path. Its own paths are those
 * without a number at that step, and relative ones.
 */
export function xmlElements(over: string): PartList {
  return {
    kind: 'xml',
    over,
    numbers: (document) => upTo(elementCount(document, over)),
    last: (document) => elementCount(document, over),
    below: (path) => (path.startsWith('/') ? belowOf(path, over) : `/${path.replace(/^\.\//, '')}`),
    place: (number) => `${over}[${number}]`,
  };
}

/** The rows of delimited text, named `rows`. Its own paths are columns without a row. */
export const delimitedRows: PartList = {
  kind: 'delimited',
  over: 'rows',
  numbers: (document) => upTo(rowCount(document)),
  last: (document) => rowCount(document),
  below: (path) => {
    if (path === 'rows') return '';
    return path.startsWith('[') ? undefined : `/${path}`;
  },
  place: (number) => `[${number}]`,
};

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

function arrayLength(document: Document, over: string): number {
  const [whole, path] = document instanceof Part ? document.placeOf(over) : [document, over];
  return whole instanceof JsonDocument ? whole.length(path) : 0;
}

function elementCount(document: Document, over: string): number {
  return document instanceof XmlDocument ? document.count(over) : document.all(over).length;
}

function rowCount(document: Document): number {
  return document instanceof DelimitedDocument ? document.rowCount : 0;
}

function belowOf(path: string, start: string): string | undefined {
  if (!path.startsWith(start)) return undefined;
  const below = path.slice(start.length);
  return below === '' || below.startsWith('/') ? below : undefined;
}
