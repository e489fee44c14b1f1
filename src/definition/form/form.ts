import type { Place } from '../place.ts';
import { type Problems, splitProblem } from '../problem.ts';
import type { ProductionContext } from '../read-context.ts';
import { type Keys, pathText, placeAt, valueAt, type Written } from '../written/written.ts';
import { meaning, type TextMeaning } from './meaning.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** The version of JSON Schema that editors know. */
export const DRAFT = 'http://json-schema.org/draft-07/schema#';

/**
 * One part of the production format: reads what was written, reports what is wrong at its place,
 * and describes itself as JSON Schema. The whole format is one form, so the check, the schema for
 * editors and the reference page always agree.
 */
export interface Form<Value> {
  /** Undefined if it could not be read; its problems are then reported. Never throws. */
  readonly read: (written: Written, reading: Reading) => Value | undefined;
  readonly schema: () => JsonSchema;
  /** For a block of known keys: each key. */
  readonly fields?: Readonly<Record<string, { readonly help: string }>> | undefined;
}

/** Where a form reads: where it reports problems, and the keys that lead here. */
export interface Reading {
  readonly problems: Problems;
  readonly keys: Keys;
  readonly context: ProductionContext;
}

export function below(reading: Reading, key: string | number): Reading {
  return { ...reading, keys: [...reading.keys, key] };
}

export function report(reading: Reading, place: Place, what: string, remedy?: string): undefined {
  reading.problems.error(place, pathText(reading.keys), what, remedy);
  return undefined;
}

/** Accepts what was written unchanged; its reader checks it later. */
export function raw(schema: () => JsonSchema): Form<Written> {
  return { read: (written) => written, schema };
}

/** One or more of a kind. A single one may be written without brackets. */
export function many<Value>(of: Form<Value>): Form<readonly Value[]> {
  return {
    read(written, reading) {
      if (written.kind !== 'list') {
        const one = of.read(written, reading);
        return one === undefined ? undefined : [one];
      }
      return written.items.flatMap((item, index) => {
        const value = of.read(item, below(reading, index));
        return value === undefined ? [] : [value];
      });
    },
    schema: () => ({ anyOf: [of.schema(), { type: 'array', items: of.schema() }] }),
  };
}

/** A value that may be written in more than one shape, such as a word or a block. */
export function shaped<Value>(shapes: {
  readonly scalar: Form<Value>;
  readonly block?: Form<Value>;
  readonly list?: Form<Value>;
}): Form<Value> {
  return {
    read: (written, reading) => (shapes[written.kind] ?? shapes.scalar).read(written, reading),
    schema: () => ({ anyOf: Object.values(shapes).map((form) => form.schema()) }),
  };
}

/** An entry of a block whose keys are names that the production chooses. */
export interface Named<Value> {
  readonly name: string;
  readonly value: Value;
  /** The place of the name. */
  readonly place: Place;
  readonly written: Written;
}

interface NameRule {
  readonly pattern: string;
  readonly problem: (name: string) => string | undefined;
  /** What the names stand for, where they are of the production and not new ones. */
  readonly names?: TextMeaning;
}

/** A block of names. `rule` says what is wrong with a name; undefined if nothing is. */
export function named<Value>(
  of: Form<Value>,
  rule: NameRule,
): Form<ReadonlyMap<string, Named<Value>>> {
  return {
    read(written, reading) {
      if (written.kind !== 'block') {
        return report(reading, written.place, 'must be a block of names', 'Write name: below it.');
      }
      const found = new Map<string, Named<Value>>();
      for (const { key, place, value: inner } of written.entries.values()) {
        const inside = below(reading, key);
        const problem = rule.problem(key);
        if (problem !== undefined) {
          const { what, remedy } = splitProblem(problem);
          report(inside, place, what, remedy);
        }
        const value = of.read(inner, inside);
        if (value !== undefined) found.set(key, { name: key, value, place, written: inner });
      }
      return found;
    },
    schema: () => ({
      type: 'object',
      propertyNames: {
        pattern: rule.pattern,
        ...(rule.names === undefined ? {} : meaning(rule.names)),
      },
      additionalProperties: of.schema(),
    }),
  };
}

/** Reports problems that were found below a value, by their keys. */
export function reportBelow(
  reading: Reading,
  written: Written,
  {
    keys,
    offset,
    what,
    remedy,
  }: {
    readonly keys: Keys;
    readonly offset?: number | undefined;
    readonly what: string;
    readonly remedy: string;
  },
): void {
  const value = valueAt(written, keys);
  if (value?.kind === 'scalar' && value.missing) return;
  const place = placeBelow(written, keys, offset);
  reading.problems.error(place, pathText([...reading.keys, ...keys]), what, remedy);
}

function placeBelow(written: Written, keys: Keys, offset: number | undefined): Place {
  const value = valueAt(written, keys);
  if (value === undefined) return placeAt(written, keys);
  if (value.kind === 'scalar' && offset !== undefined) return value.placeOf(offset);
  return placeAt(written, keys, 'value');
}
