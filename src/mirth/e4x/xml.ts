import { plainTextOf } from '../plain-text.ts';
import {
  append,
  copyOf,
  element,
  isSimple,
  node,
  text,
  toXml,
  valueOf,
  type XmlNode,
} from './node.ts';
import { literalText, type ParseOptions, parseNodes } from './parse.ts';

/**
 * An E4X value: XML, or a list of it. One class serves both, because E4X itself treats XML as a list of
 * one. `owner` and `name` say where it was read from: assigning to a part of an empty list creates it there.
 */
interface Held {
  nodes: XmlNode[];
  /** Whether it is one XML rather than a list. */
  readonly single: boolean;
  readonly owner?: Held | undefined;
  readonly name?: string | undefined;
}

/** An E4X value as a script sees it: a name is a child, `@name` an attribute, a number an item, a call a method. */
// biome-ignore lint/suspicious/noExplicitAny: what a script may do with it is anything
// oxlint-disable-next-line typescript/no-explicit-any -- what a script may do with it is anything
export type Xml = any;

/** For each value, and for the function behind it that its handler gets. */
const values = new WeakMap<object, Held>();

export const isXml = (value: unknown): value is object =>
  typeof value === 'function' && values.has(value);

function heldOf(value: unknown): Held {
  const found = typeof value === 'function' ? values.get(value) : undefined;
  if (found === undefined) throw new TypeError('this is not XML');
  return found;
}

export const nodesOf = (value: unknown): readonly XmlNode[] => heldOf(value).nodes;

export const xmlOf = (one: XmlNode): Xml => wrap({ nodes: [one], single: true });

const listOf = (nodes: XmlNode[], owner?: Held, name?: string): Xml =>
  wrap({ nodes, single: false, owner, name });

/** XML from a text or another value, as `XML(…)` and `new XML(…)` make it. */
export function parseXml(value: unknown, options?: ParseOptions): Xml {
  if (isXml(value)) return value;
  const source = plainTextOf(value ?? '');
  if (!source.trim().startsWith('<')) return xmlOf(text(source));
  const nodes = parseNodes(source, options);
  const [first, ...more] = nodes;
  return first !== undefined && more.length === 0 ? xmlOf(first) : listOf(nodes);
}

export function parseXmlList(value: unknown): Xml {
  if (isXml(value)) return listOf([...nodesOf(value)]);
  const source = plainTextOf(value ?? '').trim();
  return listOf(
    source === '' ? [] : parseNodes(source.startsWith('<>') ? source : `<>${source}</>`),
  );
}

/** The template tag that replaces an XML literal. */
export function literal(strings: TemplateStringsArray, ...given: readonly unknown[]): Xml {
  return parseXml(literalText(strings, given, markupOf));
}

const markupOf = (value: unknown): string | undefined =>
  isXml(value) ? toMarkup(heldOf(value)) : undefined;

/** `{address}name`, as a key. */
export const qualifiedName = (space: unknown, name: unknown): string =>
  `{${space === null ? '' : plainTextOf(space)}}${String(name)}`;

/** Without indentation or line breaks: Mirth sets `XML.prettyPrinting` to false. */
const toMarkup = ({ nodes }: Held): string => nodes.map((one) => toXml(one)).join('');

/** Whether its value is its text. For a list of several elements it is not, even if it is for each of them. */
const hasText = ({ nodes }: Held): boolean =>
  nodes.every((one) => isSimple(one) && (nodes.length === 1 || one.kind !== 'element'));

/** The text of a simple value, the XML of another. */
function asText(own: Held): string {
  if (!hasText(own)) return toMarkup(own);
  return own.nodes
    .filter(({ kind }) => kind !== 'comment' && kind !== 'instruction')
    .map(valueOf)
    .join('');
}

function wrap(of: Held): Xml {
  // a function, because `x.name` may be a child or a method, which only a call shows
  // oxlint-disable-next-line unicorn/consistent-function-scoping -- each value has a function of its own
  const behind = (): void => undefined;
  const proxy = new Proxy(behind, handler);
  values.set(behind, of);
  values.set(proxy, of);
  return proxy;
}

