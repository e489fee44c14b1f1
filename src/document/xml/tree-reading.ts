import type { XmlAttribute, XmlElement, XmlLeaf, XmlRoot, XmlTree } from './tree.ts';
import { unreadable } from './xml-text.ts';

/**
 * The limit of elements, attributes and texts in one document; each costs memory and time of the
 * thread that all messages share.
 */
const NODES = 500_000;
/** Attributes of one element, which are read at a stretch. */
export const ATTRIBUTES = 10_000;
/** How deep elements may be nested; the code that works on them is recursive. */
const DEPTH = 256;

export type QualifiedAttribute = Readonly<Record<'name' | 'local' | 'uri' | 'value', string>>;

/** A start tag as it was read. */
export interface StartTag {
  readonly name: string;
  readonly local: string;
  readonly prefix: string;
  readonly uri: string;
  readonly attributes: Iterable<QualifiedAttribute>;
  /** The prefixes that it declares, with their meaning; `''` is the default namespace. */
  readonly declared: Iterable<readonly [string, string]>;
}

const MARKS = {
  cdata: ['<![CDATA[', ']]>'],
  comment: ['<!--', '-->'],
  instruction: ['<?', '?>'],
} as const;

type Read = Pick<XmlLeaf, 'kind' | 'name' | 'value'> & {
  readonly source: { from: number; to: number };
};

/** Builds the tree, with the place of each node in the text. */
export class TreeReading {
  readonly #text: string;
  readonly #root: XmlRoot = { kind: 'root', parent: undefined, order: 0, children: [] };
  readonly #namespaces = new Map<string, string>();
  #at: XmlRoot | XmlElement = this.#root;
  #depth = 0;
  #order = 1;
  /** Of the tag that is being read. */
  #attributes = 0;
  /** Where the last token ends. */
  #last = 0;

  constructor(text: string) {
    this.#text = text;
  }

  tree(): XmlTree {
    const { children } = this.#root;
    const element = children.find((child) => child.kind === 'element');
    if (element === undefined) throw unreadable('it is not well-formed: it has no element');
    const [top, namespaces] = [[...children], this.#namespaces];
    return { root: this.#root, element, top, namespaces, size: this.#order, isNumbered: true };
  }

  /** One was read of the next element. */
  attribute(): void {
    if (++this.#attributes <= ATTRIBUTES) return;
    throw unreadable(
      `an element has more than ${ATTRIBUTES} attributes; route it without reading its body`,
    );
  }

  open({ name, local, prefix, uri, attributes, declared }: StartTag, end: number): void {
    if (++this.#depth > DEPTH) {
      throw unreadable(`its elements are nested more than ${DEPTH} deep`);
    }
    for (const [declaredPrefix, meaning] of declared) {
      if (declaredPrefix !== '' && meaning && !this.#namespaces.has(declaredPrefix)) {
        this.#namespaces.set(declaredPrefix, meaning);
      }
    }
    const tag = { from: this.#text.indexOf('<', this.#last), to: end };
    const parent = this.#at;
    const element: XmlElement = {
      kind: 'element',
      name,
      local,
      prefix,
      uri,
      attributes: [],
      children: [],
      parent,
      order: this.#next(),
      source: { tag, whole: { from: tag.from, to: end } },
      tagChanged: false,
      changed: false,
      named: undefined,
    };
    this.#attributes = 0;
    let place = 0;
    for (const given of attributes) {
      element.attributes.push(this.#attribute(element, given, place++));
    }
    this.#at.children.push(element);
    this.#at = element;
    this.#last = end;
  }

  close(end: number): void {
    this.#depth--;
    if (this.#at.kind === 'root') return;
    const { source, parent } = this.#at;
    if (source !== undefined) (source.whole as { to: number }).to = end;
    this.#at = parent ?? this.#root;
    this.#last = end;
  }

  text(value: string): void {
    // white space next to the root element is written back as it was
    if (this.#at.kind === 'root') return;
    const found = this.#text.indexOf('<', this.#last);
    this.#add({ kind: 'text', name: '', value, source: { from: this.#last, to: found } });
  }

  leaf(
    kind: 'cdata' | 'comment' | 'instruction',
    { name = '', value }: { name?: string; value: string },
  ): void {
    const [start, end] = MARKS[kind];
    const from = this.#text.indexOf('<', this.#last);
    const to = this.#text.indexOf(end, from + start.length) + end.length;
    this.#add({ kind, name, value, source: { from, to } });
  }

  declaration(): void {
    this.#last = this.#text.indexOf('?>') + 2;
  }

  #add({ kind, name, value, source }: Read): void {
    const [parent, order] = [this.#at, this.#next()];
    this.#at.children.push({ kind, name, value, parent, order, source, changed: false });
    this.#last = source.to;
  }

  #attribute(
    parent: XmlElement,
    { name, local, uri, value }: QualifiedAttribute,
    place: number,
  ): XmlAttribute {
    const order = this.#next();
    return { kind: 'attribute', name, local, uri, value, parent, order, place, changed: false };
  }

  #next(): number {
    if (this.#order > NODES) {
      throw unreadable(
        `it has more than ${NODES} elements, attributes and texts; split it, or route it without reading its body`,
      );
    }
    return this.#order++;
  }
}
