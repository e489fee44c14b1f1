import type { JsonSchema } from '../definition/form/form.ts';
import type { TextMeaning } from '../definition/form/meaning.ts';
import { valueAt } from '../definition/written/written.ts';
import { expressionReference, plainType } from '../expression/expression-reference.ts';
import { type Completed, completedAt } from './cursor.ts';
import { expressionSpot, isPathArgument, namedBy } from './expression-text.ts';
import { codeChoices, messageTypeChoices, pathChoices, segmentChoices } from './hl7-paths.ts';
import { nameChoices } from './names.ts';
import type { ProductionFile, ProductionView } from './production.ts';
import { type Allowed, allowedAt, explanation, meaningsOf, propertiesOf } from './schema-at.ts';
import type { Position } from './span.ts';

/** What a choice is, for the picture beside it. */
export type ChoiceKind = 'key' | 'value' | 'host' | 'name' | 'path' | 'function' | 'variable';

/** Something that may be written at a position. */
export interface Choice {
  readonly label: string;
  readonly kind: ChoiceKind;
  readonly detail?: string | undefined;
  /** Markdown. */
  readonly documentation?: string | undefined;
  /** What is written in place of what is there from `from` up to the position; the label if left out. */
  readonly insert?: string | undefined;
}

export interface Choices {
  /** The column at which what is replaced begins, on the line of the position. */
  readonly from: number;
  readonly choices: readonly Choice[];
}

const NONE: Choices = { from: 0, choices: [] };

/** What may be written at a position, by the grammar, the production's names, HL7 and the functions of expressions. */
export function completionsAt(view: ProductionView, file: ProductionFile, at: Position): Choices {
  const { grammar } = file;
  if (grammar === undefined) return NONE;
  const found = completedAt(file, at).map((completed) =>
    completed.spot.on === 'key'
      ? keyChoices(view, grammar, { completed, at })
      : valueChoices(view, grammar, { completed, at }),
  );
  const choices = new Map(found.flatMap((one) => one.choices).map((one) => [one.label, one]));
  const from = found.find((one) => one.choices.length > 0)?.from;
  return from === undefined ? NONE : { from, choices: [...choices.values()] };
}

interface Completing {
  readonly completed: Completed;
  readonly at: Position;
}

function keyChoices(
  view: ProductionView,
  grammar: JsonSchema,
  { completed: { written, spot }, at }: Completing,
): Choices {
  const keys = spot.keys.slice(0, -1);
  const parent = valueAt(written, keys);
  const there = new Set(parent?.kind === 'block' ? parent.entries.keys() : []);
  const allowed = allowedAt(grammar, keys, parent === undefined ? undefined : written);
  const choices = new Map<string, Choice>();
  for (const schema of allowed) {
    for (const [label, property] of Object.entries(propertiesOf(schema))) {
      if (there.has(label) || choices.has(label)) continue;
      const of = allowedAt(grammar, [...keys, label], written);
      const insert = isBlock(property)
        ? `${label}:\n${' '.repeat(indent(at, spot) + 2)}`
        : `${label}: `;
      choices.set(label, { label, kind: 'key', documentation: explanation(of), insert });
    }
    for (const choice of namesAsKeys(view, schema)) {
      if (!there.has(choice.label)) choices.set(choice.label, choice);
    }
  }
  return { from: at.column - spot.text.length, choices: [...choices.values()] };
}

const indent = ({ column }: Position, { text }: Completed['spot']): number =>
  column - 1 - text.length;

const isBlock = ({ type, properties, additionalProperties, anyOf }: JsonSchema): boolean =>
  type === 'object' &&
  anyOf === undefined &&
  (properties !== undefined || typeof additionalProperties === 'object');

/** Keys that are names of the production: the targets of a test case. */
function namesAsKeys(view: ProductionView, { propertyNames }: JsonSchema): Choice[] {
  if (typeof propertyNames !== 'object' || propertyNames === null) return [];
  return [...meaningsOf([propertyNames as JsonSchema])].flatMap((meaning) =>
    nameChoices(view.written, meaning).map(({ name, ...about }): Choice => {
      return { label: name, kind: 'host', ...about, insert: `${name}: ` };
    }),
  );
}

function valueChoices(
  view: ProductionView,
  grammar: JsonSchema,
  { completed: { written, spot }, at }: Completing,
): Choices {
  const allowed = allowedAt(grammar, spot.keys, written);
  const meanings = meaningsOf(allowed);
  if (meanings.has('expression') || meanings.has('template')) {
    return expressionChoices(view, spot.text, { at, isTemplate: meanings.has('template') });
  }
  const named = [...meanings].flatMap((meaning) => meantChoices(view, meaning, spot.text));
  const from = at.column - spot.text.length;
  return { from, choices: [...named, ...wordChoices(allowed)] };
}

