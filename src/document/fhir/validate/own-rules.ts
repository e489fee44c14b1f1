import { isElement } from '../v2/json.ts';

type Element = Readonly<Record<string, unknown>>;

/** Whether an invariant holds for an element of a resource. */
type Rule = (value: Element, root: Element) => boolean;

/**
 * Invariants that are not left to the package `fhirpath`, which takes the square of the number of parts for them: a Bundle of
 * 5 MB would take minutes.
 */
export const OWN_RULES: Readonly<Record<string, Rule>> = {
  'bdl-7': ({ type, entry }) => type === 'history' || areDistinct(versions(listOf(entry))),
  'dom-3': ({ contained }, root) => areReferred(listOf(contained), root),
};

const listOf = (value: unknown): readonly Element[] =>
  Array.isArray(value) ? value.filter(isElement) : [];

/** Of each entry that has a full URL that with the version. */
function versions(entries: readonly Element[]): string[] {
  return entries.flatMap(({ fullUrl, resource }) => {
    if (typeof fullUrl !== 'string') return [];
    const meta = isElement(resource) ? resource['meta'] : undefined;
    const version = isElement(meta) ? meta['versionId'] : undefined;
    return [`${fullUrl} ${typeof version === 'string' ? version : ''}`];
  });
}

const areDistinct = (values: readonly string[]): boolean => new Set(values).size === values.length;

/** Each contained resource is referred to in the resource that contains it, or refers to that. */
function areReferred(contained: readonly Element[], root: Element): boolean {
  if (contained.length === 0) return true;
  const local = localReferences(root);
  return contained.every(
    (one) => local.has(`#${String(one['id'])}`) || localReferences(one).has('#'),
  );
}

/** The values in an element that may refer within its resource. */
function localReferences(element: Element): ReadonlySet<string> {
  const found = new Set<string>();
  const waiting: unknown[] = [element];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value === 'string' && value.startsWith('#')) found.add(value);
    if (typeof value === 'object' && value !== null) {
      for (const inner of Object.values(value)) waiting.push(inner);
    }
  }
  return found;
}
