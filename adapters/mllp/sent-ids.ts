/** How many are remembered: an answer that comes later than after so many messages is taken for a strange one. */
const MOST = 1_000;

/** The control ids of the messages sent last to one peer. */
export class SentIds {
  readonly #ids = new Set<string>();

  add(id: string): void {
    if (id === '') return;
    this.#ids.delete(id);
    this.#ids.add(id);
    if (this.#ids.size <= MOST) return;
    const [oldest] = this.#ids;
    if (oldest !== undefined) this.#ids.delete(oldest);
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }
}
