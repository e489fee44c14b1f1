/** Milliseconds in which what is the same is told once. */
const EVERY = 10_000;

/** Tells the last of several, and how many there were. */
type Tell = (times: number) => void;

/**
 * Keeps what happens to each message, while something is full or away, from filling the log: the first of a kind is told
 * at once, and of those that follow the last one every ten seconds, with their number.
 */
export class Repeated {
  /** By kind: those since the last was told. */
  readonly #since = new Map<string, { times: number; tell: Tell }>();

  tell(kind: string, tell: Tell): void {
    const since = this.#since.get(kind);
    if (since !== undefined) {
      since.times += 1;
      since.tell = tell;
      return;
    }
    tell(1);
    this.#wait(kind, tell);
  }

  #wait(kind: string, tell: Tell): void {
    const since = { times: 0, tell };
    this.#since.set(kind, since);
    setTimeout(() => {
      this.#since.delete(kind);
      if (since.times === 0) return;
      since.tell(since.times);
      this.#wait(kind, since.tell);
    }, EVERY).unref();
  }
}
