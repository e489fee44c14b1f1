import { placesOf, type Template, templateOf, valuesIn, wordsOf } from './template.ts';

/**
 * English text, with `{1}`, `{2}` … where it has values → the same in another language; there, `{1*}` is a
 * value that is itself in the catalogue although it is one word.
 */
export type ServerCatalogue = Readonly<Record<string, string>>;

/** A text in the other language. What it does not know, such as the words of a peer, stays as it is. */
export type Translate = (text: string) => string;

/** Anything longer is not a sentence of ours. */
const LONGEST = 6_000;
/** How many texts within a text are looked up. */
const LOOKS = 600;
const DEEPEST = 8;
/** How many joints of a text are tried. */
const JOINTS = 16;
const REMEMBERED = 4_000;

const JOINT = /\n+|[.;:,] |\) | \(| · | – /g;

interface Search {
  looks: number;
  /** What was already looked for. */
  readonly seen: Map<string, Found | undefined>;
  readonly ours: Map<string, boolean>;
}

interface Found {
  readonly text: string;
  /** Whether all of it is known, but for single words, which are names and numbers. */
  readonly whole: boolean;
  /** Whether it is ours without doubt, so that what stands beside it need not be known. */
  readonly isTelling: boolean;
}

/**
 * Recognises what was made from the texts of a catalogue, also where one is a value of another or where
 * several are joined. It reads texts as they are shown, so masks stay, and so may a text be older than this version.
 */
export function translator(catalogue: ServerCatalogue): Translate {
  const book = new Book(catalogue);
  const remembered = new Map<string, string>();
  return (text) => {
    const known = remembered.get(text);
    if (known !== undefined) return known;
    const said =
      text.length > LONGEST
        ? text
        : book.translated(text, { looks: 0, seen: new Map(), ours: new Map() }, 0).text;
    if (remembered.size >= REMEMBERED) remembered.clear();
    remembered.set(text, said);
    return said;
  };
}

/** Texts that say something of what stands before them. */
const PREDICATE =
  /^(?:is|are|has|was|were|does|did|can|cannot|could|may|must|needs|gave|holds|contains|begins|ends|ended|answered|answers|asked|closed|lost|refuses|refused|sent|speaks|takes|wants)\b/;

/** Its values, counted from 2. */
const onward = (text: string): string =>
  text.replaceAll(/\{(\d+)/g, (_all, number: string) => `{${Number(number) + 1}`);

const coreOf = (text: string): string => partsOf(text).core;
const isName = (text: string): boolean => !/\s/.test(text.trim());

class Book {
  readonly #plain = new Map<string, string>();
  /** By a word that they all have. */
  readonly #templates = new Map<string, Template[]>();
  readonly #wordless: Template[] = [];

  constructor(catalogue: ServerCatalogue) {
    const texts = Object.entries(catalogue);
    for (const [english, other] of texts) this.#learn(english, other);
    // cause and remedy of a step of a connection test are shown apart
    for (const [english, other] of texts.flatMap(([one, two]) => sentencesOf(one, two)))
      if (!Object.hasOwn(catalogue, english)) this.#learn(english, other);
    for (const [english, other] of texts)
      if (PREDICATE.test(english)) this.#learn(`{1} ${onward(english)}`, `{1} ${onward(other)}`);
  }

  #learn(english: string, other: string): void {
    const template = templateOf(english, other);
    if (template.pieces.length === 1) this.#plain.set(english, other);
    else this.#keep(template);
  }

  #keep(template: Template): void {
    const [word] = template.words;
    if (word === undefined) this.#wordless.push(template);
    else this.#templates.set(word, [...(this.#templates.get(word) ?? []), template]);
  }

  translated(text: string, search: Search, depth: number): Found {
    if (depth > DEEPEST || search.looks > LOOKS || !/\p{L}/u.test(text))
      return { text, whole: false, isTelling: false };
    const { lead, core, tail } = partsOf(text);
    const found = this.#known(core, search, depth) ?? this.#joined(core, search, depth);
    return found === undefined
      ? { text, whole: false, isTelling: false }
      : { ...found, text: `${lead}${found.text}${tail}` };
  }

  /** A text that is in the catalogue as a whole, perhaps with its first letter changed. */
  #known(core: string, search: Search, depth: number): Found | undefined {
    if (search.seen.has(core)) return search.seen.get(core);
    const found =
      this.#asWritten(core, search, depth) ?? this.#withFirstLetter(core, search, depth);
    // near the limit it may have been cut short
    if (found !== undefined || depth <= DEEPEST / 2) search.seen.set(core, found);
    return found;
  }

  #withFirstLetter(core: string, search: Search, depth: number): Found | undefined {
    const first = core.charAt(0);
    const isUpper = first !== first.toLowerCase();
    const other = isUpper ? first.toLowerCase() : first.toUpperCase();
    if (other === first) return undefined;
    const found = this.#asWritten(`${other}${core.slice(1)}`, search, depth);
    if (found === undefined || !isUpper) return found;
    return { ...found, text: `${found.text.charAt(0).toUpperCase()}${found.text.slice(1)}` };
  }

  #asWritten(core: string, search: Search, depth: number): Found | undefined {
    search.looks += 1;
    const plain = this.#plain.get(core);
    if (plain !== undefined) return { text: plain, whole: true, isTelling: !isName(core) };
    for (const template of this.#candidates(core)) {
      const values = valuesIn(template, core);
      if (values === undefined) continue;
      if (
        template.isTelling ||
        values.every((value) => isName(value) || this.#isOurs(value, search))
      )
        return this.#filled(template, values, search, depth);
    }
    return undefined;
  }

  /** Whether a text is surely one of the catalogue. */
  #isOurs(text: string, { ours }: Search): boolean {
    const core = coreOf(text);
    const known = ours.get(core);
    if (known !== undefined) return known;
    const isOurs =
      this.#plain.has(core) ||
      this.#candidates(core).some((one) => one.isTelling && valuesIn(one, core) !== undefined);
    ours.set(core, isOurs);
    return isOurs;
  }

  /** Those that may fit, the most telling first. */
  #candidates(core: string): Template[] {
    const words = wordsOf(core);
    const found = [...words].flatMap((word) => this.#templates.get(word) ?? []);
    return [...found, ...this.#wordless]
      .filter((one) => one.words.every((word) => words.has(word)))
      .toSorted((a, b) => b.weight - a.weight);
  }

  #filled(
    { target, isTelling }: Template,
    values: readonly string[],
    search: Search,
    depth: number,
  ): Found {
    let whole = true;
    const said = target.map((part) => {
      if (typeof part === 'string') return part;
      const value = values[part.value] ?? '';
      if (isName(value) && !part.isWord) return value;
      const found = this.translated(value, search, depth + 1);
      whole &&= found.whole || isName(value);
      return found.text;
    });
    return { text: said.join(''), whole, isTelling };
  }

  /** Several texts, one after the other, of which one at least is known. */
  #joined(core: string, search: Search, depth: number): Found | undefined {
    const joints = [...core.matchAll(JOINT)].slice(0, JOINTS);
    for (const { 0: joint, index } of joints) {
      const [before, after] = [core.slice(0, index), core.slice(index + joint.length)];
      const left = this.#known(coreOf(before), search, depth);
      if (left?.isTelling !== true) continue;
      const first = this.#beside(before, search, depth + 1);
      const rest = this.#beside(after, search, depth + 1);
      return {
        text: `${first.text}${joint}${rest.text}`,
        whole: first.whole && rest.whole,
        isTelling: true,
      };
    }
    for (const { 0: joint, index } of joints) {
      const [before, after] = [core.slice(0, index), core.slice(index + joint.length)];
      if (this.#known(coreOf(after), search, depth)?.isTelling !== true) continue;
      const rest = this.#beside(after, search, depth + 1);
      const first = this.#beside(before, search, depth + 1);
      return { text: `${first.text}${joint}${rest.text}`, whole: false, isTelling: true };
    }
    return undefined;
  }

  /** What stands beside a text of ours: single words in a list with it are ours too. */
  #beside(text: string, search: Search, depth: number): Found {
    const found = this.translated(text, search, depth);
    if (found.text !== text) return found;
    const words = text.split(', ').map((one) => this.#plain.get(one) ?? one);
    return { ...found, text: words.join(', ') };
  }
}

