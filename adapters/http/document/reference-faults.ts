import type { Tell } from './faults.ts';
import { type DocumentNode, target } from './read-document.ts';

/** Below these is data, where `$ref` is an ordinary name. */
const DATA = new Set(['example', 'examples', 'enum', 'const', 'default']);
/** Directly below these are names chosen by the author. */
const NAMES = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'responses']);
/** What is below these is for readers: it is not enforced. */
const UNENFORCED = new Set(['responses', 'callbacks', 'links', 'webhooks']);

/** Every reference of the document that points nowhere. */
export function tellOfReferences(document: DocumentNode, tell: Tell): void {
  const ids = idsIn(document);
  const look = (value: unknown, keys: readonly string[]): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, one] of Object.entries(value)) {
      const isName = NAMES.has(keys.at(-1) ?? '');
      if (key === '$ref' && typeof one === 'string' && !isName) {
        const isKnown = target(document, one) !== undefined || ids.has(one);
        if (!isKnown) tellOf(one, [...keys, key], tell);
      } else if (isName || !DATA.has(key)) look(one, [...keys, key]);
    }
  };
  look(document, []);
}

function tellOf(reference: string, keys: readonly string[], tell: Tell): void {
  const isOutside = !reference.startsWith('#');
  tell(
    keys,
    `the reference ${reference.slice(0, 200)} leads ${isOutside ? 'out of the document' : 'nowhere in the document'}`,
    isOutside ? 'Other files are not followed: bundle them into one.' : 'Correct it.',
    keys.some((key) => UNENFORCED.has(key)) ? 'warning' : undefined,
  );
}

/** The ids of schemas, for references by name. */
function idsIn(value: unknown, ids = new Set<string>()): ReadonlySet<string> {
  if (typeof value !== 'object' || value === null) return ids;
  const { $id: id, $anchor: anchor } = value as { $id?: unknown; $anchor?: unknown };
  if (typeof id === 'string') ids.add(id);
  if (typeof anchor === 'string') ids.add(`#${anchor}`);
  for (const one of Object.values(value)) idsIn(one, ids);
  return ids;
}
