import { placesOf } from './template.ts';

const BETWEEN = /(?<=[^.\s])\. (?=[\p{Lu}{])/u;

/** The sentences of a text with those of its translation; none if one has more, or other values. */
export function sentencesOf(english: string, other: string): (readonly [string, string])[] {
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
