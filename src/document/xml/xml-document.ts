import { EngineError } from '../../error/engine-error.ts';
import { type Charset, UTF8 } from '../charset.ts';
import type { Document } from '../document.ts';
import { parseXml, parseXmlInTurns } from './parse-xml.ts';
import {
  changed,
  copyTree,
  elementsNamed,
  newAttribute,
  newElement,
  textOf,
  type XmlAttribute,
  type XmlElement,
  type XmlNode,
  type XmlTree,
} from './tree.ts';
import { writeXml } from './write-xml.ts';
import { xmlText } from './xml-text.ts';
import { Budget } from './xpath/budget.ts';
import { xpathExpression } from './xpath-expression.ts';

/** Characters that XML 1.0 cannot contain, escaped or not. */
// oxlint-disable-next-line no-control-regex
const FORBIDDEN = /[\0-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

/** Reads XML. Throws DOCUMENT_UNREADABLE with the place, never quoting the text; a DTD is refused. */
export function xmlDocument(bytes: Uint8Array, given?: string): XmlDocument {
  const { text, charset } = xmlText(bytes, given);
  return new XmlDocument({ text, charset }, parseXml(text), bytes);
}

/** As `xmlDocument`, for a large body; other work of the thread gets its turn meanwhile. */
export async function xmlDocumentInTurns(bytes: Uint8Array, given?: string): Promise<XmlDocument> {
  const { text, charset } = xmlText(bytes, given);
  return new XmlDocument({ text, charset }, await parseXmlInTurns(text), bytes);
}

interface Source {
  readonly text: string;
  readonly charset: Charset;
}

/**
 * An XML document, with XPath as paths. Names without a prefix match in any namespace. Unchanged,
 * it is the original bytes; a change rewrites its own place, and every other character stays.
 */
export class XmlDocument implements Document {
  readonly kind = 'xml';
  readonly #source: Source;
  readonly #budget: Budget;
  #tree: XmlTree;
  /** Whether others use the same tree: then it is copied before the first change. */
  #shared = false;
  /** The nodes of a copy by the order of their originals; undefined if the tree was never copied. */
  #copied: readonly XmlNode[] | undefined;
  #raw: Uint8Array | undefined;

  constructor(source: Source, tree: XmlTree, raw: Uint8Array | undefined) {
    this.#source = source;
    this.#tree = tree;
    this.#raw = raw;
    this.#budget = new Budget(tree.size);
  }

  get(path: string): string {
    return this.getAt(undefined, path);
  }

  all(path: string): string[] {
    return this.allAt(undefined, path);
  }

  has(path: string): boolean {
    return this.hasAt(undefined, path);
  }

  /** How many elements a path selects; at a plain path (`/orders/order`) without looking at each. */
  count(path: string): number {
    const steps = path.startsWith('/') ? path.slice(1).split('/') : [];
    const [root, ...below] = steps;
    if (root !== this.#tree.element.local || below.some((step) => !NAME.test(step))) {
      return this.elementsAt(undefined, path).length;
    }
    let found: readonly XmlElement[] = [this.#tree.element];
    for (const step of below) {
      const [only] = found;
      found =
        only !== undefined && found.length === 1
          ? elementsNamed(only, step)
          : found.flatMap((element) => elementsNamed(element, step));
    }
    return found.length;
  }

  /** Creates a missing place only for a plain path: `/order/patient[2]/name/@use`. */
  set(path: string, value: string): void {
    this.setAt(undefined, path, value);
  }

  remove(path: string): void {
    this.removeAt(undefined, path);
  }

  /** @internal Like `get`, for a path that begins at a node. */
  getAt(node: XmlNode | undefined, path: string): string {
    const found = xpathExpression(path).select(this.#tree, this.#budget, node);
    if (typeof found === 'string') return found;
    return found[0] === undefined ? '' : textOf(found[0]);
  }

  /** @internal */
  allAt(node: XmlNode | undefined, path: string): string[] {
    const found = xpathExpression(path).select(this.#tree, this.#budget, node);
    return typeof found === 'string' ? [found] : found.map(textOf);
  }

  /** @internal */
  hasAt(node: XmlNode | undefined, path: string): boolean {
    const found = xpathExpression(path).select(this.#tree, this.#budget, node);
    return typeof found === 'string' ? found !== '' && found !== 'false' : found.length > 0;
  }

  /** @internal The elements that a path selects. */
  elementsAt(node: XmlNode | undefined, path: string): readonly XmlElement[] {
    return this.#nodes(path, node).filter((one) => one.kind === 'element');
  }

  /**
   * @internal A document made of elements of this one as read: a single one as its root, several
   * (`together`) in a root like their parent. Prefixes declared further out are declared again.
   */
  withElements(elements: readonly XmlElement[], together: boolean): XmlDocument {
    const { text, charset } = this.#source;
    const [first] = elements;
    const wholes = elements.map(({ source }) => text.slice(source?.whole.from, source?.whole.to));
    const parent = first?.parent;
    let body = first === undefined ? '' : withNamespaces(wholes[0] ?? '', first);
    if (together && parent?.kind === 'element') {
      const tag = text.slice(parent.source?.tag.from, parent.source?.tag.to);
      const outer = withNamespaces(tag, parent);
      body = `${outer}${wholes.join('')}</${parent.name}>`;
    }
    const declaration =
      charset === UTF8 ? '' : `<?xml version="1.0" encoding="${charset.name}"?>\n`;
    return xmlDocument(charset.encode(declaration + body), charset.name);
  }

  /** @internal `node` is one of this document's own; see `counterpart`. */
  setAt(node: XmlElement | undefined, path: string, value: string): void {
    if (FORBIDDEN.test(value) || !this.#source.charset.canEncode(value)) {
      throw new EngineError(
        'MESSAGE_INVALID',
        `XPath ${path}: the value has characters that this XML document cannot contain.`,
      );
    }
    this.#own();
    const [found] = this.#nodes(path, node);
    const place = found ?? this.#placeFor(node, path);
    if (place.kind === 'root' || place.kind === 'comment' || place.kind === 'instruction') {
      throw new EngineError(
        'PATH_INVALID',
        `XPath ${path} is neither an element nor an attribute.`,
      );
    }
    if (place.kind === 'element') this.#fill(place, value);
    else place.value = value;
    changed(place);
    this.#raw = undefined;
  }

  /** @internal */
  removeAt(node: XmlElement | undefined, path: string): void {
    this.#own();
    for (const found of this.#nodes(path, node)) {
      if (found.kind === 'root' || found.parent === undefined || found === this.#tree.element) {
        continue;
      }
      const siblings: XmlNode[] =
        found.kind === 'attribute' ? found.parent.attributes : found.parent.children;
      changed(found);
      siblings.splice(siblings.indexOf(found), 1);
      if (found.parent.kind === 'element') found.parent.named = undefined;
      found.parent = undefined;
      this.#tree.isNumbered = false;
      this.#raw = undefined;
    }
  }

  /**
   * @internal The counterpart in this copy of an element of the original; undefined if this is not
   * a copy of it, or the element was removed.
   */
  counterpart(original: XmlElement): XmlElement | undefined {
    this.#own();
    const found = this.#copied?.[original.order];
    if (found?.kind !== 'element' || found.name !== original.name) return undefined;
    for (let at: XmlNode | undefined = found; at !== undefined; at = at.parent) {
      if (at.kind === 'root') return found;
    }
    return undefined;
  }

  bytes(): Uint8Array {
    this.#raw ??= this.#source.charset.encode(writeXml(this.#tree, this.#source.text));
    return this.#raw;
  }

  copy(): XmlDocument {
    this.#shared = true;
    const copy = new XmlDocument(this.#source, this.#tree, this.#raw);
    copy.#shared = true;
    return copy;
  }

  /** Makes the tree this document's own before a change. Nodes found earlier then belong to the other tree. */
  #own(): void {
    if (!this.#shared) return;
    const { tree, nodes } = copyTree(this.#tree);
    this.#tree = tree;
    this.#copied = nodes;
    this.#shared = false;
  }

  #nodes(path: string, node?: XmlNode): readonly XmlNode[] {
    const found = xpathExpression(path).select(this.#tree, this.#budget, node);
    if (typeof found !== 'string') return found;
    throw new EngineError('PATH_INVALID', `XPath ${path} returns a value, not a place to change.`);
  }

  #fill(element: XmlElement, value: string): void {
    for (const child of element.children) child.parent = undefined;
    element.children.length = 0;
    element.named = undefined;
    this.#tree.isNumbered = false;
    if (value === '') return;
    const made = { name: '', source: undefined, order: 0, changed: true };
    element.children.push({ kind: 'text', value, parent: element, ...made });
  }

  /** The element or attribute at a plain path; missing elements on the way are created. */
  #placeFor(from: XmlElement | undefined, path: string): XmlElement | XmlAttribute {
    const absolute = path.startsWith('/');
    const steps = path.replace(/^(?:\.?\/)/, '').split('/');
    const attribute = steps.at(-1)?.startsWith('@') === true ? steps.pop() : undefined;
    let element = absolute ? undefined : from;
    for (const step of steps) {
      const [, name, position = '1'] = STEP.exec(step) ?? [];
      if (name === undefined) throw cannotMake(path);
      if (element !== undefined) element = this.#child(element, name, Number(position));
      else if (name === this.#tree.element.local) element = this.#tree.element;
      else throw cannotMake(path);
    }
    if (element === undefined) throw cannotMake(path);
    return attribute === undefined ? element : this.#attribute(element, attribute.slice(1), path);
  }

  #attribute(parent: XmlElement, name: string, path: string): XmlAttribute {
    if (!NAME.test(name)) throw cannotMake(path);
    const made = newAttribute(parent, name);
    parent.attributes.push(made);
    changed(made);
    this.#tree.isNumbered = false;
    return made;
  }

  /** The element with that name and number, from 1; if missing it is created, with those before it. */
  #child(parent: XmlElement, local: string, position: number): XmlElement {
    const same = elementsNamed(parent, local);
    while (same.length < position) {
      const made = newElement(parent, local);
      parent.children.push(made);
      same.push(made);
      changed(made);
      this.#tree.isNumbered = false;
    }
    return same[position - 1] as XmlElement;
  }
}

/**
 * The text of an element, including the namespaces from outer elements that it uses or might use.
 *
 * @param isNeeded whether a declaration from further out is repeated, by its name: `xmlns:a`
 */
export function withNamespaces(
  text: string,
  element: XmlElement,
  isNeeded: (name: string) => boolean = () => true,
): string {
  const own = declarations(element);
  const added = new Map<string, string>();
  for (let at = element.parent; at?.kind === 'element'; at = at.parent) {
    for (const [name, value] of declarations(at)) {
      if (!own.has(name) && !added.has(name)) added.set(name, value);
    }
  }
  const needed = [...added].filter(([name]) => isNeeded(name));
  const written = needed.map(([name, value]) => ` ${name}="${escaped(value)}"`).join('');
  const end = 1 + element.name.length;
  return text.slice(0, end) + written + text.slice(end);
}

function declarations({ attributes }: XmlElement): Map<string, string> {
  const found = attributes.filter(({ name }) => name === 'xmlns' || name.startsWith('xmlns:'));
  return new Map(found.map(({ name, value }) => [name, value]));
}

const escaped = (value: string): string =>
  value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

const NAME = /^[\p{L}_][\p{L}\p{N}_.-]*$/u;
const STEP = /^([\p{L}_][\p{L}\p{N}_.-]*)(?:\[([1-9]\d{0,3})\])?$/u;

function cannotMake(path: string): EngineError {
  return new EngineError(
    'PATH_INVALID',
    `XPath ${path} finds nothing, and only a plain path, such as /order/patient[2]/@id, can be created.`,
  );
}
