/** Work that closing waits for, if each piece obeys its signal itself. It is only counted: each caller gets its own error. */
export class UnderWay {
  #count = 0;
  /** Resolved once there is none. */
  #none: PromiseWithResolvers<void> | undefined;

  /** The same promise: a caller that waits for it waits no longer. */
  run<Value>(work: Promise<Value>): Promise<Value> {
    this.begin();
    work.then(this.end, this.end);
    return work;
  }

  /** A piece begins that calls `end` once, however it ends. */
  begin(): void {
    this.#count += 1;
  }

  readonly end = (): void => {
    this.#count -= 1;
    if (this.#count > 0) return;
    this.#none?.resolve();
    this.#none = undefined;
  };

  get count(): number {
    return this.#count;
  }

  /** Waits until nothing is under way. */
  ended(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    this.#none ??= Promise.withResolvers();
    return this.#none.promise;
  }
}
