import { textOf, type XmlElement } from './tree.ts';

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
