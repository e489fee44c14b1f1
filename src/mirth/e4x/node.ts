/** A node of the tree behind E4X values. Attributes are nodes too: `x.@id` is a value like any other. */
export interface XmlNode {
  kind: 'element' | 'text' | 'attribute' | 'comment' | 'instruction';
  /** The local name; `''` for a comment or a text. */
  name: string;
  prefix: string;
  /** The namespace; `''` for none. */
  uri: string;
  value: string;
  attributes: XmlNode[];
  children: XmlNode[];
  parent: XmlNode | undefined;
  /** The namespaces declared here: prefix → address. */
  declared: Map<string, string>;
}

export function element(name: string, children: XmlNode[] = []): XmlNode {
  const made = node('element', name, '');
  for (const child of children) append(made, child);
  return made;
}

export const text = (value: string): XmlNode => node('text', '', value);

/** A text as parsed: Rhino trims white space around it, because of `XML.ignoreWhitespace`. */
export const trimmed = (value: string): string => value.replace(/^[\0- ]+|[\0- ]+$/g, '');

export function node(kind: XmlNode['kind'], name: string, value: string): XmlNode {
  const own = { attributes: [], children: [], parent: undefined, declared: new Map() };
  return { kind, name, prefix: '', uri: '', value, ...own };
}

export function append(parent: XmlNode, child: XmlNode): void {
  child.parent = parent;
  parent.children.push(child);
}

/** A value as the text of an element. */
export function addText(at: XmlNode, value: string): void {
  const inner = trimmed(value);
  if (inner !== '') append(at, text(inner));
}

export const elementsOf = (of: XmlNode): XmlNode[] =>
  of.children.filter(({ kind }) => kind === 'element');

/** The text of a node with all below it. */
export const plainText = (of: XmlNode): string =>
  of.children.map((one) => (one.kind === 'text' ? one.value : plainText(one))).join('');

export function copyOf(of: XmlNode): XmlNode {
  const copy: XmlNode = { ...of, parent: undefined, declared: new Map(of.declared) };
  copy.attributes = of.attributes.map((one) => ({ ...copyOf(one), parent: copy }));
  copy.children = of.children.map((one) => {
    const child = copyOf(one);
    child.parent = copy;
    return child;
  });
  return copy;
}

/** An element without child elements: its value is its text. */
export const isSimple = (of: XmlNode): boolean =>
  of.kind !== 'element' || !of.children.some(({ kind }) => kind === 'element');

/** The text of a node in E4X: that of a simple element, the XML of any other. */
export function valueOf(of: XmlNode): string {
  if (of.kind !== 'element') return of.value;
  return isSimple(of) ? textOf(of) : toXml(of);
}

const textOf = ({ children }: XmlNode): string =>
  children.map(({ kind, value }) => (kind === 'text' ? value : '')).join('');

const qualified = ({ prefix, name }: XmlNode): string =>
  prefix === '' ? name : `${prefix}:${name}`;

const escapeText = (value: string): string =>
  value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

export const escapeAttribute = (value: string): string =>
  value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#xA;')
    .replaceAll('\r', '&#xD;');

/** The XML of a node. With an indent, child elements are on separate lines. */
export function toXml(of: XmlNode, indent?: string, level = ''): string {
  if (of.kind === 'element') return elementXml(of, indent, level);
  if (of.kind === 'text') return escapeText(of.value);
  if (of.kind === 'comment') return `<!--${of.value}-->`;
  if (of.kind === 'attribute') return of.value;
  return `<?${of.name}${of.value === '' ? '' : ` ${of.value}`}?>`;
}

function elementXml(of: XmlNode, indent: string | undefined, level: string): string {
  const name = qualified(of);
  const declared = [...of.declared].map(
    ([prefix, uri]) => ` xmlns${prefix === '' ? '' : `:${prefix}`}="${escapeAttribute(uri)}"`,
  );
  const attributes = of.attributes.map(
    (one) => ` ${qualified(one)}="${escapeAttribute(one.value)}"`,
  );
  const head = `<${name}${[...declared, ...attributes].join('')}`;
  if (of.children.length === 0) return `${head}/>`;
  if (indent === undefined || isSimple(of)) {
    return `${head}>${of.children.map((child) => toXml(child)).join('')}</${name}>`;
  }
  const inner = level + indent;
  const lines = of.children.map((child) => `${inner}${toXml(child, indent, inner)}`);
  return `${head}>\n${lines.join('\n')}\n${level}</${name}>`;
}
