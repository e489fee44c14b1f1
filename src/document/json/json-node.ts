import { memberPlaces, NUMBERS, type Places, stringEnd } from './member-places.ts';

/**
 * A value of a JSON text. Until it is looked into it is only its text, which is parsed one level at a time. Several documents
 * may share one; only that of its `owner` changes it.
 */
export interface JsonNode {
  readonly owner: object | undefined;
  /** Its text; undefined while something in it has changed and is not written yet. */
  text: string | undefined;
  /** The content of an object or array that was looked into. */
  parts: JsonParts | undefined;
}

export function jsonNode(text: string): JsonNode {
  return { owner: undefined, text, parts: undefined };
}

/** A value that `owner` may change, with what is known of it. */
export function ownedNode(node: JsonNode, owner: object): JsonNode {
  if (node.owner === owner) return node;
  return { owner, text: node.text, parts: node.parts?.copy() };
}

/** The text of a value. */
export function textOf(node: JsonNode): string {
  node.text ??= node.parts?.written() ?? '';
  return node.text;
}

/** The members of an object or the elements of an array; undefined for any other value. */
export function partsOf(node: JsonNode): JsonParts | undefined {
  const { text, parts } = node;
  if (parts !== undefined || text === undefined) return parts;
  const open = text.charAt(0);
  if (open !== '{' && open !== '[') return undefined;
  node.parts = new JsonParts(text, memberPlaces(text));
  return node.parts;
}

interface JsonMember {
  /** What comes before it: white space and, except for the first, a comma. */
  readonly lead: string;
  /** The name as written, up to the value; `''` in an array. */
  readonly name: string;
  readonly node: JsonNode;
}

/** What a copy takes over. */
interface Known {
  readonly tail: string | undefined;
  readonly large: Map<number, JsonNode>;
  readonly recent: Map<number, JsonNode>;
  readonly older: ReadonlyMap<number, JsonNode>;
  readonly changed: ReadonlyMap<number, JsonMember>;
  readonly added: readonly JsonMember[];
  readonly names: NameIndex | undefined;
}

const nothingKnown = (): Known => ({
  tail: undefined,
  large: new Map(),
  recent: new Map(),
  older: new Map(),
  changed: new Map(),
  added: [],
  names: undefined,
});

/** A larger value is kept once it was looked into; of smaller ones those that were asked for last. */
const LARGE = 64 * 1024;
const MOST_KEPT = 1_024;
/** From this many members on, names are not searched for one after the other. */
const MANY = 32;

/**
 * What is in an object or array: places in the text that it was read from, and beside them only what was looked into,
 * changed or added. A member as an object of its own would take thirty times its text.
 */
export class JsonParts {
  readonly isArray: boolean;
  readonly #text: string;
  #places: Places;
  /** The same, once a member was removed. */
  #ownPlaces: Uint32Array | undefined;
  #tail: string;
  /** Values that were looked into, by where they begin. */
  readonly #large: Map<number, JsonNode>;
  #recent: Map<number, JsonNode>;
  /** Those before them: kept until as many have been asked for since. */
  #older: ReadonlyMap<number, JsonNode>;
  /** Members that were changed, or behind a removed one, in the same way. */
  readonly #changed: Map<number, JsonMember>;
  readonly #added: JsonMember[];
  #addedNames: Map<string, number> | undefined;
  #names: NameIndex | undefined;

  constructor(text: string, places: Places, known: Known = nothingKnown()) {
    this.isArray = text.charAt(0) === '[';
    this.#text = text;
    this.#places = places;
    this.#tail = known.tail ?? text.slice(this.#lastEnd);
    this.#large = known.large;
    this.#recent = known.recent;
    this.#older = known.older;
    this.#changed = new Map(known.changed);
    this.#added = [...known.added];
    this.#names = known.names;
  }

