/** Since when things have been so, as far as somebody looked: what is not seen once begins anew. */
export class Lasting {
  readonly #since = new Map<string, number>();

  /** All that is so now, with since when. */
  see(names: readonly string[], now: number): ReadonlyMap<string, number> {
    for (const known of this.#since.keys()) if (!names.includes(known)) this.#since.delete(known);
    for (const name of names) if (!this.#since.has(name)) this.#since.set(name, now);
    return new Map(this.#since);
  }
}
