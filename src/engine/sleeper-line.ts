import type { Sleeper, WaitingPlace } from '../broker/waiting-room.ts';
import type { WaitingMessages } from '../control/engine-report.ts';

/** How many stale entries the heap may hold beyond twice the number of live ones. */
const SPARE = 1_000;

/** Sleepers in the order of their times, and by the answers they wait for. */
export class SleeperLine {
  /** A heap: the first is the next to wake. Replaced or taken entries stay in it and are skipped. */
  readonly #heap: Sleeper[] = [];
  readonly #byId = new Map<number, Sleeper>();
  readonly #byAnswer = new Map<string, number>();

  get size(): number {
    return this.#byId.size;
  }

  /** Adds a sleeper, or replaces what it waited for before. An update older than what is known changes nothing. */
  put(sleeper: Sleeper): void {
    const known = this.#byId.get(sleeper.id);
    if (known !== undefined && known.sequence > sleeper.sequence) return;
    this.#remove(sleeper.id);
    this.#byId.set(sleeper.id, sleeper);
    for (const answer of sleeper.answers) this.#byAnswer.set(answer, sleeper.id);
    if (sleeper.until === Number.POSITIVE_INFINITY) return;
    this.#heap.push(sleeper);
    this.#rise(this.#heap.length - 1);
    if (this.#heap.length > 2 * this.#byId.size + SPARE) this.#rebuild();
  }

  /** A message left its place. What it waits for in a later place stays. */
  drop({ id, sequence }: WaitingPlace): void {
    if (this.#byId.get(id)?.sequence === sequence) this.#remove(id);
  }

  /** How many sleep for each host, and when the next of them wakes. Takes time proportional to their number. */
  byHost(): ReadonlyMap<string, WaitingMessages> {
    const hosts = new Map<string, { count: number; next: number }>();
    for (const { host, until } of this.#byId.values()) {
      const { count, next } = hosts.get(host) ?? { count: 0, next: Number.POSITIVE_INFINITY };
      hosts.set(host, { count: count + 1, next: Math.min(next, until) });
    }
    return new Map(
      [...hosts].map(([host, { count, next }]) => [
        host,
        { count, next: Number.isFinite(next) ? next : undefined },
      ]),
    );
  }

  has(id: number): boolean {
    return this.#byId.has(id);
  }

  /** Drops stale entries, which would otherwise stay until their time. */
  #rebuild(): void {
    const live = this.#heap.filter((one) => this.#byId.get(one.id) === one);
    this.#heap.length = 0;
    for (const one of live.toSorted((a, b) => a.until - b.until)) this.#heap.push(one);
  }

  /** When the next one wakes; Infinity if none does. */
  next(): number {
    this.#dropStale();
    return this.#heap[0]?.until ?? Number.POSITIVE_INFINITY;
  }

  takeDue(now: number): Sleeper | undefined {
    this.#dropStale();
    const [first] = this.#heap;
    if (first === undefined || first.until > now) return undefined;
    this.#shift();
    this.#remove(first.id);
    return first;
  }

  takeAnswered(address: string): Sleeper | undefined {
    const id = this.#byAnswer.get(address);
    const sleeper = id === undefined ? undefined : this.#byId.get(id);
    if (sleeper !== undefined) this.#remove(sleeper.id);
    return sleeper;
  }

  #remove(id: number): void {
    const before = this.#byId.get(id);
    if (before === undefined) return;
    this.#byId.delete(id);
    for (const answer of before.answers) this.#byAnswer.delete(answer);
  }

  #dropStale(): void {
    for (let [first] = this.#heap; first !== undefined; [first] = this.#heap) {
      if (this.#byId.get(first.id) === first) return;
      this.#shift();
    }
  }

  #shift(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    for (let at = 0; ; ) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (this.#until(child) < this.#until(least)) least = child;
      }
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #rise(from: number): void {
    for (let at = from; at > 0; ) {
      const above = (at - 1) >> 1;
      if (this.#until(above) <= this.#until(at)) return;
      this.#swap(at, above);
      at = above;
    }
  }

  #until(at: number): number {
    return this.#heap[at]?.until ?? Number.POSITIVE_INFINITY;
  }

  #swap(a: number, b: number): void {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    if (one === undefined || other === undefined) return;
    this.#heap[a] = other;
    this.#heap[b] = one;
  }
}
