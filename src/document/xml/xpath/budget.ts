import { EngineError } from '../../../error/engine-error.ts';

/**
 * How many nodes may be looked at for one document. It grows with the document, so that looking at
 * each node a few times is fine, but comparing all with all is not: all messages share the thread
 * that evaluates.
 */
export class Budget {
  readonly #once: number;
  #left: number;
  #until = 0;

  /** @param size how many nodes the document has */
  constructor(size: number) {
    // measured: a million takes a fifth of a second on a busy core
    this.#once = 500_000 + 16 * size;
    this.#left = 5_000_000 + 100 * size;
  }

  /** Begins one evaluation. */
  begin(): void {
    this.#until = this.#left - this.#once;
  }

  /** Throws EXPRESSION_TOO_COSTLY once there is nothing left. */
  spend(nodes: number): void {
    this.#left -= nodes;
    if (this.#left < this.#until || this.#left < 0) throw this.#tooCostly();
  }

  #tooCostly(): EngineError {
    return new EngineError(
      'EXPRESSION_TOO_COSTLY',
      this.#left < 0
        ? 'the paths into this XML have looked at too many of its nodes in total. Read its elements in a loop (each), with paths that begin there'
        : `an XPath looked at more than ${this.#once} nodes of this XML. Name the elements from the root, without comparing all with all`,
    );
  }
}