const isIndex = (key: string): boolean => /^\d+$/.test(key);

const handler: ProxyHandler<object> = {
  get(target, key) {
    const own = heldOf(target);
    if (key === Symbol.toPrimitive) return () => asText(own);
    if (key === Symbol.iterator) return () => own.nodes.map(xmlOf)[Symbol.iterator]();
    // what a script returns is awaited, which would call a `then`
    return typeof key === 'symbol' || key === 'then' ? undefined : read(own, key);
  },
  set(target, key, value) {
    if (typeof key === 'string') write(heldOf(target), key, value);
    return typeof key === 'string';
  },
  has(target, key) {
    return typeof key === 'string' && hasPart(heldOf(target), key);
  },
  deleteProperty(target, key) {
    if (typeof key === 'string') remove(heldOf(target), key);
    return true;
  },
  ownKeys: (target) => heldOf(target).nodes.map((_, index) => String(index)),
  getOwnPropertyDescriptor(target, key) {
    const isThere = typeof key === 'string' && isIndex(key) && hasPart(heldOf(target), key);
    if (!isThere) return undefined;
    return {
      configurable: true,
      enumerable: true,
      value: read(heldOf(target), key),
      writable: true,
    };
  },
  apply(target, _self, given: unknown[]) {
    const { owner, name = '' } = heldOf(target);
    const method = Object.hasOwn(METHODS, name) ? METHODS[name] : undefined;
    if (owner !== undefined && method !== undefined) return method(owner, given);
    const plain = (String.prototype as unknown as Record<string, unknown>)[name];
    if (owner !== undefined && typeof plain === 'function') {
      return Reflect.apply(plain, asText(owner), given) as unknown;
    }
    throw new TypeError(`XML has no method ${name}`);
  },
};

/** Whether a node matches the key: `PID.3`, `*`, `{address}name`, `*::name`. */
function matcher(key: string): (one: XmlNode) => boolean {
  if (key === '*') return () => true;
  const qualified =
    /^\{(.*)\}(.*)$/s.exec(key) ?? (key.startsWith('*::') ? ['', '*', key.slice(3)] : undefined);
  const uri = qualified?.[1] ?? defaultNamespace;
  const name = qualified?.[2] ?? key;
  return (one) =>
    one.kind === 'element' &&
    (name === '*' || one.name === name) &&
    (uri === '*' || one.uri === uri);
}

let defaultNamespace = '';

/** `default xml namespace = …`, for the script that runs. */
export function setDefaultNamespace(address: unknown): void {
  defaultNamespace = String(address);
}

function attributesOf(own: Held, name: string): XmlNode[] {
  const local = name.replace(/^(\{.*\}|\*::)/s, '');
  return own.nodes.flatMap(({ attributes }) =>
    attributes.filter((one) => local === '*' || one.name === local),
  );
}

function partsOf(own: Held, key: string): XmlNode[] {
  if (key.startsWith('@')) return attributesOf(own, key.slice(1));
  const isMeant = matcher(key);
  return own.nodes.flatMap(({ children }) => children.filter(isMeant));
}

function read(own: Held, key: string): Xml {
  if (!isIndex(key)) return listOf(partsOf(own, key), own, key);
  const item = own.nodes[Number(key)];
  return item === undefined ? undefined : xmlOf(item);
}

const hasPart = (own: Held, key: string): boolean =>
  isIndex(key) ? Number(key) < own.nodes.length : partsOf(own, key).length > 0;

function write(own: Held, key: string, value: unknown): void {
  if (isIndex(key)) return writeItem(own, Number(key), value);
  const [first, ...more] = own.nodes;
  if (first !== undefined && more.length > 0) {
    throw new TypeError(`${key} cannot be written to a list of ${own.nodes.length}; say which`);
  }
  writeChild(first ?? made(own), key, value);
}