/** A text without what only joins it to others, and that. */
export interface Parts {
  readonly lead: string;
  readonly core: string;
  readonly tail: string;
}

const LEAD = /^[\s,;:.·–-]*/;
const TAIL = /[\s,;:.]*$/;

/** The catalogue has texts without the punctuation that joins them: `, more than {1}` is `more than {1}`. */
export function partsOf(text: string): Parts {
  const [lead = ''] = LEAD.exec(text) ?? [];
  const rest = text.slice(lead.length);
  const [tail = ''] = TAIL.exec(rest) ?? [];
  const core = rest.slice(0, rest.length - tail.length);
  const isBracketed = core.startsWith('(') && core.indexOf(')') === core.length - 1;
  if (!isBracketed) return { lead, core, tail };
  return { lead: `${lead}(`, core: core.slice(1, -1), tail: `)${tail}` };
}

const BETWEEN = /(?<=[^.\s])\. (?=[\p{Lu}{])/u;

/** The sentences of a text with those of its translation; none if one has more, or other values. */
function sentencesOf(english: string, other: string): (readonly [string, string])[] {
  const [mine, theirs] = [english.split(BETWEEN), other.split(BETWEEN)];
  if (mine.length === 1 || mine.length !== theirs.length) return [];
  const pairs = mine.map((one, index) => renumbered(one, theirs[index] ?? ''));
  return pairs.every((pair) => pair !== undefined) ? pairs : [];
}

/** Values are counted anew in each sentence. */
function renumbered(english: string, other: string): readonly [string, string] | undefined {
  const order = placesOf(english);
  const places = new Set(placesOf(other));
  if (places.size !== new Set(order).size || !order.every((one) => places.has(one)))
    return undefined;
  const counted = (text: string): string =>
    text.replaceAll(
      /\{(\d+)(\*?)\}/g,
      (_all, number: string, star: string) => `{${order.indexOf(number) + 1}${star}}`,
    );
  return [counted(english), counted(other)];
}
