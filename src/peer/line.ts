/** What waits for its turn, first in, first out. The shift of a long array would move all of it each time. */
export class Line<One> {
  #all: (One | undefined)[] = [];
  #first = 0;

  get length(): number {
    return this.#all.length - this.#first;
  }

  add(one: One): void {
    this.#all.push(one);
  }

  next(): One | undefined {
    const one = this.#all[this.#first];
    if (one === undefined) return undefined;
    // it is not kept once it was taken
    this.#all[this.#first++] = undefined;
    if (this.#first === this.#all.length) this.#all.length = this.#first = 0;
    else if (this.#first > MOST_TAKEN) {
      this.#all = this.#all.slice(this.#first);
      this.#first = 0;
    }
    return one;
  }
}

/** Places of what was taken, before the array is made anew. */
const MOST_TAKEN = 1_024;
