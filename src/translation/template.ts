/** A text of the catalogue that has values. */
export interface Template {
  /** What stands before, between and after its values. */
  readonly pieces: readonly string[];
  /** How many letters it has: of two that fit, the one with more says more. */
  readonly weight: number;
  /** Whether it has enough of its own words not to fit by chance. */
  readonly isTelling: boolean;
  /** Words that every text of it has, the longest first. */
  readonly words: readonly string[];
  readonly target: readonly Target[];
}

/** A piece of the text in the other language, or the number of a value in the English one, from 0. */
type Target = string | { readonly value: number; readonly isWord: boolean };

/** Letters. */
const TELLING = 8;
const PLACE = /\{(\d+)(\*?)\}/g;

/** The places of a text as they are written, in order. */
export const placesOf = (text: string): string[] =>
  [...text.matchAll(PLACE)].map(([, number = '']) => number);

export function templateOf(english: string, other: string): Template {
  const pieces = english.split(/\{\d+\}/);
  const target: Target[] = [];
  let at = 0;
  for (const { 0: all, 1: number, 2: star, index } of other.matchAll(PLACE)) {
    target.push(other.slice(at, index), { value: Number(number) - 1, isWord: star === '*' });
    at = index + all.length;
  }
  target.push(other.slice(at));
  const weight = lettersOf(pieces);
  const isMarked = pieces.some((piece) => /^: \p{L}+: $/u.test(piece));
  const isTelling = isMarked || (weight >= TELLING && wordsOf(pieces.join(' ')).size > 1);
  return { pieces, weight, isTelling, words: ownWordsOf(pieces), target };
}

const lettersOf = (pieces: readonly string[]): number =>
  pieces.join('').replaceAll(/\P{L}/gu, '').length;

/** The values of a text that was made from the template; undefined if it was not. Linear in the text's length. */
export function valuesIn({ pieces }: Template, text: string): string[] | undefined {
  const [first = '', ...rest] = pieces;
  const last = rest.pop() ?? '';
  const end = text.length - last.length;
  let at = first.length;
  if (at > end || !text.startsWith(first) || !text.endsWith(last)) return undefined;
  const values: string[] = [];
  /** How many values stand next to each other. */
  let beside = 1;
  for (const piece of rest) {
    if (piece === '') {
      beside += 1;
      continue;
    }
    const found = text.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return undefined;
    values.push(...apart(text.slice(at, found), beside));
    at = found + piece.length;
    beside = 1;
  }
  values.push(...apart(text.slice(at, end), beside));
  return isOneSentence(pieces, values) && !hasProse(pieces, values) ? values : undefined;
}

/** Of two values without anything between them, the second is empty or joined by punctuation. */
function apart(text: string, count: number): string[] {
  const values: string[] = [];
  let rest = text;
  while (values.length < count - 1) {
    const joint = rest.search(/[,;:.] | \(/);
    const at = joint < 0 ? rest.search(/(?<=\S)\s/) : joint;
    values.push(at < 0 ? rest : rest.slice(0, at));
    rest = at < 0 ? '' : rest.slice(at);
  }
  return [...values, rest];
}

const SENTENCES = /[.!?] \p{Lu}|\n/u;

/** Whether the values at both ends have no sentence of their own, other than after a colon or as the template has it. */
function isOneSentence(pieces: readonly string[], values: readonly string[]): boolean {
  const [before = '', after = ''] = [pieces.at(-2), pieces[1]];
  const [first = '', last = ''] = [values[0], values.at(-1)];
  const mayFollow = pieces.at(-1) !== '' || /[:.(]\s?$|^$/.test(before);
  const mayLead = pieces[0] !== '' || /^(?:[.:]|\s\p{Lu}|$)/u.test(after);
  return (mayFollow || !SENTENCES.test(last)) && (mayLead || !SENTENCES.test(first));
}

const PROSE = /(?:^|\s)(?:the|an?|is|are|was|of|that|which|and|to|in|for|with|it)\s/i;

/** Whether a value is a sentence of somebody where a name is expected: neither joined by punctuation nor beside another. */
function hasProse(pieces: readonly string[], values: readonly string[]): boolean {
  return values.some((value, index) => {
    const before = pieces[index] ?? '';
    const isBeside = before === '' && index > 0;
    const isJoined = /^(?:[,;:.(]| \()/.test(value) || /[:.(“"]\s?$/.test(before);
    return !isBeside && !isJoined && PROSE.test(value);
  });
}

const WORD = /\p{L}+/gu;

export const wordsOf = (text: string): Set<string> => new Set(text.match(WORD));

/** Words that no value could be a part of. */
function ownWordsOf(pieces: readonly string[]): string[] {
  const whole = pieces.flatMap((piece, index) => {
    const isFirst = index === 0;
    const isLast = index === pieces.length - 1;
    return [...piece.matchAll(WORD)]
      .filter(({ 0: word, index: at }) => {
        const beginsInside = at > 0 || isFirst;
        const endsInside = at + word.length < piece.length || isLast;
        return beginsInside && endsInside;
      })
      .map(([word]) => word);
  });
  return whole.toSorted((a, b) => b.length - a.length);
}
