import type { XmlAttribute, XmlChild, XmlElement, XmlLeaf, XmlTree } from './tree.ts';

/** Writes a tree: what was not changed is its original text, character by character. */
export function writeXml({ top, root }: XmlTree, text: string): string {
  const crlf = text.includes('\r\n');
  const writing: Writing = { text, crlf, parts: [] };
  let last = 0;
  for (const node of top) {
    const span = node.kind === 'element' ? node.source?.whole : node.source;
    if (span === undefined) continue;
    writing.parts.push(text.slice(last, span.from));
    if (node.parent === root) write(writing, node);
    last = span.to;
  }
  writing.parts.push(text.slice(last));
  return writing.parts.join('');
}

interface Writing {
  readonly text: string;
  readonly crlf: boolean;
  readonly parts: string[];
}

function write(writing: Writing, node: XmlChild): void {
  const span = node.kind === 'element' ? node.source?.whole : node.source;
  if (!node.changed && span !== undefined) {
    writing.parts.push(writing.text.slice(span.from, span.to));
  } else if (node.kind === 'element') {
    writeElement(writing, node);
  } else {
    writing.parts.push(leafText(node, writing.crlf));
  }
}

function writeElement(writing: Writing, element: XmlElement): void {
  const { parts, text } = writing;
  const { source, name, children } = element;
  const tag = startTag(element, text);
  // an element that had two tags keeps them
  const two = source !== undefined && !text.endsWith('/>', source.tag.to);
  if (children.length === 0 && !two) {
    parts.push(tag, '/>');
    return;
  }
  parts.push(tag, '>');
  for (const child of children) write(writing, child);
  parts.push(closingTag(element, text) ?? `</${name}>`);
}

function closingTag({ source }: XmlElement, text: string): string | undefined {
  if (source === undefined || source.tag.to === source.whole.to) return undefined;
  return text.slice(text.lastIndexOf('</', source.whole.to - 1), source.whole.to);
}

/** Up to the end of the tag, exclusive. */
function startTag(element: XmlElement, text: string): string {
  const { source, name, attributes, tagChanged } = element;
  if (source === undefined) return `<${name}${attributes.map(newAttribute).join('')}`;
  const written = text.slice(source.tag.from, source.tag.to).replace(/\/?>$/, '');
  if (!tagChanged) return written;
  const places = attributePlaces(written);
  let tag = `<${name}`;
  for (const attribute of attributes) {
    const place = attribute.place === undefined ? undefined : places[attribute.place];
    if (place === undefined) tag += newAttribute(attribute);
    else if (!attribute.changed) tag += place.whole;
    else tag += place.before + quoted(attribute.value, place.quote);
  }
  return tag + written.slice(places.at(-1)?.end ?? name.length + 1);
}

interface AttributePlace {
  readonly whole: string;
  /** White space, name and equals sign. */
  readonly before: string;
  readonly quote: string;
  readonly end: number;
}

const ATTRIBUTE = /(\s+[^\s=]+\s*=\s*)(?:"[^"]*"|'[^']*')/g;

function attributePlaces(tag: string): AttributePlace[] {
  return [...tag.matchAll(ATTRIBUTE)].map(({ 0: whole, 1: before = '', index }) => ({
    whole,
    before,
    quote: whole.charAt(before.length),
    end: index + whole.length,
  }));
}

function newAttribute({ name, value }: XmlAttribute): string {
  return ` ${name}=${quoted(value, '"')}`;
}

const REFERENCES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

function quoted(value: string, quote: string): string {
  const special = quote === '"' ? /[&<"\t\n\r]/g : /[&<'\t\n\r]/g;
  return quote + value.replaceAll(special, (one) => REFERENCES[one] ?? one) + quote;
}

/** For a text or section: nothing else can be changed. */
function leafText({ kind, value }: XmlLeaf, crlf: boolean): string {
  const ended = (written: string): string => (crlf ? written.replaceAll('\n', '\r\n') : written);
  // a section cannot contain its own end, nor a carriage return that stays one
  if (kind === 'cdata' && !/\]\]>|\r/.test(value)) return `<![CDATA[${ended(value)}]]>`;
  return ended(value.replaceAll(/[&<>\r]/g, (one) => REFERENCES[one] ?? one));
}
