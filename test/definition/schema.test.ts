import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Schema from 'typebox/schema';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { allAdapters } from '../../adapters/index.ts';
import { productionSchema, schemaFiles, shareSchemas } from '../../src/definition/schema.ts';

const adapters = await allAdapters();

const PRODUCTIONS = join(import.meta.dirname, '../../productions');
const files = schemaFiles(adapters);

test.for([...files])('productions/%s is what the declarations say', async ([name, text]) => {
  // `npm run build` writes the files; so does `vitest run -u` for this test.
  await expect(text).toMatchFileSnapshot(join(PRODUCTIONS, name));
});

const SECTIONS: Readonly<Record<string, string>> = {
  in: 'services',
  out: 'operations',
  lookup: 'lookups',
};

test('the schema names the settings of every adapter under the hosts that may use it', () => {
  const { properties } = productionSchema(adapters) as {
    properties: Record<string, { additionalProperties: { anyOf: unknown } }>;
  };
  const typesUnder = Object.fromEntries(
    Object.values(SECTIONS).map((section) => [
      section,
      JSON.stringify(properties[section]?.additionalProperties.anyOf),
    ]),
  );
  for (const { type, settings } of adapters) {
    const own = SECTIONS[/-(\w+)$/.exec(type)?.[1] ?? ''] ?? '';
    expect(typesUnder[own]).toContain(`"const":"${type}"`);
    for (const other of Object.values(SECTIONS).filter((section) => section !== own)) {
      expect(typesUnder[other]).not.toContain(`"const":"${type}"`);
    }
    for (const name of Object.keys(settings)) expect(typesUnder[own]).toContain(`"${name}":`);
  }
});

test('what a schema repeats is written once and referred to', () => {
  const setting = { type: 'string', description: 'x'.repeat(400) };
  const shared = shareSchemas({ type: 'object', properties: { a: setting, b: setting, c: {} } });
  expect(shared).toEqual({
    type: 'object',
    properties: {
      a: { $ref: '#/definitions/a' },
      b: { $ref: '#/definitions/a' },
      c: {},
    },
    definitions: { a: setting },
  });
});

const folders = ['adt-hub', 'lab-results', 'passthrough'];
const parsed = async (file: string): Promise<unknown> =>
  parse(await readFile(join(PRODUCTIONS, file), 'utf8'), { merge: true }) as unknown;
/** As an editor has them: read and compiled once. */
const compiled = new Map(
  [...files].map(([name, text]) => [name, Schema.Compile(JSON.parse(text) as object)]),
);
const isFit = (name: string, value: unknown): boolean | undefined =>
  compiled.get(name)?.Check(value);

test.for(folders)('an editor finds nothing wrong with the example %s', async (name) => {
  expect(isFit('production.schema.json', await parsed(`${name}/production.yaml`))).toBe(true);
  expect(isFit('test.schema.json', await parsed(`${name}/production.test.yaml`))).toBe(true);
  for await (const file of glob(`${name}/overlays/*.yaml`, { cwd: PRODUCTIONS })) {
    expect(isFit('production.schema.json', await parsed(file)), file).toBe(true);
  }
  for await (const file of glob(`${name}/transforms/*.yaml`, { cwd: PRODUCTIONS })) {
    expect(isFit('transform.schema.json', await parsed(file)), file).toBe(true);
  }
});

test.for([
  ['an unknown key', { titel: 'x' }],
  ['an unknown setting', { services: { a: { adapter: 'mllp-in', settings: { lisen: 'a:1' } } } }],
  [
    'a setting of another adapter',
    { services: { a: { adapter: 'mllp-in', settings: { folder: 'x' } } } },
  ],
  ['an adapter of the other direction', { services: { a: { adapter: 'mllp-out' } } }],
  ['a duration without a unit', { settings: { keep: '7' } }],
  ['a name that cannot be a subject', { operations: { 'a.b': { adapter: 'mllp-out' } } }],
  ['a credential of no known kind', { credentials: { a: { kind: 'bsic' } } }],
  ['an action that does not exist', { operations: { a: { replies: { AE: ['wait'] } } } }],
  [
    'an unknown setting of a lookup',
    { lookups: { a: { adapter: 'sql-lookup', settings: { qery: '' } } } },
  ],
  ['an adapter that is none for lookups', { lookups: { a: { adapter: 'sql-in' } } }],
])('an editor marks %s', ([, value]) => {
  const production = { production: 'p', ...(value as object) };
  expect(isFit('production.schema.json', production)).toBe(false);
});