/** Creates the element for an empty list where it was looked up. */
function made(own: Held): XmlNode {
  const [there] = own.nodes;
  if (there !== undefined) return there;
  const { owner, name = '*' } = own;
  if (owner === undefined || name === '*' || name.startsWith('@')) {
    throw new TypeError('nothing can be written to an empty list');
  }
  const child = element(name.replace(/^(\{.*\}|\*::)/s, ''));
  child.uri = /^\{(.*)\}/s.exec(name)?.[1] ?? defaultNamespace;
  append(made(owner), child);
  own.nodes = [child];
  return child;
}

/** What is put into a tree: copies of XML, a text for anything else. */
function asNodes(value: unknown): XmlNode[] | string {
  if (!isXml(value)) return String(value);
  const { nodes } = heldOf(value);
  if (nodes.length > 0 && nodes.every(({ kind }) => kind === 'text' || kind === 'attribute')) {
    return nodes.map(valueOf).join('');
  }
  return nodes.map((one) => (one.parent === undefined ? one : copyOf(one)));
}

function setText(at: XmlNode, value: string): void {
  at.children = [];
  if (value !== '') append(at, text(value));
}

function writeChild(at: XmlNode, key: string, value: unknown): void {
  if (key.startsWith('@')) return writeAttribute(at, key.slice(1), plainText(value));
  const given = asNodes(value);
  if (key === '*') return setChildren(at, typeof given === 'string' ? [text(given)] : given);
  const [first, ...more] = at.children.filter(matcher(key));
  for (const one of more) detach(one);
  if (typeof given !== 'string') {
    if (first === undefined) for (const one of given) append(at, one);
    else replace(first, given);
    return;
  }
  const target = first ?? element(key.replace(/^(\{.*\}|\*::)/s, ''));
  if (first === undefined) {
    target.uri = /^\{(.*)\}/s.exec(key)?.[1] ?? defaultNamespace;
    append(at, target);
  }
  setText(target, given);
}

const plainText = (value: unknown): string =>
  isXml(value) ? asText(heldOf(value)) : String(value);

function writeAttribute(at: XmlNode, name: string, value: string): void {
  const there = at.attributes.find((one) => one.name === name);
  if (there !== undefined) there.value = value;
  else at.attributes.push({ ...node('attribute', name, value), parent: at });
}

function writeItem(own: Held, index: number, value: unknown): void {
  const there = own.nodes[index];
  const given = asNodes(value);
  if (there === undefined) {
    const { owner, name = '' } = own;
    if (owner === undefined) throw new TypeError('nothing can be added to this list');
    const added = typeof given === 'string' ? [element(name, [text(given)])] : given;
    for (const one of added) append(made(owner), one);
    own.nodes.push(...added);
  } else if (there.kind === 'attribute' || there.kind === 'text') {
    there.value = plainText(value);
  } else if (typeof given === 'string') {
    setText(there, given);
  } else {
    replace(there, given);
    own.nodes.splice(index, 1, ...given);
  }
}

function setChildren(at: XmlNode, given: readonly XmlNode[]): void {
  at.children = [];
  for (const one of given) append(at, one);
}

function detach(one: XmlNode): void {
  const { parent } = one;
  if (parent === undefined) return;
  parent.children = parent.children.filter((other) => other !== one);
  parent.attributes = parent.attributes.filter((other) => other !== one);
  one.parent = undefined;
}

function replace(one: XmlNode, given: readonly XmlNode[]): void {
  const { parent } = one;
  if (parent === undefined) return;
  insert(parent, parent.children.indexOf(one) + 1, given);
  detach(one);
}

function insert(parent: XmlNode, index: number, given: readonly XmlNode[]): void {
  for (const one of given) one.parent = parent;
  parent.children.splice(index, 0, ...given);
}

function remove(own: Held, key: string): void {
  const gone = isIndex(key) ? own.nodes.slice(Number(key), Number(key) + 1) : partsOf(own, key);
  for (const one of gone) detach(one);
  own.nodes = own.nodes.filter((one) => !gone.includes(one) || own.single);
}

