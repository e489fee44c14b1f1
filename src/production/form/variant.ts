import { suggestion } from '../problem.ts';
import { valueAt, type WrittenBlock } from '../written/written.ts';
import { block, type Fields } from './block.ts';
import { below, type Form, type JsonSchema, report } from './form.ts';
import { textOf } from './setting-form.ts';

/** What a variant reads as: the word that chose it and the values of its keys. */
export interface Chosen {
  readonly choice: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/** A block in which one key chooses which others there are. */
export function variant(
  key: string,
  help: string,
  choices: Readonly<Record<string, Fields>>,
): Form<Chosen> {
  const names = Object.keys(choices);
  const forms = new Map(Object.entries(choices).map(([name, fields]) => [name, block(fields)]));
  return {
    read(written, reading) {
      if (written.kind !== 'block') {
        return report(
          reading,
          written.place,
          'must be a block of keys',
          `It needs ${key}: ${names.join(', ')}.`,
        );
      }
      const chosen = valueAt(written, [key]);
      const choice = chosen?.kind === 'scalar' ? (textOf(chosen) ?? '') : '';
      const form = forms.get(choice);
      if (form === undefined) {
        const place = chosen?.place ?? written.place;
        const what = choice === '' ? 'is missing' : `${choice} is not known here`;
        return report(below(reading, key), place, what, suggestion(choice, names));
      }
      const values = form.read(without(written, key), reading);
      return values === undefined ? undefined : { choice, values };
    },
    schema: () => ({
      type: 'object',
      required: [key],
      anyOf: [...forms].map(([name, form]) => variantSchema(form.schema(), { key, name, help })),
    }),
  };
}

function without(written: WrittenBlock, key: string): WrittenBlock {
  const entries = new Map(written.entries);
  entries.delete(key);
  return { ...written, entries };
}

function variantSchema(
  schema: JsonSchema,
  { key, name, help }: { readonly key: string; readonly name: string; readonly help: string },
): JsonSchema {
  const properties = schema['properties'] as JsonSchema;
  return {
    ...schema,
    properties: { [key]: { const: name, description: help }, ...properties },
  };
}
