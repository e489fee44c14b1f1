import type { JsonSchema } from './form/form.ts';

/** Shorter ones are easier to read where they stand. */
const LEAST = 300;

/** The same schema with what it repeats written once, under `definitions`. */
export function shareSchemas(schema: JsonSchema): JsonSchema {
  const counts = new Map<string, number>();
  count(schema, counts, true);
  const names = new Map<string, string>();
  const definitions: Record<string, unknown> = {};
  /** Named after the key where it is met first, so that a new adapter does not rename the others. */
  const nameFor = (key: string): string => {
    let number = 1;
    let name = key;
    while (Object.hasOwn(definitions, name)) name = `${key}${++number}`;
    return name;
  };
  const replace = (value: unknown, key: string): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((item) => replace(item, key));
    const inner = (): JsonSchema =>
      Object.fromEntries(
        Object.entries(value).map(([name, one]) => [name, replace(one, isWord(name) ? key : name)]),
      );
    const text = JSON.stringify(value);
    const isRepeated = text.length >= LEAST && (counts.get(text) ?? 0) > 1;
    if (value === schema || !isRepeated || !isSchema(value as JsonSchema)) return inner();
    let name = names.get(text);
    if (name === undefined) {
      name = nameFor(key);
      names.set(text, name);
      definitions[name] = {};
      definitions[name] = inner();
    }
    return { $ref: `#/definitions/${name}` };
  };
  const made = replace(schema, 'schema') as JsonSchema;
  if (names.size === 0) return made;
  return { ...made, definitions: { ...(made['definitions'] as JsonSchema), ...definitions } };
}

/** Words of JSON Schema between a key and what stands under it. */
const isWord = (name: string): boolean => name === 'anyOf' || name === 'items';

function count(value: unknown, counts: Map<string, number>, top = false): void {
  if (typeof value !== 'object' || value === null) return;
  if (!top && !Array.isArray(value)) {
    const text = JSON.stringify(value);
    const seen = counts.get(text) ?? 0;
    if (text.length >= LEAST) counts.set(text, seen + 1);
    // What stands inside of a repetition is shared along with it.
    if (seen > 0 && text.length >= LEAST) return;
  }
  for (const inner of Object.values(value)) count(inner, counts);
}

/** A block of properties is no schema itself, although one of them may be named `type`. */
function isSchema({ type, anyOf }: JsonSchema): boolean {
  return typeof type === 'string' || Array.isArray(type) || Array.isArray(anyOf);
}
