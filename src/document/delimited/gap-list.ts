/** A list in which one removal near the last costs the same however long it is, as in a loop that removes some of its items. */
export class GapList<Item> {
  readonly #items: Item[];
  /** Where the places of removed items are. */
  #from = 0;
  #gap = 0;

  constructor(items: readonly Item[]) {
    this.#items = [...items];
  }

  get length(): number {
    return this.#items.length - this.#gap;
  }

  at(index: number): Item | undefined {
    return this.#items[this.#placeOf(index)];
  }

  /** Replaces an item that there is. */
  set(index: number, item: Item): void {
    this.#items[this.#placeOf(index)] = item;
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  remove(index: number): void {
    const [items, from, gap] = [this.#items, this.#from, this.#gap];
    if (index < from) items.copyWithin(index + gap, index, from);
    else items.copyWithin(from, from + gap, index + gap);
    this.#from = index;
    this.#gap += 1;
  }

  all(): Item[] {
    return this.#items.slice(0, this.#from).concat(this.#items.slice(this.#from + this.#gap));
  }

  #placeOf(index: number): number {
    return index < this.#from ? index : index + this.#gap;
  }
}
