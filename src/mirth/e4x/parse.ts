import { SaxesParser } from 'saxes';
import { append, escapeAttribute, node, text, trimmed, type XmlNode } from './node.ts';

/** How deep elements may be nested; the code that handles them is recursive. */
const DEPTH = 256;

export interface ParseOptions {
  /** Drops namespaces, the default of the XML data type. */
  readonly stripNamespaces?: boolean;
  /** Keeps the blanks around the text of an element that contains nothing else: E4X drops them, an export means them. */
  readonly keepsBlanks?: boolean;
}

/** The nodes of an XML text: one element, or with `<>` … `</>` around them any number. */
export function parseNodes(source: string, options: ParseOptions = {}): XmlNode[] {
  const whole = source.trim().replace(/^\uFEFF/, '');
  const list = /^<>([\s\S]*)<\/>$/.exec(whole);
  const top = node('element', 'list', '');
  let at = top;
  let depth = 0;
  const parser = new SaxesParser({ xmlns: true });
  parser.on('error', ({ message }) => {
    // without the text after the colon, which may quote the message
    throw new SyntaxError(`the XML is not well-formed: ${message.replace(/:[^:]*$/, '')}`);
  });
  parser.on('doctype', () => {
    throw new SyntaxError('the XML has a document type declaration (DTD), which is not accepted');
  });
  parser.on('opentag', ({ local, prefix, uri, attributes, ns }) => {
    if (++depth > DEPTH) throw new SyntaxError(`the XML is more than ${DEPTH} elements deep`);
    const made = node('element', local, '');
    if (options.stripNamespaces !== true) {
      made.prefix = prefix;
      made.uri = uri;
      made.declared = new Map(Object.entries(ns).filter(([name]) => name !== 'xmlns'));
    }
    for (const attribute of Object.values(attributes)) {
      if (attribute.prefix === 'xmlns' || attribute.name === 'xmlns') continue;
      const own = node('attribute', attribute.local, attribute.value);
      own.parent = made;
      if (options.stripNamespaces !== true) {
        own.prefix = attribute.prefix;
        own.uri = attribute.uri;
      }
      made.attributes.push(own);
    }
    append(at, made);
    at = made;
  });
  parser.on('closetag', () => {
    depth -= 1;
    if (options.keepsBlanks === true && at.children.some(({ kind }) => kind === 'element'))
      at.children = at.children.flatMap(withoutBlanks);
    at = at.parent ?? top;
  });
  const addText = (value: string): void => {
    const inner = options.keepsBlanks === true ? value : trimmed(value);
    if (inner !== '') append(at, text(inner));
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.write(list === null ? whole : `<list>${list[1]}</list>`).close();
  const nodes = list === null ? top.children : (top.children[0]?.children ?? []);
  for (const one of nodes) one.parent = undefined;
  return nodes;
}

function withoutBlanks(one: XmlNode): XmlNode[] {
  if (one.kind !== 'text') return [one];
  const value = trimmed(one.value);
  return value === '' ? [] : [{ ...one, value }];
}

/** A literal in a script: what is between `${` and `}` is escaped unless it is XML itself. */
export function literalText(
  strings: readonly string[],
  values: readonly unknown[],
  xmlOf: (value: unknown) => string | undefined,
): string {
  let made = strings[0] ?? '';
  for (const [index, value] of values.entries()) {
    const inTag = made.lastIndexOf('<') > made.lastIndexOf('>');
    const xml = inTag ? undefined : xmlOf(value);
    // a name or an attribute; `"` is escaped in both
    made += (xml ?? escapeAttribute(String(value))) + (strings[index + 1] ?? '');
  }
  return made;
}
