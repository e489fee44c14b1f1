import { exactJson, isExactNumber } from './exact-json.ts';
import { type JsonNode, partsOf, textOf } from './json-node.ts';
import { readingJson } from './read-json.ts';

/** How many members are made, or written, in one step. */
const STEP = 64;
/** Values below this many others are written at a stretch: a resource in a Bundle, for example. */
const DEEPEST = 2;

type Parse = (text: string) => unknown;

/**
 * What `JSON.parse` makes of a text, a little at each step. Throws a SyntaxError that says nothing of it.
 *
 * @param how `exactly` as `exactJson` does
 */
export function* readingJsonValue(text: string, how?: 'exactly'): Generator<undefined, unknown> {
  const read = yield* readingJson(text);
  if (read === undefined) throw new SyntaxError();
  return yield* makingValue(read.node, how === 'exactly' ? exactJson : JSON.parse);
}

function* makingValue(node: JsonNode, parse: Parse): Generator<undefined, unknown> {
  // only large ones are opened already
  if (node.parts === undefined) return parse(textOf(node));
  const parts = partsOf(node);
  const nodes = parts?.nodes() ?? [];
  const values: unknown[] = [];
  for (const member of nodes) {
    values.push(
      member.parts === undefined ? parse(textOf(member)) : yield* makingValue(member, parse),
    );
    if (values.length % STEP === 0) yield;
  }
  if (parts === undefined || parts.isArray) return values;
  // an own property, whatever its name; of a repeated name the last value, at the place of the first
  return Object.fromEntries(values.map((value, at) => [parts.nameOf(at), value]));
}

/** What `JSON.stringify` makes of plain values and exact numbers, a little at each step. */
export function* writingJsonValue(value: object): Generator<undefined, string> {
  return yield* writing(value, 0);
}

function* writing(value: object, depth: number): Generator<undefined, string> {
  const isArray = Array.isArray(value);
  const written: string[] = [];
  for (const [name, member] of Object.entries(value as Record<string, unknown>)) {
    const isInner =
      depth < DEEPEST && typeof member === 'object' && member !== null && !isExactNumber(member);
    const text = isInner ? yield* writing(member, depth + 1) : JSON.stringify(member);
    if (isArray) written.push(text ?? 'null');
    else if (text !== undefined) written.push(`${JSON.stringify(name)}:${text}`);
    if (written.length % STEP === 0) yield;
  }
  return isArray ? `[${written.join(',')}]` : `{${written.join(',')}}`;
}
