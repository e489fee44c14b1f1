import { parseXml, textOf, withNamespaces, type XmlElement, xmlText } from 'waybill/document';

/** A parsed XML text; its elements know their place in it. */
export interface XmlSource {
  readonly text: string;
  readonly root: XmlElement;
}

/** A name in a namespace. */
export interface QualifiedName {
  readonly namespace: string;
  readonly local: string;
}

/** Throws DOCUMENT_UNREADABLE with the place, never quoting the text; a DTD is refused. */
export function readXml(bytes: Uint8Array, charset?: string): XmlSource {
  const { text } = xmlText(bytes, charset);
  return { text, root: parseXml(text).element };
}

export function elementsOf({ children }: XmlElement): readonly XmlElement[] {
  return children.filter((child) => child.kind === 'element');
}

/** The children with a name in a namespace. */
export function childrenOf(
  parent: XmlElement,
  namespace: string,
  local: string,
): readonly XmlElement[] {
  return elementsOf(parent).filter((child) => child.local === local && child.uri === namespace);
}

export function childOf(
  parent: XmlElement | undefined,
  namespace: string,
  local: string,
): XmlElement | undefined {
  return parent && childrenOf(parent, namespace, local)[0];
}

/** The value of an attribute; without a namespace unless one is given. */
export function attributeOf(
  { attributes }: XmlElement,
  local: string,
  namespace = '',
): string | undefined {
  return attributes.find((one) => one.local === local && one.uri === namespace)?.value;
}

/** The text of an element without white space around it. */
export const trimmed = (element: XmlElement): string => textOf(element).trim();

/** The trimmed text of a child; `''` if there is none. */
export function textAt(parent: XmlElement, namespace: string, local: string): string {
  const child = childOf(parent, namespace, local);
  return child === undefined ? '' : trimmed(child);
}

/** What a prefix means at an element; `''` is the default namespace. */
function namespaceAt(element: XmlElement, prefix: string): string {
  const declaration = prefix === '' ? 'xmlns' : `xmlns:${prefix}`;
  for (let at: XmlElement['parent'] = element; at?.kind === 'element'; at = at.parent) {
    const found = at.attributes.find(({ name }) => name === declaration);
    if (found !== undefined) return found.value;
  }
  return '';
}

/** The meaning of a text such as `tns:order` at its place. */
export function qualified(element: XmlElement, text: string): QualifiedName {
  const [, prefix = '', local = ''] = /^(?:([^:]*):)?(.*)$/s.exec(text.trim()) ?? [];
  return { namespace: namespaceAt(element, prefix), local };
}

export const isNamed = (element: XmlElement, { namespace, local }: QualifiedName): boolean =>
  element.local === local && element.uri === namespace;

/**
 * An element as it is written, with the prefixes that were declared further out and occur in it: in a name, or in a
 * text such as that of xsi:type.
 */
export function standalone({ text }: XmlSource, element: XmlElement): string {
  const { whole } = element.source ?? {};
  const own = text.slice(whole?.from, whole?.to);
  return withNamespaces(own, element, (name) => {
    return name === 'xmlns' || own.includes(`${name.slice('xmlns:'.length)}:`);
  });
}

/** Makes a text fit for the content of an element or an attribute in double quotes. */
export const escaped = (text: string): string =>
  text.replaceAll(
    /[&<>"\t\n\r]/g,
    (one) =>
      ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[one] ??
      `&#${one.codePointAt(0)};`,
  );

/** All elements below and including one, in the order of the document. */
export function* within(element: XmlElement): Generator<XmlElement> {
  yield element;
  for (const child of elementsOf(element)) yield* within(child);
}
