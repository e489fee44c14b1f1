import type { BodyCheck } from '../operation.ts';
import { bodyCheck } from './body-check.ts';
import type { Tell } from './faults.ts';
import type { DocumentNode } from './read-document.ts';
import { tellOfSchema } from './schema-faults.ts';

export const anything: BodyCheck = () => [];

/** The check of a schema that stands at `keys` of a document. What is wrong with it is told, and then nothing is checked. */
export function schemaCheck(
  schema: unknown,
  {
    keys,
    root,
    tell,
  }: {
    readonly keys: readonly string[];
    /** What references count from, where that is not the schema itself. */
    readonly root?: DocumentNode;
    readonly tell: Tell;
  },
): BodyCheck {
  let isGood = true;
  tellOfSchema(schema, keys, (...fault) => {
    isGood = false;
    tell(...fault);
  });
  if (!isGood) return anything;
  try {
    return bodyCheck(schema as object, root);
  } catch {
    // whatever the library found wrong with it
    tell(keys, 'this is not a JSON Schema that can be used', 'Correct the schema.');
    return anything;
  }
}
