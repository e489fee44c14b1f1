import type { Hl7Dictionary } from '../../hl7/dictionary/dictionary.ts';

/** The levels of a field: its components and their subcomponents. */
const SEPARATORS = ['^', '&'] as const;

const SPECIAL: Readonly<Record<string, string>> = {
  '|': '\\F\\',
  '^': '\\S\\',
  '&': '\\T\\',
  '~': '\\R\\',
  '\\': '\\E\\',
};

/**
 * A repetition of a field, a component or a subcomponent while a message is written. It has the
 * parts that its data type has in that version of HL7, and no others; CE has those of CWE as soon as a
 * version has that, since who reads CE ignores what follows.
 */
export class Cell {
  readonly #dictionary: Hl7Dictionary;
  readonly #type: string;
  readonly #level: number;
  readonly #below = new Map<number, Cell>();
  #text = '';

  constructor(type: string, dictionary: Hl7Dictionary, level = 0) {
    this.#type = type === 'CE' && dictionary.components('CWE') !== undefined ? 'CWE' : type;
    this.#dictionary = dictionary;
    this.#level = level;
  }

  /** Whether the data type has no components, such as ID. */
  get isPlain(): boolean {
    return this.#components.length === 0;
  }

  /** Whether HL7 itself says which codes may stand here. */
  get isFixedCode(): boolean {
    return this.#type === 'ID';
  }

  /** The part with this number; of a plain one, itself as its first. Undefined if the type has none. */
  at(number: number): Cell | undefined {
    if (this.isPlain) return number === 1 ? this : undefined;
    const component = this.#components[number - 1];
    if (component === undefined || component.usage === 'withdrawn') return undefined;
    const known = this.#below.get(number);
    if (known !== undefined) return known;
    const made = new Cell(component.type, this.#dictionary, this.#level + 1);
    this.#below.set(number, made);
    return made;
  }

  /** Further down, one number a level. */
  deep(numbers: readonly number[]): Cell | undefined {
    return numbers.reduce<Cell | undefined>((cell, number) => cell?.at(number), this);
  }

  /** Writes its first leaf; false if another text is there already. */
  set(text: string): boolean {
    if (text === '') return false;
    const leaf = this.#leaf;
    const value = leaf.#type === 'DT' ? text.slice(0, 8) : text;
    if (leaf.#text !== '') return leaf.#text === value;
    leaf.#text = value;
    return true;
  }

  /** Puts more behind its first leaf. */
  append(text: string, between: string): boolean {
    const leaf = this.#leaf;
    leaf.#text = leaf.#text === '' ? text : leaf.#text + between + text;
    return text !== '';
  }

  /** The text of its first leaf. */
  get text(): string {
    return this.#leaf.#text;
  }

  get isEmpty(): boolean {
    return this.#text === '' && [...this.#below.values()].every((cell) => cell.isEmpty);
  }

  /** As it stands in the message. */
  written(): string {
    if (this.isPlain) return escaped(this.#text);
    const last = Math.max(0, ...this.#below.keys());
    const parts = Array.from({ length: last }, (_, at) => this.#below.get(at + 1)?.written() ?? '');
    while (parts.at(-1) === '') parts.pop();
    return parts.join(SEPARATORS[this.#level]);
  }

  get #leaf(): Cell {
    if (this.isPlain) return this;
    const first = this.at(1);
    return first === undefined ? this : first.#leaf;
  }

  get #components(): NonNullable<ReturnType<Hl7Dictionary['components']>> {
    return this.#level < SEPARATORS.length ? (this.#dictionary.components(this.#type) ?? []) : [];
  }
}

/** Other control characters than a tab, and what some take for the end of a line. */
const CONTROL = /[\p{Cc}\u2028\u2029]/gu;

/** A text that cannot leave its place: delimiters are escaped, a new line is `\.br\`, other control characters are left out. */
function escaped(text: string): string {
  return text
    .replaceAll(/[|^&~\\]/g, (character) => SPECIAL[character] ?? '')
    .replaceAll(/\r\n|\r|\n/g, '\\.br\\')
    .replaceAll(CONTROL, (character) => (character === '\t' ? character : ''));
}
