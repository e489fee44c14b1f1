import { type Element, isElement, type Resource } from '../v2/json.ts';
import type { BundleIndex } from './bundle-index.ts';
import { type Found, partsOf, textIn, type Uses } from './uses.ts';

/** What of the resources is in the message. */
export interface BackCoverage {
  /** Values that are in the message, and all. */
  readonly values: number;
  readonly allValues: number;
  /** What is not, each once: `Patient.photo`, `Medication`. */
  readonly unmapped: readonly string[];
  /** Types of resources that references name and that are not in the Bundle. */
  readonly missing: readonly string[];
}

/** What a message of HL7 v2 has no place for, and loses nothing without. */
const APART: ReadonlySet<string> = new Set([
  'resourceType',
  'id',
  'meta',
  'text',
  'contained',
  'implicitRules',
  'language',
]);

/** How long the list of places may get, whatever a Bundle holds. */
const MOST = 500;
/** How deep places are named. */
const DEEP = 4;

interface Walk {
  readonly uses: Uses;
  readonly isWritten: (element: Element) => boolean;
  readonly unmapped: Set<string>;
  values: number;
  all: number;
}

export function coverageOf(
  index: BundleIndex,
  uses: Uses,
  written: ReadonlySet<Element>,
): BackCoverage {
  const walk: Walk = {
    uses,
    isWritten: (reference) => {
      const found = index.find(reference);
      return found !== undefined && written.has(found);
    },
    unmapped: new Set(),
    values: 0,
    all: 0,
  };
  for (const { resource } of index.resources) walkResource(resource, walk);
  const { values, all: allValues, unmapped } = walk;
  return { values, allValues, unmapped: [...unmapped], missing: [...index.missing] };
}

function walkResource(resource: Resource, walk: Walk): void {
  const before = walk.values;
  const places = new Set<string>();
  const type = nameIn(resource.resourceType) ?? 'a resource';
  for (const part of partsOf(resource)) {
    if (!APART.has(String(part.key)))
      leaves(part, [type, String(part.key)], { ...walk, unmapped: places }, walk);
  }
  // of what nothing is in the message, the type says it
  const named = walk.values === before && places.size > 0 ? [type] : places;
  for (const place of named) if (walk.unmapped.size < MOST) walk.unmapped.add(place);
}

function leaves(found: Found, path: readonly string[], at: Walk, totals: Walk): void {
  const { value } = found;
  if (value === null) return;
  if (isElement(value) ? !followed(found, value, at) : Array.isArray(value)) {
    for (const part of partsOf(value)) leaves(part, pathTo(part, path), at, totals);
    return;
  }
  totals.all++;
  if (isElement(value) || at.uses.has(found)) totals.values++;
  else if (at.unmapped.size < MOST) at.unmapped.add(path.join('.'));
}

const pathTo = ({ key }: Found, path: readonly string[]): readonly string[] =>
  typeof key === 'number' || path.length >= DEEP ? path : [...path, nameIn(key) ?? '?'];

/** A reference is in the message if what it leads to is, or if it was read itself. */
const followed = (found: Found, element: Element, { uses, isWritten }: Walk): boolean =>
  textIn(element, 'reference') !== undefined && (uses.has(found) || isWritten(element));

/** A name of FHIR; what is none is not quoted. */
const nameIn = (text: string): string | undefined =>
  /^_?[A-Za-z][A-Za-z\d]{0,63}$/.test(text) ? text : undefined;
