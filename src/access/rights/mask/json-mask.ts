import { masked } from '../../../trace/masked.ts';
import { ApiError } from '../../../web/api-error.ts';
import {
  isCodeOf,
  isShownAs,
  KIND_NAMES,
  PERSON_NAMES,
  plainName,
  SHOWN_NAMES,
  type Shape,
} from './shown-names.ts';

export interface NameMask {
  /** Plain names that are hidden with everything below them, in addition to those of a person. */
  readonly hidden: ReadonlySet<string>;
  /** Plain names whose values are shown unmasked. */
  readonly shown: ReadonlySet<string>;
}

/** Deeper than any real message. */
const DEPTH = 200;

/** Masks every value except those of properties known not to identify anybody; formats the result with two spaces. */
export function maskJson(bytes: Uint8Array, names: NameMask): Uint8Array {
  const tree: unknown = JSON.parse(new TextDecoder().decode(bytes));
  const root = { shape: undefined, hidden: false, whole: false, depth: 0 };
  return new TextEncoder().encode(JSON.stringify(maskedJson(tree, names, root), undefined, 2));
}

interface Place {
  readonly shape: Shape | undefined;
  /** Below a name for a person. */
  readonly hidden: boolean;
  /** From `console.yaml`. */
  readonly whole: boolean;
  readonly depth: number;
}

function maskedJson(value: unknown, names: NameMask, place: Place): unknown {
  const { shape, hidden, whole, depth } = place;
  if (whole || value === null || typeof value === 'boolean') return value;
  if (typeof value === 'string') return isShownAs(shape, value) ? value : masked(value);
  if (typeof value === 'number') return isShownAs(shape, String(value)) ? value : 0;
  if (depth > DEPTH)
    throw new ApiError(403, 'FORBIDDEN', 'this body is nested too deeply to be shown masked');
  if (Array.isArray(value))
    return value.map((one) => maskedJson(one, names, { ...place, depth: depth + 1 }));
  const object = value as Readonly<Record<string, unknown>>;
  const taken = new Map<string, number>();
  const measured = !hidden && isQuantity(object);
  return Object.fromEntries(
    Object.entries(object).map(([key, one]) => {
      const name = plainName(key);
      const below = hidden || PERSON_NAMES.has(name) || names.hidden.has(name);
      const known = below && !KIND_NAMES.has(name) ? undefined : shapeOf(name);
      if (name === 'code' && !below && typeof one === 'string' && isCodeOf(object['system'], one))
        return [unique(key, taken), one];
      const inside = {
        shape: measured && name === 'value' ? 'number' : known,
        hidden: below,
        whole: names.shown.has(name),
        depth: depth + 1,
      } as const;
      return [unique(shownKey(key), taken), maskedJson(one, names, inside)];
    }),
  );
}

/** What the value of a name must look like to be shown. */
export function shapeOf(name: string): Shape | undefined {
  return Object.hasOwn(SHOWN_NAMES, name) ? SHOWN_NAMES[name] : undefined;
}

/** Whether it is a measured value: a number with its unit. */
function isQuantity({ value, unit, code }: Readonly<Record<string, unknown>>): boolean {
  return typeof value === 'number' && (unit ?? code) !== undefined;
}

/** Hides the key if it is itself a value, as in a table by patient. */
function shownKey(key: string): string {
  return /^[\w$@.:/-]{1,60}$/.test(key) && !/\d{4}/.test(key) ? key : masked(key);
}

/** `taken`: the names so far, each with the last number that it was given. */
function unique(key: string, taken: Map<string, number>): string {
  let [name, n] = [key, taken.get(key) ?? 1];
  while (taken.has(name)) name = `${key}#${++n}`;
  taken.set(name, 1).set(key, n);
  return name;
}
