/** The latest ids. What is looked for once in a while needs no index, which would cost a sender as much as reading its header. */
export class LatestIds {
  readonly #most: number;
  readonly #ids: string[] = [];
  #next = 0;

  constructor(most: number) {
    this.#most = most;
  }

  has(id: string): boolean {
    return this.#ids.includes(id);
  }

  add(id: string): void {
    this.#ids[this.#next] = id;
    this.#next = (this.#next + 1) % this.#most;
  }
}
