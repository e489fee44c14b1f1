import type { JsonSchema } from './form/form.ts';

/** Shorter ones are easier to read where they stand. */
const LEAST = 300;

/** The same schema with what it repeats written once, under `definitions`. */
export function shareSchemas(schema: JsonSchema): JsonSchema {
  const counts = new Map<string, number>();
  count(schema, counts, true);
  const names = new Map<string, string>();
  const definitions: Record<string, unknown> = {};
  const replace = (value: unknown, top: boolean): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((item) => replace(item, false));
    const inner = (): JsonSchema =>
      Object.fromEntries(Object.entries(value).map(([key, one]) => [key, replace(one, false)]));
    const text = JSON.stringify(value);
    if (top || !isSchema(value as JsonSchema) || text.length < LEAST || (counts.get(text) ?? 0) < 2)
      return inner();
    let name = names.get(text);
    if (name === undefined) {
      name = `shared${names.size + 1}`;
      names.set(text, name);
      definitions[name] = inner();
    }
    return { $ref: `#/definitions/${name}` };
  };
  const made = replace(schema, true) as JsonSchema;
  if (names.size === 0) return made;
  return { ...made, definitions: { ...(made['definitions'] as JsonSchema), ...definitions } };
}

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
