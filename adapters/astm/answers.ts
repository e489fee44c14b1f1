import type { Said } from './link-reader.ts';

export type Sign = Exclude<Said['kind'], 'frame' | 'bad-frame' | 'noise'>;

/** What the other side says while this one sends: taken one at a time, each waited for so long and no longer. */
export class Answers {
  readonly #said: Sign[] = [];
  #wake: (() => void) | undefined;
  #over: Error | undefined;

  hear({ kind }: Said): void {
    // frames come from a device that has not heard us: they mean nothing here
    if (kind === 'frame' || kind === 'bad-frame' || kind === 'noise') return;
    this.#said.push(kind);
    this.#wake?.();
  }

  /** From now on whoever waits gets this error. */
  end(error: Error): void {
    this.#over ??= error;
    this.#wake?.();
  }

  /** The next sign; undefined if none comes in so many milliseconds. */
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

  /** What was said before something was sent is no answer to it. */
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
