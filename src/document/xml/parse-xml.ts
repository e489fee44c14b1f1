import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { SaxesParser, type SaxesTagNS } from 'saxes';
import { isEngineError } from '../../error/engine-error.ts';
import type { XmlAttribute, XmlElement, XmlLeaf, XmlRoot, XmlTree } from './tree.ts';
import { unreadable } from './xml-text.ts';

/**
 * The limit of elements, attributes and texts in one document; each costs memory and time of the
 * thread that all messages share.
 */
const NODES = 500_000;
/** Attributes of one element, which are read at a stretch. */
const ATTRIBUTES = 10_000;
/** Characters of an attribute: ` a=""`. */
const SHORTEST = 5;
/** How deep elements may be nested; the code that works on them is recursive. */
const DEPTH = 256;

/**
 * Parses XML and numbers its nodes. A document type is refused, so entities cannot be declared; so
 * is a document that is larger or deeper than the thread can handle while other messages wait.
 */
export function parseXml(text: string): XmlTree {
  const parsing = new Parsing(text);
  parsing.read(text.length);
  return parsing.tree();
}

/** Characters that are read in one turn: some 5 ms. */
const TURN = 32_768;

/** As `parseXml`; other work of the thread gets its turn meanwhile. */
export async function parseXmlInTurns(text: string): Promise<XmlTree> {
  const parsing = new Parsing(text);
  while (parsing.read(TURN)) await yieldToOthers();
  return parsing.tree();
}

/** A text on its way to become a tree. */
class Parsing {
  readonly #text: string;
  readonly #reading: TreeReading;
  readonly #parser: ReturnType<typeof parserInto>;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#reading = new TreeReading(text);
    this.#parser = parserInto(this.#reading, text.length);
  }

  /** Reads on; false at the end. */
  read(characters: number): boolean {
    const end = this.#at + characters;
    this.#parsed(() => this.#parser.write(this.#text.slice(this.#at, end)));
    this.#at = end;
    return end < this.#text.length;
  }

  tree(): XmlTree {
    this.#parsed(() => this.#parser.close());
    return this.#reading.tree();
  }

  #parsed(parse: () => unknown): void {
    try {
      parse();
    } catch (error) {
      if (isEngineError(error)) throw error;
      throw unreadable('it is not well-formed');
    }
  }
}

function parserInto(reading: TreeReading, length: number): SaxesParser<{ xmlns: true }> {
  const parser = new SaxesParser({ xmlns: true });
  parser.on('error', () => {
    // the parser's message quotes the text
    throw unreadable(`it is not well-formed after line ${parser.line}, column ${parser.column}`);
  });
  parser.on('doctype', () => {
    throw unreadable('it has a document type declaration (DTD), which is not accepted');
  });
  // a shorter text cannot have so many
  if (length > ATTRIBUTES * SHORTEST) parser.on('attribute', () => reading.attribute());
  parser.on('opentag', (tag) => reading.open(tag, parser.position));
  parser.on('closetag', () => reading.close(parser.position));
  parser.on('text', (value) => reading.text(value));
  parser.on('cdata', (value) => reading.leaf('cdata', { value, end: ']]>' }));
  parser.on('comment', (value) => reading.leaf('comment', { value, end: '-->' }));
  parser.on('xmldecl', () => reading.declaration());
  parser.on('processinginstruction', ({ target, body }) =>
    reading.leaf('instruction', { name: target, value: body, end: '?>' }),
  );
  return parser;
}

type Read = Pick<XmlLeaf, 'kind' | 'name' | 'value'> & {
  readonly source: { from: number; to: number };
};

/** Builds the tree, with the place of each node in the text. */
class TreeReading {
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

  open({ name, local, prefix, uri, attributes, ns }: SaxesTagNS, end: number): void {
    if (++this.#depth > DEPTH) {
      throw unreadable(`its elements are nested more than ${DEPTH} deep`);
    }
    for (const declared in ns) {
      const meaning = ns[declared];
      if (declared !== '' && meaning && !this.#namespaces.has(declared)) {
        this.#namespaces.set(declared, meaning);
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
    for (const attribute in attributes) {
      const given = attributes[attribute];
      if (given !== undefined) element.attributes.push(this.#attribute(element, given, place++));
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
    { name = '', value, end }: { name?: string; value: string; end: string },
  ): void {
    const from = this.#text.indexOf('<', this.#last);
    const to = this.#text.indexOf(end, from) + end.length;
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
    { name, local, uri, value }: { name: string; local: string; uri: string; value: string },
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
