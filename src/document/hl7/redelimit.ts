import type { Charset } from '../charset.ts';
import { type Delimiters, isHeaderName } from './delimiters.ts';
import { escapePlain, layoutSequences, unescape } from './escape.ts';
import { partsOf } from './part.ts';

/** A segment written with other delimiters, meaning the same. */
export function redelimit(
  segment: string,
  from: Delimiters,
  to: Delimiters,
  charset: () => Charset,
): string {
  const leaf = (text: string): string => escapePlain(withEscape(text, from, to, charset), to);
  const levels: readonly [before: string, after: string][] = [
    [from.repetition, to.repetition],
    [from.component, to.component],
    [from.subcomponent, to.subcomponent],
  ];
  const below = (text: string, level: number): string => {
    const separators = levels[level];
    if (separators === undefined) return leaf(text);
    return partsOf(text, separators[0])
      .map((part) => below(part, level + 1))
      .join(separators[1]);
  };
  const [name = '', ...fields] = segment.split(from.field);
  const written = isHeaderName(name)
    ? [to.encoding, ...fields.slice(1).map((field) => below(field, 0))]
    : fields.map((field) => below(field, 0));
  return [name, ...written].join(to.field);
}

/** Plain text, with its layout sequences already in the new escape character. */
function withEscape(
  text: string,
  from: Delimiters,
  to: Delimiters,
  charset: () => Charset,
): string {
  const plain = unescape(text, from, charset);
  if (from.escape === to.escape || from.escape === '') return plain;
  return plain.replaceAll(
    layoutSequences(from),
    (_, sequence: string) => to.escape + sequence + to.escape,
  );
}
