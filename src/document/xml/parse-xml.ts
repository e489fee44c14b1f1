import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { SaxesParser } from 'saxes';
import { isEngineError } from '../../error/engine-error.ts';
import { PlainReading } from './plain-reading.ts';
import type { XmlTree } from './tree.ts';
import { ATTRIBUTES, TreeReading } from './tree-reading.ts';
import { unreadable } from './xml-text.ts';

/** Characters of an attribute: ` a=""`. */
const SHORTEST = 5;

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

/** A text on its way to become a tree: at first as plain XML, and from its beginning again where it turns out not to be. */
class Parsing {
  readonly #text: string;
  #reading: TreeReading;
  #plain: PlainReading | undefined;
  #parser: ReturnType<typeof parserInto> | undefined;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#reading = new TreeReading(text);
    this.#plain = new PlainReading(text, this.#reading);
  }

  /** Reads on; false at the end. */
  read(characters: number): boolean {
    const end = this.#at + characters;
    this.#at = end;
    const isMore = this.#plain?.read(end);
    if (isMore !== undefined) return isMore;
    if (this.#plain !== undefined) {
      this.#plain = undefined;
      this.#reading = new TreeReading(this.#text);
      this.#at = 0;
      return this.read(characters);
    }
    this.#parser ??= parserInto(this.#reading, this.#text.length);
    const parser = this.#parser;
    this.#parsed(() => parser.write(this.#text.slice(end - characters, end)));
    return end < this.#text.length;
  }

  tree(): XmlTree {
    this.#parsed(() => this.#parser?.close());
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
  parser.on('opentag', ({ name, local, prefix, uri, attributes: given, ns }) => {
    const [attributes, declared] = [Object.values(given), Object.entries(ns)];
    reading.open({ name, local, prefix, uri, attributes, declared }, parser.position);
  });
  parser.on('closetag', () => reading.close(parser.position));
  parser.on('text', (value) => reading.text(value));
  parser.on('cdata', (value) => reading.leaf('cdata', { value }));
  parser.on('comment', (value) => reading.leaf('comment', { value }));
  parser.on('xmldecl', () => reading.declaration());
  parser.on('processinginstruction', ({ target, body }) =>
    reading.leaf('instruction', { name: target, value: body }),
  );
  return parser;
}
