import type { GivenOf, Setting } from '../../adapter/setting.ts';
import type { Place } from '../place.ts';
import { suggestion } from '../problem.ts';
import { emptyBlock, isAbsent, type Written, type WrittenBlock } from '../written/written.ts';
import { below, type Form, type JsonSchema, type Reading, report } from './form.ts';
import { settingForm } from './setting-form.ts';

/** A key of a block whose value is more than a setting. */
export interface Field<Value> {
  readonly form: Form<Value>;
  /** A full sentence for the editor and the reference page. */
  readonly help: string;
  readonly needed?: true;
  /** A block that is left out is read as an empty one, so that its keys get their defaults. */
  readonly always?: true;
  /** Used in place of a value that is missing or wrong. */
  readonly preset?: Value;
  readonly example?: string;
}

/** The keys of a block: settings as adapters declare them, or fields with forms of their own. */
export type Fields = Readonly<Record<string, Setting<unknown, unknown> | Field<unknown>>>;

type FieldValue<F> =
  F extends Field<infer Value>
    ? F extends { readonly preset: unknown }
      ? Value
      : Value | undefined
    : F extends Setting<infer Value, infer _>
      ? undefined extends GivenOf<F>
        ? Value
        : Value | undefined
      : never;

type Missing<F> = {
  [Name in keyof F]: undefined extends FieldValue<F[Name]> ? Name : never;
}[keyof F];

/** The value of a block. What is missing or wrong is undefined, unless it has a default. */
export type BlockValues<F> = {
  readonly [Name in Exclude<keyof F, Missing<F>>]: FieldValue<F[Name]>;
} & { readonly [Name in Missing<F>]?: FieldValue<F[Name]> };

/** A block of known keys. An unknown key is a problem that suggests the nearest known one. */
export function block<const F extends Fields>(fields: F): Form<BlockValues<F>> {
  return {
    read(written, reading) {
      if (isAbsent(written)) return readKeys(fields, undefined, { reading, place: written.place });
      if (written.kind !== 'block') {
        return report(reading, written.place, 'must be a block of keys', 'Write key: value lines.');
      }
      return readKeys(fields, written, { reading, place: written.place });
    },
    schema: () => blockSchema(fields),
    fields,
  };
}

interface BlockReading {
  readonly reading: Reading;
  readonly place: Place;
}

function readKeys<F extends Fields>(
  fields: F,
  written: WrittenBlock | undefined,
  { reading, place }: BlockReading,
): BlockValues<F> {
  for (const entry of written?.entries.values() ?? []) {
    if (Object.hasOwn(fields, entry.key)) continue;
    const known = Object.keys(fields);
    const remedy = suggestion(entry.key, known, `Known: ${known.join(', ')}.`);
    report(below(reading, entry.key), entry.place, 'no such key', remedy);
  }
  const values: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(fields)) {
    const value = written?.entries.get(key)?.value;
    values[key] = readKey(field, value, { reading: below(reading, key), place });
  }
  return values as BlockValues<F>;
}

function readKey(
  field: Setting<unknown, unknown> | Field<unknown>,
  written: Written | undefined,
  { reading, place }: BlockReading,
): unknown {
  const given = written === undefined || isAbsent(written) ? undefined : written;
  if ('form' in field) {
    const value = given === undefined ? undefined : field.form.read(given, reading);
    if (value !== undefined) return value;
    if (field.always === true) return field.form.read(emptyBlock(place), reading);
    if (given === undefined && field.needed === true) {
      report(reading, place, 'is missing', field.help);
    }
    return field.preset;
  }
  if (given === undefined)
    return isNeeded(field)
      ? report(reading, place, 'is missing', field.help)
      : presetOf(field, reading);
  return settingForm(field).read(given, reading) ?? presetOf(field, reading);
}

/** The default, also in place of a wrong value, so that reading can continue. */
function presetOf(setting: Setting<unknown, unknown>, reading: Reading): unknown {
  if (setting.default === undefined) return undefined;
  const preset = setting.read(setting.default, reading.context);
  return preset.ok ? preset.value : undefined;
}

function blockSchema(fields: Fields): JsonSchema {
  const required = Object.entries(fields)
    .filter(([, field]) => isNeeded(field))
    .map(([name]) => name);
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(
      Object.entries(fields).map(([name, field]) => [name, fieldSchema(field)]),
    ),
    ...(required.length === 0 ? {} : { required }),
  };
}

function isNeeded(field: Setting<unknown, unknown> | Field<unknown>): boolean {
  if ('form' in field) return field.needed === true;
  return field.default === undefined && field.optional !== true;
}

function fieldSchema(field: Setting<unknown, unknown> | Field<unknown>): JsonSchema {
  if (!('form' in field)) return settingForm(field).schema();
  const { form, help, example } = field;
  return {
    ...form.schema(),
    description: help,
    ...(example === undefined ? {} : { examples: [example] }),
  };
}

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
