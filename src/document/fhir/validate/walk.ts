import { isElement } from '../v2/json.ts';
import { type ElementType, elementsOf, kindOfType } from './element-types.ts';

/** An element with elements of its own, and where it is. */
export interface Placed {
  readonly value: Readonly<Record<string, unknown>>;
  readonly type: string;
  /** The part of the type that it is, `''` for the type itself. */
  readonly part: string;
  /** As FHIRPath. */
  readonly at: string;
  /** The innermost resource that it is in. */
  readonly root: Readonly<Record<string, unknown>>;
  /** Where it may lead, for a reference. */
  readonly targets: readonly string[];
}

/** Every element of a resource of known structure that is not a primitive, the resource itself first. */
export function* elementsIn(
  resource: Readonly<Record<string, unknown>>,
  at = String(resource['resourceType']),
): Generator<Placed> {
  const type = String(resource['resourceType']);
  yield* from({ value: resource, type, part: '', at, root: resource, targets: [] });
}

function* from(placed: Placed): Generator<Placed> {
  yield placed;
  const { byName } = elementsOf(placed.type, placed.part);
  for (const [name, value] of Object.entries(placed.value)) {
    const element = byName.get(name);
    if (element === undefined) continue;
    const all: readonly unknown[] = Array.isArray(value) ? value : [value];
    for (const [index, one] of all.entries()) {
      const at = `${placed.at}.${name}${Array.isArray(value) ? `[${index}]` : ''}`;
      if (isElement(one)) yield* inner(one, element, { ...placed, at });
    }
  }
}

function inner(
  value: Readonly<Record<string, unknown>>,
  { types: [type = ''], part, targets }: ElementType,
  around: Placed,
): Generator<Placed> {
  if (part !== undefined) return from({ ...around, value, part, targets });
  const isResource = type === 'Resource' || kindOfType(type) === 'resource';
  return isResource
    ? elementsIn(value, around.at)
    : from({ ...around, value, type, part: '', targets });
}
