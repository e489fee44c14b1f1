import { parseXml, withNamespaces, type XmlElement, xmlText } from 'waybill/document';

export {
  attributeOf,
  childOf,
  childrenOf,
  elementsOf,
  escaped,
  textAt,
  trimmed,
  within,
} from 'waybill/document';

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