function meantChoices(view: ProductionView, meaning: TextMeaning, text: string): Choice[] {
  if (meaning === 'segment') return segmentChoices().map(asPath);
  if (meaning === 'message path') return pathChoices(text).map(asPath);
  const kind = ['target', 'service', 'process'].includes(meaning) ? 'host' : 'name';
  return nameChoices(view.written, meaning).map(({ name, ...about }): Choice => {
    return { label: name, kind, ...about };
  });
}

const asPath = (choice: Omit<Choice, 'kind'>): Choice => ({ ...choice, kind: 'path' });

/** The words of the grammar: choices, flags, examples where there is nothing else. */
function wordChoices(allowed: Allowed): Choice[] {
  const words = allowed.flatMap((schema): Choice[] => {
    const { enum: all, const: one, type, description } = schema;
    if (Array.isArray(all))
      return all.map((word): Choice => ({ label: String(word), kind: 'value' }));
    const documentation = typeof description === 'string' ? description : undefined;
    if (typeof one === 'string') return [{ label: one, kind: 'value', documentation }];
    return type === 'boolean'
      ? ['true', 'false'].map((label): Choice => ({ label, kind: 'value' }))
      : [];
  });
  if (words.length > 0) return words;
  return allowed.flatMap(({ default: preset, examples }) => {
    const values = [preset, ...((examples as readonly unknown[] | undefined) ?? [])];
    return values
      .filter((one) => typeof one === 'string' || typeof one === 'number')
      .map((one): Choice => {
        const detail = one === preset ? 'the default' : 'an example';
        return { label: String(one), kind: 'value', detail };
      });
  });
}

function expressionChoices(
  view: ProductionView,
  text: string,
  { at, isTemplate }: { readonly at: Position; readonly isTemplate: boolean },
): Choices {
  const start = isTemplate ? text.lastIndexOf('{') + 1 : 0;
  if (isTemplate && (start === 0 || text.indexOf('}', start) >= 0)) return NONE;
  const expression = text.slice(start);
  const { quoted, word, call } = expressionSpot(expression, expression.length);
  if (quoted === undefined) {
    return { from: at.column - word.length, choices: languageChoices() };
  }
  const from = at.column - quoted.length;
  const named = namedBy(call);
  if (named !== undefined) return { from, choices: meantChoices(view, named, quoted) };
  if (isPathArgument(call)) return { from, choices: pathChoices(quoted).map(asPath) };
  return { from, choices: comparedChoices(expression.slice(0, -quoted.length - 1)) };
}

/** What stands after `==` in quotes: a code of the field's table, or a type of message. */
function comparedChoices(before: string): Choice[] {
  const [, path] = /fields?\(\s*["']([^"']+)["']\s*\)\s*[=!]=\s*$/.exec(before) ?? [];
  const choices = path === undefined ? typeChoices(before) : codeChoices(path);
  return choices.map((one): Choice => ({ ...one, kind: 'value' }));
}

const typeChoices = (before: string): ReturnType<typeof messageTypeChoices> =>
  /\btype\s*(?:[=!]=\s*|in\s*\[[^\]]*)$/.test(before) ? messageTypeChoices() : [];

/** The functions and variables of expressions, each function once with all its signatures. */
function languageChoices(): Choice[] {
  const { variables, groups } = expressionReference;
  const functions = Map.groupBy(
    groups.flatMap((group) => group.functions),
    ({ signature }) => functionName(signature),
  );
  return [
    ...variables.map(({ name, type, help }): Choice => {
      return { label: name, kind: 'variable', detail: plainType(type), documentation: help };
    }),
    ...[...functions].map(([label, all]): Choice => {
      const [first] = all;
      return {
        label,
        kind: 'function',
        detail: plainType(first?.signature ?? ''),
        documentation: describeFunctions(all),
      };
    }),
  ];
}

/** `field` of `Segment.field(string): string`. */
export const functionName = (signature: string): string =>
  /(\w+)\(/.exec(signature)?.[1] ?? signature;

export const describeFunctions = (
  all: readonly { readonly signature: string; readonly help: string }[],
): string =>
  all.map(({ signature, help }) => `\`${plainType(signature)}\`\n\n${help}`).join('\n\n');
