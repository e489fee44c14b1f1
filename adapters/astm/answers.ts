import type { Said } from './link-reader.ts';

export type Sign = Exclude<Said['kind'], 'frame' | 'bad-frame' | 'noise'>;

/** What the other side says while this one sends: read one at a time, each with a time limit. */
export class Answers {
  readonly #said: Sign[] = [];
  #wake: (() => void) | undefined;
  #over: Error | undefined;

  hear({ kind }: Said): void {
    // a device that has not heard us sends frames: they are ignored here
    if (kind === 'frame' || kind === 'bad-frame' || kind === 'noise') return;
    this.#said.push(kind);
    this.#wake?.();
  }

  /** From now on, waiting fails with this error. */
  end(error: Error): void {
    this.#over ??= error;
    this.#wake?.();
  }

  /** The next signal; undefined if none arrives within so many milliseconds. */
  async next(within: number): Promise<Sign | undefined> {
    const until = performance.now() + within;
    for (;;) {
      if (this.#over !== undefined) throw this.#over;
      const sign = this.#said.shift();
      if (sign !== undefined) return sign;
      const left = until - performance.now();
      if (left <= 0) return undefined;
      await this.#news(left);
    }
  }

  /** Discards what was said earlier, which cannot be an answer to what is sent now. */
  clear(): void {
    this.#said.length = 0;
  }

  async #news(within: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(resolve, Math.min(within, 2 ** 31 - 1));
    await promise;
    clearTimeout(timer);
    this.#wake = undefined;
  }
}
