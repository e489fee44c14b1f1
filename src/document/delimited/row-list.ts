import { FoundRows, GapList } from './rows.ts';

/** One record of a delimited text: its characters and its line end. */
export interface Row {
  readonly text: string;
  readonly lineEnd: string;
}

/**
 * The records of a text. Those that are as they came are only places in it, since very many short ones would take a hundred
 * times their text; changed and new ones are kept beside them.
 */
export class RowList {
  /** As they came. */
  readonly #found: FoundRows;
  /** Changed rows by their number among those that came, from 0; new ones have the numbers behind. */
  readonly #own: Map<number, Row>;
  /** The numbers of the rows that are left, once one was removed. */
  #left: GapList<number> | undefined;
  /** How many numbers are given. */
  #given: number;

  constructor(found: FoundRows, own: ReadonlyMap<number, Row> = new Map(), given = found.length) {
    this.#found = found;
    this.#own = new Map(own);
    this.#given = given;
  }

  static of(rows: Iterable<Row>): RowList {
    const pieces: string[] = [];
    const found = new FoundRows();
    let at = 0;
    for (const { text, lineEnd } of rows) {
      found.add(at);
      at += text.length + lineEnd.length;
      pieces.push(text, lineEnd);
    }
    found.text = pieces.join('');
    return new RowList(found);
  }

  get length(): number {
    return this.#left?.length ?? this.#given;
  }

  at(index: number): Row | undefined {
    const number = this.#numberAt(index);
    return number === undefined ? undefined : (this.#own.get(number) ?? this.#found.row(number));
  }

  /** Replaces a row that there is. */
  set(index: number, row: Row): void {
    const number = this.#numberAt(index);
    if (number !== undefined) this.#own.set(number, row);
  }

  push(row: Row): void {
    this.#left?.push(this.#given);
    this.#own.set(this.#given, row);
    this.#given += 1;
  }

  remove(index: number): void {
    this.#left ??= new GapList(Array.from({ length: this.#given }, (_, number) => number));
    this.#left.remove(index);
  }

  copy(): RowList {
    const copy = new RowList(this.#found, this.#own, this.#given);
    if (this.#left !== undefined) copy.#left = new GapList(this.#left.all());
    return copy;
  }

  /** Their text; those that follow each other as they came are taken together. */
  written(): string {
    const { text, length } = this.#found;
    const pieces: string[] = [];
    let [from, to] = [0, 0];
    const add = (number: number, next: number): void => {
      if (number !== to) {
        pieces.push(this.#found.between(from, to));
        from = number;
      }
      to = next;
    };
    if (this.#left === undefined && this.#own.size === 0) return text;
    for (const [number, until] of this.#stretches()) {
      const own = this.#own.get(number);
      if (own === undefined) add(number, until);
      else {
        pieces.push(this.#found.between(from, to), own.text, own.lineEnd);
        [from, to] = [Math.min(until, length), Math.min(until, length)];
      }
    }
    pieces.push(this.#found.between(from, to));
    return pieces.join('');
  }

  /** Numbers of rows in order, from and up to which nothing is changed or removed; a changed row is one by itself. */
  *#stretches(): Generator<readonly [number: number, until: number]> {
    if (this.#left !== undefined) {
      for (const number of this.#left.all()) yield [number, number + 1];
      return;
    }
    let at = 0;
    for (const number of [...this.#own.keys()].toSorted((a, b) => a - b)) {
      if (number > at) yield [at, number];
      yield [number, number + 1];
      at = number + 1;
    }
    if (at < this.#found.length) yield [at, this.#found.length];
  }

  #numberAt(index: number): number | undefined {
    if (this.#left !== undefined) return this.#left.at(index);
    return index >= 0 && index < this.#given ? index : undefined;
  }
}
