import { expressionReference, plainType } from '../expression/expression-reference.ts';
import { describeFunctions, functionName } from './complete.ts';
import { type Spot, spotAt } from './cursor.ts';
import { isPathArgument, namedBy, quotedTexts } from './expression-text.ts';
import { pathExplanation } from './hl7-paths.ts';
import { definedNames, describeName, kindOf, type NameKind } from './names.ts';
import type { ProductionFile, ProductionView } from './production.ts';
import { type Allowed, allowedAt, explanation, keyMeaningsOf, meaningsOf } from './schema-at.ts';
import { type Position, type Span, spanInScalar } from './span.ts';

/** What is at a position, and where it begins and ends. */
export interface Explanation {
  /** Markdown. */
  readonly text: string;
  readonly span: Span;
}

/** What the key, name, path, function or word at a position means. */
export function explainAt(
  view: ProductionView,
  file: ProductionFile,
  at: Position,
): Explanation | undefined {
  const { grammar, written } = file;
  const spot = spotAt(file, at);
  if (grammar === undefined || spot === undefined) return undefined;
  const allowed = allowedAt(grammar, spot.keys, written);
  if (spot.on === 'key') {
    const names = keyMeaningsOf(allowedAt(grammar, spot.keys.slice(0, -1), written));
    const text = explainMeant(view, spot.text, names) ?? explanation(allowed);
    return text === undefined ? undefined : { text, span: spot.span };
  }
  return explainValue(view, spot, allowed);
}

function explainValue(view: ProductionView, spot: Spot, allowed: Allowed): Explanation | undefined {
  const meanings = meaningsOf(allowed);
  if (meanings.has('expression') || meanings.has('template')) {
    return explainExpression(view, spot);
  }
  const text = explainMeant(view, spot.text, meanings) ?? explainWord(spot.text, allowed);
  return text === undefined ? undefined : { text, span: spot.span };
}

function explainWord(word: string, allowed: Allowed): string | undefined {
  const own = allowed.find((one) => String(one['const']) === word);
  return typeof own?.['description'] === 'string' ? own['description'] : explanation(allowed);
}

function explainMeant(
  view: ProductionView,
  text: string,
  meanings: ReturnType<typeof meaningsOf>,
): string | undefined {
  if (meanings.has('message path') || meanings.has('segment')) return pathExplanation(text);
  for (const meaning of meanings) {
    const kind = kindOf(meaning);
    const found = kind === undefined ? undefined : explainName(view, kind, text);
    if (found !== undefined) return found;
  }
  return undefined;
}

function explainName(view: ProductionView, kind: NameKind, name: string): string | undefined {
  const found = definedNames(view.written).find((one) => one.kind === kind && one.name === name);
  if (found === undefined) return undefined;
  const { detail, documentation } = describeName(found);
  const { file, line } = found.entry.place;
  return [`**${name}** ${detail}`, documentation, `${file}:${line}`]
    .filter((one) => one !== undefined)
    .join('\n\n');
}

function explainExpression(
  view: ProductionView,
  { text, offset, scalar }: Spot,
): Explanation | undefined {
  if (scalar === undefined) return undefined;
  const quoted = quotedTexts(text).find(
    (one) => offset >= one.from && offset <= one.from + one.text.length,
  );
  if (quoted !== undefined) {
    const span = spanInScalar(scalar, quoted.from, quoted.from + quoted.text.length);
    const named = namedBy(quoted.call);
    const said =
      named !== undefined
        ? explainName(view, named, quoted.text)
        : isPathArgument(quoted.call)
          ? pathExplanation(quoted.text)
          : undefined;
    return said === undefined ? undefined : { text: said, span };
  }
  const from = offset - (/\w*$/.exec(text.slice(0, offset))?.[0].length ?? 0);
  const word = /^[A-Za-z_]\w*/.exec(text.slice(from))?.[0] ?? '';
  const said = word === '' ? undefined : explainLanguage(word);
  return said === undefined
    ? undefined
    : { text: said, span: spanInScalar(scalar, from, from + word.length) };
}

function explainLanguage(word: string): string | undefined {
  const { variables, groups } = expressionReference;
  const variable = variables.find(({ name }) => name === word);
  if (variable !== undefined) {
    return `\`${word}\`: ${plainType(variable.type)}\n\n${variable.help}`;
  }
  const all = groups
    .flatMap(({ functions }) => functions)
    .filter(({ signature }) => functionName(signature) === word);
  return all.length === 0 ? undefined : describeFunctions(all);
}