function descendants(own: Held, key: string): XmlNode[] {
  const found: XmlNode[] = [];
  const isMeant = matcher(key);
  const visit = (one: XmlNode): void => {
    if (key.startsWith('@'))
      found.push(...attributesOf({ nodes: [one], single: true }, key.slice(1)));
    for (const child of one.children) {
      if (!key.startsWith('@') && isMeant(child)) found.push(child);
      visit(child);
    }
  };
  for (const one of own.nodes) visit(one);
  return found;
}

const the = (own: Held): XmlNode => {
  const [one, ...more] = own.nodes;
  if (one === undefined || more.length > 0) {
    throw new TypeError(`this needs a single XML element, not ${own.nodes.length}`);
  }
  return one;
};

const keyOf = (value: unknown): string => (value === undefined ? '*' : plainTextOf(value));

const oneOrMore = (value: unknown): XmlNode[] => {
  const nodes = asNodes(value);
  return typeof nodes === 'string' ? [text(nodes)] : nodes;
};

function beside(own: Held, [sibling, value]: readonly unknown[], offset: 0 | 1): Xml {
  const at = the(own);
  const next = isXml(sibling) ? heldOf(sibling).nodes[0] : undefined;
  const index = next === undefined ? -1 : at.children.indexOf(next);
  if (index >= 0) insert(at, index + offset, oneOrMore(value));
  else if (sibling === null || sibling === undefined) {
    insert(at, offset === 1 ? 0 : at.children.length, oneOrMore(value));
  }
  return xmlOf(at);
}

const kindName = {
  element: 'element',
  text: 'text',
  attribute: 'attribute',
  comment: 'comment',
  instruction: 'processing-instruction',
};

const METHODS: Readonly<Record<string, (own: Held, given: readonly unknown[]) => unknown>> = {
  addNamespace: (own) => xmlOf(the(own)),
  appendChild(own, [value]) {
    const at = own.nodes.length === 0 ? made(own) : the(own);
    for (const one of oneOrMore(value)) append(at, one);
    return xmlOf(at);
  },
  attribute: (own, [name]) => read(own, `@${String(name)}`),
  attributes: (own) => read(own, '@*'),
  child: (own, [name]) =>
    typeof name === 'number'
      ? listOf(own.nodes.flatMap(({ children }) => children.slice(name, name + 1)))
      : read(own, keyOf(name)),
  childIndex(own) {
    const one = the(own);
    return one.parent?.children.indexOf(one) ?? -1;
  },
  children: (own) =>
    listOf(
      own.nodes.flatMap(({ children }) => children),
      own,
      '*',
    ),
  comments: (own) => listOf(partsOf(own, '*').filter(({ kind }) => kind === 'comment')),
  contains: (own, [value]) => own.nodes.some((one) => areEqual(xmlOf(one), value)),
  copy: (own) => (own.single ? xmlOf(copyOf(the(own))) : listOf(own.nodes.map(copyOf))),
  descendants: (own, [name]) => listOf(descendants(own, keyOf(name))),
  elements: (own, [name]) =>
    listOf(
      partsOf(own, keyOf(name)).filter(({ kind }) => kind === 'element'),
      own,
      keyOf(name),
    ),
  hasComplexContent: (own) => own.nodes.length > 0 && !hasText(own),
  hasOwnProperty: (own: Held, [name]: readonly unknown[]) => hasPart(own, String(name)),
  hasSimpleContent: hasText,
  insertChildAfter: (own, given) => beside(own, given, 1),
  insertChildBefore: (own, given) => beside(own, given, 0),
  length: (own) => own.nodes.length,
  localName: (own) => the(own).name || null,
  name(own) {
    const { name, uri } = the(own);
    return name === '' ? null : new QName(name, uri);
  },
  namespace: (own) => the(own).uri,
  nodeKind: (own) => kindName[the(own).kind],
  normalize: (own) => (own.single ? xmlOf(the(own)) : listOf(own.nodes)),
  parent(own) {
    const parent = own.nodes[0]?.parent;
    return parent === undefined ? undefined : xmlOf(parent);
  },
  prependChild(own, [value]) {
    const at = the(own);
    insert(at, 0, oneOrMore(value));
    return xmlOf(at);
  },
  replace(own, [what, value]) {
    // strings have `replace` too, and scripts far more often mean that
    const by = value as string;
    if (!isXml(what) && hasText(own)) return asText(own).replace(what as string, by);
    const at = the(own);
    const found = isXml(what) ? nodesOf(what) : at.children.filter(matcher(String(what)));
    const [first, ...more] = found;
    for (const one of more) detach(one);
    if (first !== undefined) replace(first, oneOrMore(value));
    return xmlOf(at);
  },
  setChildren(own, [value]) {
    setChildren(the(own), oneOrMore(value));
    return xmlOf(the(own));
  },
  setLocalName: (own, [name]) => void (the(own).name = String(name)),
  setName: (own, [name]) => void (the(own).name = String(name).replace(/^.*::/, '')),
  setNamespace: (own, [address]) => void (the(own).uri = String(address)),
  text: (own) =>
    listOf(
      partsOf(own, '*').filter(({ kind }) => kind === 'text'),
      own,
      '*',
    ),
  toJSON: (own) => asText(own),
  toString: (own: Held) => asText(own),
  toXMLString: (own) => toMarkup(own),
  valueOf: (own: Held) => (own.single ? xmlOf(the(own)) : listOf(own.nodes)),
};

