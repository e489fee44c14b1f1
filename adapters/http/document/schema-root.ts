import type { DocumentNode } from './read-document.ts';

/** What the references of a document's schemas may lead to. */
export function schemaRoot({ components = {}, paths = {} }: DocumentNode): DocumentNode {
  return withoutOldWords({ components, paths }) as DocumentNode;
}

/** OpenAPI 3.0 says `nullable: true`, and `exclusiveMinimum: true` beside a minimum, where JSON Schema has other words. */
export function withoutOldWords(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutOldWords);
  if (typeof value !== 'object' || value === null) return value;
  const words = Object.entries(value)
    // A property may have the same name, and is then a schema.
    .filter(([key, one]) => key !== 'nullable' || typeof one !== 'boolean')
    .map(([key, one]): [string, unknown] => [key, withoutOldWords(one)]);
  const schema: Record<string, unknown> = Object.fromEntries(words);
  const { nullable, type } = value as { nullable?: unknown; type?: unknown };
  if (nullable === true && typeof type === 'string') schema['type'] = [type, 'null'];
  return bounded(schema);
}

function bounded(schema: Record<string, unknown>): Record<string, unknown> {
  const changed = { ...schema };
  for (const [exclusive, bound] of [
    ['exclusiveMinimum', 'minimum'],
    ['exclusiveMaximum', 'maximum'],
  ] as const) {
    const isExclusive = schema[exclusive];
    if (typeof isExclusive !== 'boolean') continue;
    delete changed[exclusive];
    if (isExclusive && typeof schema[bound] === 'number') {
      changed[exclusive] = schema[bound];
      delete changed[bound];
    }
  }
  return changed;
}
