/** How many lines are found at once. */
const ROOM = 512;
const [START, END, NEXT, CODE, EACH] = [0, 1, 2, 3, 4];

/**
 * Neighbouring lines of a text as they were found: where each begins and ends, and its name, all as numbers. A line of two
 * characters takes a hundred times its text as an object.
 */
export class FoundLines {
  readonly from: number;
  length = 0;
  readonly #numbers = new Int32Array(ROOM * EACH);

  /** `from`: where what is before the first of them begins. */
  constructor(from: number) {
    this.from = from;
  }

  get isFull(): boolean {
    return this.length === ROOM;
  }

  /** Adds a line; `next`: where what is before the next line begins. */
  add(
    start: number,
    end: number,
    { next, code }: { readonly next: number; readonly code: number },
  ): void {
    const numbers = this.#numbers;
    const place = this.length++ * EACH;
    numbers[place + START] = start;
    numbers[place + END] = end;
    numbers[place + NEXT] = next;
    numbers[place + CODE] = code;
  }

  code(index: number): number {
    return this.#numbers[index * EACH + CODE] ?? 0;
  }

  /** Where what is before a line begins. */
  fromOf(index: number): number {
    return index === 0 ? this.from : (this.#numbers[(index - 1) * EACH + NEXT] ?? 0);
  }

  /** Where what is after a line begins. */
  nextOf(index: number): number {
    return this.#numbers[index * EACH + NEXT] ?? 0;
  }

  span(index: number): readonly [from: number, start: number, end: number, next: number] {
    const [start = 0, end = 0, next = 0] = this.#numbers.subarray(
      index * EACH,
      index * EACH + CODE,
    );
    return [this.fromOf(index), start, end, next];
  }
}
