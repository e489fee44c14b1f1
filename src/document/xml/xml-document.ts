import { type Document as Dom, type Element, type Node, XMLSerializer } from '@xmldom/xmldom';
import { EngineError } from '../../error/engine-error.ts';
import type { Charset } from '../charset.ts';
import type { Document } from '../document.ts';
import { parseXml, xmlText } from './xml-text.ts';
import { xpathExpression } from './xpath-expression.ts';

const ELEMENT = 1;
const ATTRIBUTE = 2;
/** Elements, attributes, texts and CDATA. */
const HOLDS_TEXT: ReadonlySet<number> = new Set([ELEMENT, ATTRIBUTE, 3, 4]);
/** What XML 1.0 cannot hold, escaped or not. */
// oxlint-disable-next-line no-control-regex
const FORBIDDEN = /[\0-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

/** Reads XML. Throws DOCUMENT_UNREADABLE with the place, never quoting the text; a DTD is refused. */
export function xmlDocument(bytes: Uint8Array, given?: string): XmlDocument {
  const { text, charset } = xmlText(bytes, given);
  return new XmlDocument({ text, charset, raw: bytes, tree: parseXml(text) });
}

interface Source {
  readonly text: string;
  readonly charset: Charset;
  readonly raw: Uint8Array;
  readonly tree: Dom;
}

/**
 * An XML document by XPath. Names without a prefix match in any namespace. Unchanged it is the original
 * bytes; a change writes the whole document anew, with the same content, encoding and line ends.
 */
export class XmlDocument implements Document {
  readonly kind = 'xml';
  readonly #source: Source;
  readonly #tree: Dom;
  #raw: Uint8Array | undefined;

  constructor(source: Source) {
    this.#source = source;
    this.#tree = source.tree;
    this.#raw = source.raw;
  }

  get(path: string): string {
    const found = xpathExpression(path).select(this.#tree);
    if (typeof found === 'string') return found;
    return found[0] === undefined ? '' : textOf(found[0]);
  }

  all(path: string): string[] {
    const found = xpathExpression(path).select(this.#tree);
    return typeof found === 'string' ? [found] : found.map(textOf);
  }

  has(path: string): boolean {
    const found = xpathExpression(path).select(this.#tree);
    return typeof found === 'string' ? found !== '' && found !== 'false' : found.length > 0;
  }

  /** Makes a missing place only for a plain path: `/order/patient[2]/name/@use`. */
  set(path: string, value: string): void {
    if (FORBIDDEN.test(value) || !this.#source.charset.canEncode(value)) {
      throw new EngineError(
        'MESSAGE_INVALID',
        `XPath ${path}: the value has characters that this XML document cannot hold.`,
      );
    }
    const [found] = this.#nodes(path);
    const node = found ?? placeFor(this.#tree, path);
    if (!HOLDS_TEXT.has(node.nodeType)) {
      throw new EngineError(
        'PATH_INVALID',
        `XPath ${path} is neither an element nor an attribute.`,
      );
    }
    if (node.nodeType === ATTRIBUTE) node.nodeValue = value;
    node.textContent = value;
    this.#raw = undefined;
  }

  remove(path: string): void {
    for (const node of this.#nodes(path)) {
      if (node.nodeType === ATTRIBUTE) {
        const attribute = node as Node & { readonly ownerElement: Element | null };
        attribute.ownerElement?.removeAttribute(node.nodeName);
      } else if (node !== this.#tree.documentElement) {
        node.parentNode?.removeChild(node);
      }
      this.#raw = undefined;
    }
  }

  bytes(): Uint8Array {
    this.#raw ??= this.#source.charset.encode(this.#write());
    return this.#raw;
  }

  copy(): XmlDocument {
    const raw = this.bytes();
    const tree = this.#tree.cloneNode(true) as Dom;
    return new XmlDocument({ ...this.#source, raw, tree });
  }

  #nodes(path: string): readonly Node[] {
    const found = xpathExpression(path).select(this.#tree);
    if (typeof found !== 'string') return found;
    throw new EngineError('PATH_INVALID', `XPath ${path} gives a value, not a place to change.`);
  }

  #write(): string {
    const { text } = this.#source;
    const written = new XMLSerializer().serializeToString(this.#tree);
    const mark = text.startsWith('\uFEFF') ? '\uFEFF' : '';
    const end = /\s*$/.exec(text)?.[0].replaceAll('\r\n', '\n') ?? '';
    const whole = mark + written.replaceAll('\r', '&#13;') + end;
    return text.includes('\r\n') ? whole.replaceAll('\n', '\r\n') : whole;
  }
}

function textOf(node: Node): string {
  return (node.nodeType === ATTRIBUTE ? node.nodeValue : node.textContent) ?? '';
}

const STEP = /^([\p{L}_][\p{L}\p{N}_.-]*)(?:\[([1-9]\d{0,3})\])?$/u;

/** The element or attribute at a plain path, made with what is missing on the way. */
function placeFor(tree: Dom, path: string): Node {
  const steps = path.startsWith('/') ? path.slice(1).split('/') : [];
  const attribute = steps.at(-1)?.startsWith('@') === true ? steps.pop() : undefined;
  const [first, ...rest] = steps.map((step) => STEP.exec(step));
  let element = tree.documentElement;
  if (element === null || first?.[1] !== element.localName) throw cannotMake(path);
  for (const match of rest) {
    if (match === null) throw cannotMake(path);
    element = childOf(tree, element, match[1] ?? '', Number(match[2] ?? 1));
  }
  return attribute === undefined ? element : attributeOf(element, attribute.slice(1), path);
}

function attributeOf(element: Element, name: string, path: string): Node {
  if (!/^[\p{L}_][\p{L}\p{N}_.-]*$/u.test(name)) throw cannotMake(path);
  element.setAttribute(name, '');
  const made = element.getAttributeNode(name);
  if (made === null) throw cannotMake(path);
  return made;
}

function childOf(tree: Dom, parent: Element, name: string, position: number): Element {
  const children = [...parent.childNodes].filter(
    (child) => child.nodeType === ELEMENT && (child as Element).localName === name,
  );
  const found = children[position - 1] as Element | undefined;
  if (found !== undefined) return found;
  const qualified = parent.prefix === null ? name : `${parent.prefix}:${name}`;
  let last: Element = parent;
  for (let count = children.length; count < position; count++) {
    last =
      parent.namespaceURI === null
        ? tree.createElement(name)
        : tree.createElementNS(parent.namespaceURI, qualified);
    parent.appendChild(last);
  }
  return last;
}

function cannotMake(path: string): EngineError {
  return new EngineError(
    'PATH_INVALID',
    `XPath ${path} finds nothing, and only a plain path from the root, such as /order/patient[2]/@id, can be made.`,
  );
}
