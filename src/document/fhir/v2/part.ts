import { partsOf } from '../../segment/part.ts';

/** How the values of one message are written. */
export interface PartMarks {
  readonly component: string;
  readonly subcomponent: string;
  /** Resolves escapes of a single value. */
  readonly unescape: (text: string) => string;
}

/**
 * One repetition of a field, a component or a subcomponent of an HL7 v2 message. It remembers
 * whether its value was used, which is what the report of unmapped places is made of.
 */
export class Part {
  readonly #text: string;
  readonly #marks: PartMarks;
  /** The separators of the levels below, the next one first. */
  readonly #separators: readonly string[];
  #children: readonly Part[] | undefined;
  #used = false;

  constructor(text: string, marks: PartMarks, separators?: readonly string[]) {
    this.#text = text;
    this.#marks = marks;
    this.#separators = separators ?? [marks.component, marks.subcomponent];
  }

  /** Nothing, or HL7's null (`""`): the sender has no value, which FHIR says by leaving it out. */
  get isEmpty(): boolean {
    if (this.#text === '') return true;
    return this.#own.every((part) => (part === this ? blank(this.#text) : part.isEmpty));
  }

  /** The nth component; of a subcomponent, itself as its first. */
  child(n: number): Part | undefined {
    const own = this.#own;
    const found = own[n - 1];
    return found === undefined || found.isEmpty ? undefined : found;
  }

  /** As it stands in the message, with its separators. */
  get text(): string {
    return this.#marks.unescape(this.#text);
  }

  /** The value, unescaped, of its first leaf; that counts as used. */
  use(): string {
    const [first] = this.#own;
    if (first !== undefined && first !== this) return first.use();
    this.#used = true;
    return this.peek();
  }

  /** The same without counting as used. */
  peek(): string {
    const [first] = this.#own;
    if (first !== undefined && first !== this) return first.peek();
    const value = this.#marks.unescape(this.#text).trim();
    return value === '""' ? '' : value;
  }

  /** Its first leaf was used for nothing after all. */
  leave(): void {
    const [first] = this.#own;
    if (first !== undefined && first !== this) first.leave();
    else this.#used = false;
  }

  /** Nothing of it was used after all. */
  leaveAll(): void {
    this.#used = false;
    for (const part of this.#own) if (part !== this) part.leaveAll();
  }

  /** Everything below counts as used. */
  useAll(): void {
    this.#used = true;
    for (const part of this.#own) if (part !== this) part.useAll();
  }

  /** Whether each value below was used, by its number, such as `3` or `3.2`; `''` for the whole. */
  leaves(prefix = ''): readonly { readonly number: string; readonly used: boolean }[] {
    const own = this.#own;
    if (own.length === 1 && own[0] === this) {
      return blank(this.#text) ? [] : [{ number: prefix, used: this.#used }];
    }
    return own.flatMap((part, at) => {
      const isAlone = own.length === 1 && part.#own.length === 1;
      const number = `${prefix === '' ? '' : `${prefix}.`}${at + 1}`;
      return part.leaves(isAlone ? prefix : number);
    });
  }

  get #own(): readonly Part[] {
    this.#children ??= this.#divided();
    return this.#children;
  }

  #divided(): readonly Part[] {
    const [separator = '', ...below] = this.#separators;
    if (!this.#separators.some((mark) => mark !== '' && this.#text.includes(mark))) return [this];
    const parts = partsOf(this.#text, separator);
    return parts.map((text) => new Part(text, this.#marks, below));
  }
}

const blank = (text: string): boolean => text.trim() === '' || text === '""';
