import type { Line } from './line.ts';
import type { LineRun } from './line-run.ts';

/** Goes over all lines of a body, which are mostly told by their names, so that few need to be opened. */
export class LineCursor {
  /** The number of characters of the body as it came. */
  readonly size: number;
  readonly #runs: readonly LineRun[];
  #place = 0;
  #at = -1;

  constructor(runs: readonly LineRun[], size: number) {
    this.size = size;
    this.#runs = runs;
  }

  /** Goes to the next line; false behind the last. */
  next(): boolean {
    this.#at += 1;
    if (this.#at < (this.#runs[this.#place]?.length ?? 0)) return true;
    this.#place += 1;
    this.#at = 0;
    return this.#place < this.#runs.length;
  }

  /** The name of the line as a number. */
  get code(): number {
    return this.#runs[this.#place]?.codeAt(this.#at) ?? 0;
  }

  get line(): Line | undefined {
    return this.#runs[this.#place]?.at(this.#at);
  }

  /** The line before; behind the last line that one. */
  get before(): Line | undefined {
    if (this.#at > 0) return this.#runs[this.#place]?.at(this.#at - 1);
    const previous = this.#runs[this.#place - 1];
    return previous?.at(previous.length - 1);
  }
}
