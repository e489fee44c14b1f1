import type { FieldDefinition, Hl7Dictionary } from '../../hl7/dictionary/dictionary.ts';
import { Cell } from './cell.ts';

/** A segment while a message is written. It has the fields that it has in that version of HL7. */
export class TargetSegment {
  readonly name: string;
  readonly #dictionary: Hl7Dictionary;
  readonly #fields = new Map<number, Cell[]>();
  /** Which table wrote a field first: another one does not add to it. */
  readonly #owners = new Map<number, string>();
  /** The type of OBX-5. */
  #varying = 'ST';

  constructor(name: string, dictionary: Hl7Dictionary) {
    this.name = name;
    this.#dictionary = dictionary;
  }

  /** What HL7 says of a field; undefined if this version does not have it. */
  #definition(number: number): FieldDefinition | undefined {
    const found = this.#dictionary.fields(this.name)?.[number - 1];
    return found?.usage === 'withdrawn' ? undefined : found;
  }

  /** Says of which data type OBX-5 is. */
  vary(type: string): void {
    this.#varying = type;
  }

  /** A repetition to write to, a new one if wanted; undefined where HL7 permits no (other) one. */
  cell(number: number, { owner, isNew }: { owner: string; isNew: boolean }): Cell | undefined {
    const definition = this.#definition(number);
    if (definition === undefined) return undefined;
    const before = this.#owners.get(number);
    if (before !== undefined && before !== owner) return undefined;
    const cells = this.#fields.get(number) ?? [];
    const last = cells.at(-1);
    const isFull = cells.length >= definition.repetitions;
    if (isNew && last?.isEmpty === false && isFull) return undefined;
    if (last !== undefined && (!isNew || last.isEmpty)) return last;
    const made = new Cell(this.#typeOf(definition), this.#dictionary);
    this.#fields.set(number, [...cells, made]);
    return made;
  }

  /** Every field that has a value now belongs to the table that was read. */
  settle(owner: string): void {
    for (const number of this.#fields.keys()) {
      if (this.isValued(number) && !this.#owners.has(number)) this.#owners.set(number, owner);
    }
  }

  /** Writes a text if nothing is there; parts are numbered from the field on. */
  put([number = 0, ...parts]: readonly number[], text: string): void {
    const cell = this.cell(number, { owner: this.#owners.get(number) ?? '', isNew: false });
    if (cell?.deep(parts)?.isEmpty === true) cell.deep(parts)?.set(text);
  }

  /** The text at a place, of the first repetition. */
  text([number = 0, ...parts]: readonly number[]): string {
    return this.#fields.get(number)?.[0]?.deep(parts)?.text ?? '';
  }

  isValued(number: number): boolean {
    return this.#fields.get(number)?.some((cell) => !cell.isEmpty) === true;
  }

  /** Moves what is in one field into another, where that is empty. */
  move(from: number, to: number): void {
    const cells = this.#fields.get(from);
    if (cells === undefined || this.isValued(to)) return;
    this.#fields.set(to, cells);
    this.#fields.delete(from);
  }

  get isEmpty(): boolean {
    return [...this.#fields.keys()].every((number) => !this.isValued(number));
  }

  written(): string {
    const last = Math.max(0, ...this.#fields.keys());
    const fields = Array.from({ length: last }, (_, at) => this.#field(at + 1));
    while (fields.at(-1) === '') fields.pop();
    // the first field of MSH is the separator itself
    if (this.name === 'MSH') return ['MSH', '^~\\&', ...fields.slice(2)].join('|');
    return [this.name, ...fields].join('|');
  }

  #field(number: number): string {
    const cells = this.#fields.get(number) ?? [];
    return cells
      .map((cell) => cell.written())
      .filter((text) => text !== '')
      .join('~');
  }

  #typeOf({ type }: FieldDefinition): string {
    return type === 'VARIES' || type === 'varies' ? this.#varying : type;
  }
}
