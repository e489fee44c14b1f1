import { createElement, Fragment, type ReactElement, type ReactNode } from 'react';
import { catalogue, language, locale } from './language.ts';

/** The names of `{name}` and `{name|one|many}` in a text. */
type Places<Text extends string> = Text extends `${string}{${infer Place}}${infer Rest}`
  ? (Place extends `${infer Name}|${string}` ? Name : Place) | Places<Rest>
  : never;
/** The names of `<name>…</name>` in a text. */
type Tags<Text extends string> = Text extends `${string}</${infer Name}>${infer Rest}`
  ? Name | Tags<Rest>
  : never;
type Named<Names extends string, Value> = [Names] extends [never]
  ? readonly []
  : readonly [Readonly<Record<Names, Value>>];

const PIECE = /\{(\w+)(?:\|([^{}]*))?\}|<(\w+)>(.*?)<\/\3>/g;
const numbers = new Intl.NumberFormat(locale);
const plurals = new Intl.PluralRules(language);
const { pluralCategories } = plurals.resolvedOptions();

/**
 * The text in the user's language. The English text is the key, written where it is used; what
 * follows ` ## ` only distinguishes texts that are the same in English. `{name}` is replaced by a
 * value, a number in the format of the language; `{name|message|messages}` by the form for the
 * number, `one` first.
 */
export function t<const Text extends string>(
  text: Text,
  ...[values]: Named<Places<Text>, string | number>
): string {
  return filled(translated(text), values ?? {});
}

/** Like `t`, with elements: `{name}` may be one, and `<name>…</name>` is what a function makes of the text inside. */
export function rich<const Text extends string>(
  text: Text,
  values: Readonly<
    Record<Places<Text>, ReactNode> & Record<Tags<Text>, (inside: string) => ReactElement>
  >,
): ReactElement {
  return createElement(Fragment, null, ...pieces(translated(text), values));
}

function translated(text: string): string {
  return catalogue[text] ?? text.replace(/ ## .*/, '');
}

function filled(text: string, values: Readonly<Record<string, unknown>>): string {
  return text.replaceAll(
    PIECE,
    (_all, name: string, forms?: string) => written(values[name], forms) as string,
  );
}

function pieces(text: string, values: Readonly<Record<string, unknown>>): ReactNode[] {
  const found: ReactNode[] = [];
  let at = 0;
  for (const { 0: all, 1: name, 2: forms, 3: tag, 4: inside = '', index } of text.matchAll(PIECE)) {
    found.push(text.slice(at, index));
    at = index + all.length;
    if (name !== undefined) found.push(written(values[name], forms));
    else if (tag !== undefined)
      found.push((values[tag] as (text: string) => ReactElement)(filled(inside, values)));
  }
  return [...found, text.slice(at)];
}

function written(value: unknown, forms: string | undefined): ReactNode {
  if (typeof value !== 'number') return value as ReactNode;
  if (forms === undefined) return numbers.format(value);
  return forms.split('|')[pluralCategories.indexOf(plurals.select(value))];
}
