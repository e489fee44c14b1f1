import type { Document } from '../document/document.ts';
import { ExpressionFault } from './fault.ts';

/** One segment of an HL7 message in `segments("OBX")`; the CEL type `Segment`. */
export class Segment {
  readonly #document: Document;
  readonly #name: string;
  /** From 1, among the segments of its name. */
  readonly #index: number;

  constructor(document: Document, name: string, index: number) {
    this.#document = document;
    this.#name = name;
    this.#index = index;
  }

  field(path: string): string {
    return this.#document.get(this.#here(path));
  }

  fields(path: string): string[] {
    return this.#document.all(this.#here(path));
  }

  has(path: string): boolean {
    return this.#document.has(this.#here(path));
  }

  #here(path: string): string {
    if (path.startsWith(`${this.#name}-`)) {
      return `${this.#name}[${this.#index}]${path.slice(this.#name.length)}`;
    }
    throw new ExpressionFault(
      `a segment of segments("${this.#name}") is read with paths such as ${this.#name}-1`,
    );
  }
}
