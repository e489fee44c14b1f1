import type { Document } from '../document/document.ts';
import type { XmlElement } from '../document/xml/tree.ts';
import type { XmlDocument } from '../document/xml/xml-document.ts';

/** Where an XPath begins, and how it is written from there. */
export interface XmlPlace {
  readonly node: XmlElement | undefined;
  readonly path: string;
}

/**
 * One element of a document, seen as a document: a relative path begins at it, and an absolute one
 * that begins like the loop's path (`/r/o` in `/r/o/@id`) means it, or an element around it
 * (`/r/@id`). Of the loops around, the one with the longest match counts. Any other absolute path
 * means the whole document.
 */
export class XmlPart implements Document {
  readonly kind = 'xml';
  readonly document: XmlDocument;
  readonly element: XmlElement;
  /** How an absolute path names it. */
  readonly over: string;
  readonly #steps: readonly string[];
  readonly #around: Document;

  constructor(
    document: XmlDocument,
    element: XmlElement,
    { over, around }: { readonly over: string; readonly around: Document },
  ) {
    this.document = document;
    this.element = element;
    this.over = over;
    this.#steps = stepsOf(over);
    this.#around = around;
  }

  get(path: string): string {
    const place = this.placeOf(path);
    return this.document.getAt(place.node, place.path);
  }

  all(path: string): string[] {
    const place = this.placeOf(path);
    return this.document.allAt(place.node, place.path);
  }

  has(path: string): boolean {
    const place = this.placeOf(path);
    return this.document.hasAt(place.node, place.path);
  }

  set(path: string, value: string): void {
    const place = this.placeOf(path);
    this.document.setAt(place.node, place.path, value);
  }

  remove(path: string): void {
    const place = this.placeOf(path);
    this.document.removeAt(place.node, place.path);
  }

  /** Of the whole message. */
  bytes(): Uint8Array {
    return this.document.bytes();
  }

  /** Of the whole message. */
  copy(): Document {
    return this.document.copy();
  }

  placeOf(path: string): XmlPlace {
    if (!path.startsWith('/')) return { node: this.element, path };
    const steps = stepsOf(path);
    const best = this.#best(steps);
    if (best === undefined) return { node: undefined, path };
    const { part, common } = best;
    let node = part.element;
    for (let up = part.#steps.length - common; up > 0; up--) {
      if (node.parent?.kind !== 'element') return { node: undefined, path };
      node = node.parent;
    }
    const rest = steps.slice(common);
    return { node, path: rest.length === 0 ? '.' : `./${rest.join('/')}` };
  }

  /** The loop, this one or one around it, whose path has the most in common with a path; if equal, the inner one. */
  #best(steps: readonly string[]): { readonly part: XmlPart; readonly common: number } | undefined {
    const common = this.#commonWith(steps);
    const outer = this.#around instanceof XmlPart ? this.#around.#best(steps) : undefined;
    if (outer !== undefined && outer.common > common) return outer;
    return common === 0 ? undefined : { part: this, common };
  }

  /** How many steps a path has in common with this part's; 0 if they do not say which element it is. */
  #commonWith(steps: readonly string[]): number {
    const own = this.#steps;
    let common = 0;
    while (common < own.length && own[common] === steps[common]) common++;
    if (common === own.length) return common;
    // a step over any depth does not say how far up an element is
    return own.includes('', 1) || common < 2 ? 0 : common;
  }
}

/** The steps of a path; the first one of an absolute path is empty. A slash in a predicate or text does not count. */
function stepsOf(path: string): string[] {
  const steps = [''];
  let depth = 0;
  for (const [part] of path.matchAll(/"[^"]*"|'[^']*'|[^]/gu)) {
    if (part === '[' || part === '(') depth++;
    if (part === ']' || part === ')') depth--;
    if (part === '/' && depth === 0) steps.push('');
    else steps[steps.length - 1] += part;
  }
  return steps;
}
