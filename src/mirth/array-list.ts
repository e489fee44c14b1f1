/** A list with the methods of Java and JavaScript. */
export class ArrayList extends Array<unknown> {
  // `map` and the like make plain arrays, because a list cannot be made from a number
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }

  constructor(given?: unknown) {
    super();
    if (given !== undefined && given !== null && typeof given === 'object')
      this.addAll(given as Iterable<unknown>);
  }

  add(...given: readonly unknown[]): boolean {
    if (given.length > 1) this.splice(Number(given[0]), 0, given[1]);
    else this.push(given[0]);
    return true;
  }

  addAll(values: Iterable<unknown>): boolean {
    // it may be this list
    const given = [...values];
    // a call takes no more than some 100,000
    for (const one of given) this.push(one);
    return true;
  }

  append(value: unknown): this {
    this.push(value);
    return this;
  }

  get(index: number): unknown {
    return this[index];
  }

  set(index: number, value: unknown): void {
    this[index] = value;
  }

  remove(which: unknown): unknown {
    const index = typeof which === 'number' ? which : this.indexOf(which);
    return index < 0 ? false : this.splice(index, 1)[0];
  }

  size(): number {
    return this.length;
  }

  contains(value: unknown): boolean {
    return this.includes(value);
  }

  isEmpty(): boolean {
    return this.length === 0;
  }

  clear(): void {
    this.length = 0;
  }

  toArray(): unknown[] {
    return [...this];
  }

  iterator(): { hasNext(): boolean; next(): unknown } {
    let at = 0;
    return { hasNext: () => at < this.length, next: () => this[at++] };
  }
}
