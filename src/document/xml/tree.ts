/** A range of the original text: from inclusive, to exclusive. */
interface Span {
  readonly from: number;
  readonly to: number;
}

export interface XmlRoot {
  readonly kind: 'root';
  readonly parent: undefined;
  order: number;
  readonly children: XmlChild[];
}

export interface XmlElement {
  readonly kind: 'element';
  /** As written, with its prefix. */
  readonly name: string;
  readonly local: string;
  readonly prefix: string;
  readonly uri: string;
  readonly attributes: XmlAttribute[];
  readonly children: XmlChild[];
  /** Undefined once it is removed. */
  parent: XmlElement | XmlRoot | undefined;
  /** Position in the document. */
  order: number;
  /** Its start tag and the whole of it; undefined if it was made. */
  readonly source: { readonly tag: Span; readonly whole: Span } | undefined;
  /** Whether something in its start tag has changed. */
  tagChanged: boolean;
  /** Whether something in it has changed. */
  changed: boolean;
  /** Its elements by local name, made when one is first asked for by number. */
  named: Map<string, XmlElement[]> | undefined;
}

export interface XmlAttribute {
  readonly kind: 'attribute';
  readonly name: string;
  readonly local: string;
  readonly uri: string;
  value: string;
  parent: XmlElement | undefined;
  order: number;
  /** Its number in the original start tag; undefined if it was created. */
  readonly place: number | undefined;
  changed: boolean;
}

/** Text, a CDATA section, a comment or a processing instruction. */
export interface XmlLeaf {
  readonly kind: 'text' | 'cdata' | 'comment' | 'instruction';
  /** The target of an instruction, otherwise `''`. */
  readonly name: string;
  value: string;
  parent: XmlElement | XmlRoot | undefined;
  order: number;
  readonly source: Span | undefined;
  changed: boolean;
}

export type XmlChild = XmlElement | XmlLeaf;
export type XmlNode = XmlRoot | XmlElement | XmlAttribute | XmlLeaf;

/** A parsed document. */
export interface XmlTree {
  readonly root: XmlRoot;
  readonly element: XmlElement;
  /** The root element and its neighbours, as read. */
  readonly top: readonly XmlChild[];
  /** The meaning of each prefix where it is first declared. */
  readonly namespaces: ReadonlyMap<string, string>;
  /** How many nodes there were when it was read. */
  readonly size: number;
  /** Whether `order` is up to date. */
  isNumbered: boolean;
}

/** The string value of a node, as in XPath 1.0 §5. */
export function textOf(node: XmlNode): string {
  if (node.kind !== 'element' && node.kind !== 'root') return node.value;
  const [only] = node.children;
  if (only === undefined) return '';
  if (node.children.length === 1 && isText(only)) return only.value;
  const parts: string[] = [];
  gather(node, parts);
  return parts.join('');
}

function gather({ children }: XmlElement | XmlRoot, parts: string[]): void {
  for (const child of children) {
    if (child.kind === 'element') gather(child, parts);
    else if (isText(child)) parts.push(child.value);
  }
}

function isText(node: XmlChild): node is XmlLeaf {
  return node.kind === 'text' || node.kind === 'cdata';
}

/** The children of an element with a name. */
export function elementsNamed(parent: XmlElement, local: string): XmlElement[] {
  parent.named ??= new Map();
  let found = parent.named.get(local);
  if (found === undefined) {
    found = parent.children.filter(
      (child) => child.kind === 'element' && child.local === local,
    ) as XmlElement[];
    parent.named.set(local, found);
  }
  return found;
}

/** Renumbers all nodes after nodes were added or removed. */
export function number(tree: XmlTree): void {
  let next = 0;
  const visit = (node: XmlRoot | XmlChild): void => {
    node.order = next++;
    if (node.kind !== 'element' && node.kind !== 'root') return;
    if (node.kind === 'element') for (const attribute of node.attributes) attribute.order = next++;
    for (const child of node.children) visit(child);
  };
  visit(tree.root);
  tree.isNumbered = true;
}

/** A copy of a tree to change, and its nodes by the `order` of their originals. */
export function copyTree(tree: XmlTree): { readonly tree: XmlTree; readonly nodes: XmlNode[] } {
  if (!tree.isNumbered) number(tree);
  const nodes: XmlNode[] = [];
  const root: XmlRoot = { ...tree.root, children: [] };
  nodes[root.order] = root;
  for (const child of tree.root.children) root.children.push(copyOf(child, root, nodes));
  const top = tree.top.map((node) =>
    node.parent === undefined ? { ...node, parent: undefined } : (nodes[node.order] as XmlChild),
  );
  const element = nodes[tree.element.order] as XmlElement;
  return { tree: { ...tree, root, element, top }, nodes };
}

function copyOf(node: XmlChild, parent: XmlElement | XmlRoot, nodes: XmlNode[]): XmlChild {
  if (node.kind !== 'element') {
    const leaf: XmlLeaf = { ...node, parent };
    nodes[leaf.order] = leaf;
    return leaf;
  }
  const made: XmlElement = { ...node, parent, attributes: [], children: [], named: undefined };
  nodes[made.order] = made;
  for (const attribute of node.attributes) {
    const copied = { ...attribute, parent: made };
    nodes[copied.order] = copied;
    made.attributes.push(copied);
  }
  for (const child of node.children) made.children.push(copyOf(child, made, nodes));
  return made;
}

/** Marks a node as changed. */
export function changed(node: XmlNode): void {
  if (node.kind !== 'root') node.changed = true;
  if (node.kind === 'attribute' && node.parent !== undefined) node.parent.tagChanged = true;
  // above one that is already marked, all are
  for (let above = node.parent; above?.kind === 'element' && !above.changed; above = above.parent) {
    above.changed = true;
  }
}

/** An element in the namespace of its parent, not yet among its children. */
export function newElement(parent: XmlElement, local: string): XmlElement {
  const { prefix, uri } = parent;
  return {
    kind: 'element',
    name: prefix === '' ? local : `${prefix}:${local}`,
    local,
    prefix,
    uri,
    attributes: [],
    children: [],
    parent,
    order: 0,
    source: undefined,
    tagChanged: true,
    changed: true,
    named: undefined,
  };
}

/** An empty attribute without a namespace, not yet among those of its element. */
export function newAttribute(parent: XmlElement, name: string): XmlAttribute {
  return {
    kind: 'attribute',
    name,
    local: name,
    uri: '',
    value: '',
    parent,
    order: 0,
    place: undefined,
    changed: true,
  };
}
