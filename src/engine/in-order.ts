/** Begins the storing of several messages in their order, although each is prepared on its own. */
export interface InOrder {
  /** A place after those that were given before. */
  next(): PlaceInOrder;
}

export interface PlaceInOrder {
  /**
   * Calls `ready` and then `start` once all before it have started or ended; they may still be under
   * way. Rejects instead with what `stop` was given.
   */
  take<Result>(ready: () => Promise<void>, start: () => Promise<Result>): Promise<Result>;
  /** Must be called: the place is no longer needed. */
  end(): void;
  /** None after it starts. */
  stop(why: Error): void;
}

export function inOrder(): InOrder {
  let last: Promise<void> = Promise.resolve();
  let stopped: Error | undefined;
  return {
    next() {
      const before = last;
      const begun = Promise.withResolvers<void>();
      last = begun.promise;
      return {
        async take(ready, start) {
          await before;
          await ready();
          if (stopped !== undefined) throw stopped;
          const result = start();
          begun.resolve();
          return result;
        },
        end() {
          begun.resolve(before);
        },
        stop(why) {
          stopped ??= why;
        },
      };
    },
  };
}