  /** One that changes by itself; what is found out about values that are not changed serves both. */
  copy(): JsonParts {
    // from now on they are used by two
    this.#ownPlaces = undefined;
    return new JsonParts(this.#text, this.#places, {
      tail: this.#tail,
      large: this.#large,
      recent: this.#recent,
      older: this.#older,
      changed: this.#changed,
      added: this.#added,
      names: this.#names,
    });
  }

  get length(): number {
    return this.#read + this.#added.length;
  }

  /** How many of those that were read are still there. */
  get #read(): number {
    return this.#places.length / NUMBERS;
  }

  get #lastEnd(): number {
    return this.#places.at(-1) ?? 1;
  }

  /** A value that is already known, by where it begins in the text. */
  know(from: number, node: JsonNode): void {
    this.#large.set(from, node);
  }

  /** The value of a member. */
  node(index: number): JsonNode | undefined {
    if (index >= this.#read) return this.#added[index - this.#read]?.node;
    const from = this.#number(index, 1);
    const known = this.#known(from);
    if (known !== undefined) return known;
    const node = this.#made(index);
    if (node.text !== undefined && node.text.length >= LARGE) this.#large.set(from, node);
    else this.#keep(from, node);
    return node;
  }

  /** The name of a member of an object. */
  nameOf(index: number): string {
    return nameAt(this.#member(index).name, 0);
  }

  /** All values. */
  nodes(): JsonNode[] {
    const isFew = this.length <= MOST_KEPT;
    return Array.from({ length: this.length }, (_, index) => {
      if (isFew || index >= this.#read) return this.node(index) ?? jsonNode('');
      const from = this.#number(index, 1);
      const known = this.#changed.get(from)?.node ?? this.#large.get(from);
      return known ?? this.#made(index);
    });
  }

  /** The value of a member, from now on `owner`'s. */
  own(index: number, owner: object): JsonNode | undefined {
    if (index >= this.length) return undefined;
    const member = this.#member(index);
    const owned = ownedNode(member.node, owner);
    if (owned !== member.node) this.#set(index, { ...member, node: owned });
    return owned;
  }

  /** The index of the member with a key: the last one of a repeated name, as for JSON.parse; −1 if there is none. */
  indexOf(key: string): number {
    if (this.isArray) {
      return /^(?:0|[1-9]\d{0,8})$/.test(key) && Number(key) < this.length ? Number(key) : -1;
    }
    const added = this.#namesAdded().get(key);
    if (added !== undefined) return this.#read + added;
    if (this.#read >= MANY) {
      this.#names ??= new NameIndex(this.#text, this.#places);
      return this.#names.indexOf(key);
    }
    for (let index = this.#read - 1; index >= 0; index--) {
      if (nameAt(this.#text, this.#number(index, 0)) === key) return index;
    }
    return -1;
  }

  /** Adds a member at the end, with the layout of the last one. */
  add(key: string, text: string): void {
    const last = this.length === 0 ? undefined : this.#member(this.length - 1);
    const lead = last === undefined ? '' : `,${/\s*$/.exec(last.lead)?.[0] ?? ''}`;
    // what was between empty brackets is dropped
    if (last === undefined) this.#tail = this.#tail.slice(-1);
    const name = this.isArray ? '' : `${JSON.stringify(key)}:`;
    if (!this.isArray) this.#namesAdded().set(key, this.#added.length);
    this.#added.push({ lead, name, node: jsonNode(text) });
  }

  /** Removes a member and its comma. */
  remove(index: number): void {
    if (index >= this.length) return;
    const { lead } = this.#member(index);
    const next = index + 1 < this.length ? this.#member(index + 1) : undefined;
    if (next !== undefined) this.#set(index + 1, { ...next, lead });
    else if (this.length === 1) this.#tail = lead + this.#tail;
    if (index >= this.#read) {
      this.#added.splice(index - this.#read, 1);
      this.#addedNames = undefined;
      return;
    }
    this.#changed.delete(this.#number(index, 1));
    this.#names = undefined;
    this.#cut(index);
  }

  /** The text of all of it: what was not changed is copied in one piece. */
  written(): string {
    let text = this.isArray ? '[' : '{';
    let copied = 1;
    for (const from of [...this.#changed.keys()].toSorted((a, b) => a - b)) {
      const index = this.#indexAt(from);
      const before = index === 0 ? 1 : this.#number(index - 1, 2);
      const { lead, name, node } = this.#member(index);
      text += this.#text.slice(copied, before) + lead + name + textOf(node);
      copied = this.#number(index, 2);
    }
    text += this.#text.slice(copied, this.#lastEnd);
    for (const { lead, name, node } of this.#added) text += lead + name + textOf(node);
    return text + this.#tail;
  }

  #number(index: number, which: 0 | 1 | 2): number {
    return this.#places[index * NUMBERS + which] ?? 0;
  }

  #member(index: number): JsonMember {
    if (index >= this.#read) {
      return this.#added[index - this.#read] ?? { lead: '', name: '', node: jsonNode('') };
    }
    const [start, from] = [this.#number(index, 0), this.#number(index, 1)];
    const changed = this.#changed.get(from);
    if (changed !== undefined) return changed;
    const before = index === 0 ? 1 : this.#number(index - 1, 2);
    const node = this.#known(from) ?? this.#made(index);
    return { lead: this.#text.slice(before, start), name: this.#text.slice(start, from), node };
  }

  #made(index: number): JsonNode {
    return jsonNode(this.#text.slice(this.#number(index, 1), this.#number(index, 2)));
  }

  #keep(from: number, node: JsonNode): void {
    if (this.#recent.size >= MOST_KEPT) {
      this.#older = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(from, node);
  }

  /** The value that begins at a place of the text, if it was looked into or changed. */
  #known(from: number): JsonNode | undefined {
    return (
      this.#changed.get(from)?.node ??
      this.#large.get(from) ??
      this.#recent.get(from) ??
      this.#older.get(from)
    );
  }

  #set(index: number, member: JsonMember): void {
    if (index < this.#read) this.#changed.set(this.#number(index, 1), member);
    else this.#added[index - this.#read] = member;
  }

  /** Takes a member out of those that were read. */
  #cut(index: number): void {
    const behind = (index + 1) * NUMBERS;
    // another document may use them too
    const own = this.#ownPlaces ?? new Uint32Array(this.#places);
    own.copyWithin(index * NUMBERS, behind);
    this.#ownPlaces = own.subarray(0, own.length - NUMBERS);
    this.#places = this.#ownPlaces;
  }

  /** The index of the member whose value begins at a place. */
  #indexAt(from: number): number {
    let [low, high] = [0, this.#read - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#number(middle, 1) < from) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #namesAdded(): Map<string, number> {
    this.#addedNames ??= new Map(this.#added.map(({ name }, at) => [nameAt(name, 0), at] as const));
    return this.#addedNames;
  }
}

/** The name of the member that begins at a place of a text. */
function nameAt(text: string, start: number): string {
  const end = stringEnd(text, start);
  const written = text.slice(start + 1, end - 1);
  return written.includes('\\') ? (JSON.parse(text.slice(start, end)) as string) : written;
}

/**
 * Where each name of a large object stands: a table of indices by the hash of the name, since a map with the names
 * themselves would take ten times their text.
 */
class NameIndex {
  readonly #text: string;
  readonly #places: Places;
  /** The index of a member and one, or 0; twice as many as there are members at least. */
  readonly #table: Uint32Array;

  constructor(text: string, places: Places) {
    this.#text = text;
    this.#places = places;
    const count = places.length / NUMBERS;
    this.#table = new Uint32Array(2 ** Math.ceil(Math.log2(count * 2 + 1)));
    for (let index = 0; index < count; index++) {
      this.#table[this.#slot(this.#name(index))] = index + 1;
    }
  }

  /** The last member of a name; −1 if there is none. */
  indexOf(key: string): number {
    return (this.#table[this.#slot(key)] ?? 0) - 1;
  }

  #name(index: number): string {
    return nameAt(this.#text, this.#places[index * NUMBERS] ?? 0);
  }

  /** Where a name is in the table, or would be. */
  #slot(key: string): number {
    const mask = this.#table.length - 1;
    for (let slot = hashOf(key) & mask; ; slot = (slot + 1) & mask) {
      const found = this.#table[slot] ?? 0;
      if (found === 0 || this.#name(found - 1) === key) return slot;
    }
  }
}

/** Differs from process to process: whoever knew it could send names that all fall into one place. */
const SEED = Math.trunc(Math.random() * 2 ** 32);

function hashOf(key: string): number {
  let hash = SEED;
  for (let at = 0; at < key.length; at++) {
    hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
    hash ^= hash >>> 15;
  }
  return hash >>> 0;
}