/** A QName of E4X: an object, so that `===` with a text is false, as in Rhino. */
class QName {
  readonly uri: string;
  readonly localName: string;
  readonly [Symbol.toStringTag] = 'QName';

  constructor(localName: string, uri: string) {
    this.uri = uri;
    this.localName = localName;
  }

  toString(): string {
    return this.uri === '' ? this.localName : `${this.uri}::${this.localName}`;
  }
}

/** `==` of E4X: two XML values are compared by their XML, XML and any other value by its text. */
export function areEqual(one: unknown, other: unknown): boolean {
  if (one instanceof QName && other instanceof QName) return String(one) === String(other);
  // oxlint-disable-next-line eqeqeq -- it implements the `==` of a script
  if (!isXml(one) && !isXml(other)) return one == other;
  if (isXml(one) && isXml(other)) return areSame(heldOf(one), heldOf(other));
  const own = heldOf(isXml(one) ? one : other);
  const plain = isXml(one) ? other : one;
  // as in Rhino: `undefined == x.none`, yet neither `x.none == undefined` nor `x.none == ''`
  if (plain === undefined || plain === null) return one === undefined && own.nodes.length === 0;
  return own.nodes.length === 1 && hasText(own) && asText(own) === plainTextOf(plain);
}

const areSame = (one: Held, other: Held): boolean =>
  one.nodes.length === other.nodes.length && toMarkup(one) === toMarkup(other);

/** `+` of E4X: two XML values make a list. */
export function add(one: unknown, other: unknown): unknown {
  if (isXml(one) && isXml(other)) {
    const { owner, name } = heldOf(one);
    return listOf([...nodesOf(one), ...nodesOf(other)], owner, name);
  }
  return (one as string) + (other as string);
}

/** `typeof` of E4X. */
export const typeOf = (value: unknown): string => (isXml(value) ? 'xml' : typeof value);

/** What `for each` iterates over. */
export function each(value: Xml): Iterable<Xml> {
  if (value === null || value === undefined) return [];
  if (isXml(value)) return nodesOf(value).map(xmlOf);
  return Object.values<unknown>(value);
}

/** `x.(condition)`. */
export const where = (value: unknown, isMeant: (one: Xml) => unknown): Xml =>
  listOf(nodesOf(value).filter((one) => Boolean(isMeant(xmlOf(one)))));
