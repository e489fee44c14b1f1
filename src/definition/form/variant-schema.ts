import { block, type Fields } from './block.ts';
import type { JsonSchema } from './form.ts';

/** JSON Schema of a block in which one key chooses which others there are. */
export function variantSchema(
  key: string,
  help: string,
  choices: Readonly<Record<string, Fields>>,
): JsonSchema {
  return {
    type: 'object',
    required: [key],
    anyOf: Object.entries(choices).map(([name, fields]) => {
      const schema = block(fields).schema();
      const properties = schema['properties'] as JsonSchema;
      const required = (schema['required'] as readonly string[] | undefined) ?? [];
      return {
        ...schema,
        properties: { [key]: { const: name, description: help }, ...properties },
        required: [key, ...required],
      };
    }),
  };
}
