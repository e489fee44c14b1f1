import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { allAdapters } from '../../adapters/index.ts';
import { describeDifference, productionDifference } from '../../src/definition/difference.ts';
import { examples } from '../support/examples.ts';
import { productionFolder } from '../support/production.ts';

const adapters = await allAdapters();

const KEYS = [
  'production',
  'title',
  'include',
  'settings',
  'credentials',
  'services',
  'processes',
  'operations',
  'transforms',
  'lookups',
  'alerts',
  'adapter',
  'to',
  'rules',
  'when',
  'send',
  'otherwise',
  'order',
  'by-key',
  'partitions',
  'retry',
  'every',
  'for',
  'replies',
  'pool',
  'kind',
  'search',
  'tls',
  'listen',
  'connect',
  'code',
  'a',
  'router',
  'ward',
  '__proto__',
  'constructor',
  'toString',
  '<<',
  '0',
];
const WORDS = [
  'sample-in',
  'sample-out',
  './x.ts',
  '${env:X}',
  '${env:}',
  '${',
  '$${',
  '${file:.}',
  '5s',
  '-1s',
  'forever',
  'fifo',
  'discard',
  'field("PID-3")',
  'field(',
  '"',
  '{type}',
  '{',
  'basic',
  '0.0.0.0:1',
  'router',
  'ward',
  'production.yaml',
  '*.yaml',
  '[',
  '\u0000',
  '😀',
  '',
];

const scalar = fc.oneof(
  fc.constantFrom(...WORDS),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.string({ maxLength: 8 }),
);
const tree = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...KEYS), tie('value'), { maxKeys: 6, noNullPrototype: true }),
  ),
})).value;
/** A production of the right outline with garbage inside: it gets past the first checks. */
const production = fc.record(
  {
    production: fc.oneof(fc.constant('p'), tree),
    settings: tree,
    include: tree,
    credentials: fc.oneof(fc.dictionary(fc.constantFrom('a', 'b'), tree), tree),
    services: fc.oneof(fc.dictionary(fc.constantFrom('in', '__proto__'), tree), tree),
    processes: fc.oneof(fc.dictionary(fc.constantFrom('router', 'b'), tree), tree),
    operations: fc.oneof(fc.dictionary(fc.constantFrom('ward', 'b'), tree), tree),
    transforms: tree,
    lookups: tree,
    alerts: tree,
  },
  { requiredKeys: [] },
);

test('no text makes the reading throw: it gives problems or a definition', async () => {
  await using folder = await productionFolder({});
  const texts = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 60 }),
    fc
      .array(
        fc.constantFrom(...KEYS, ...WORDS, ': ', '\n', '\n  ', '- ', '&a', '*a', '|', '>-', '\t'),
        { maxLength: 30 },
      )
      .map((parts) => parts.join('')),
  );
  await fc.assert(
    fc.asyncProperty(texts, async (text) => {
      await folder.write({ 'production.yaml': text });
      const { definition, problems } = await folder.read();
      expect(definition !== undefined || problems.length > 0).toBe(true);
    }),
    { numRuns: examples(300) },
  );
});

test('no tree makes the reading throw, and every problem has a place in a file', async () => {
  await using folder = await productionFolder({});
  await fc.assert(
    fc.asyncProperty(fc.oneof(production, tree), async (value) => {
      await folder.write({ 'production.yaml': JSON.stringify(value) ?? '' });
      const { definition, problems } = await folder.read();
      expect(definition !== undefined || problems.length > 0).toBe(true);
      for (const { file, line, column, what } of problems) {
        expect(file).toMatch(/\.yaml$/);
        expect(line).toBeGreaterThan(0);
        expect(column).toBeGreaterThan(0);
        expect(what).not.toBe('');
      }
    }),
    { numRuns: examples(400) },
  );
});

test('a production cut off anywhere gives problems or a smaller production', async () => {
  const text = `production: p
services:
  in: { adapter: sample-in, to: [router] }
processes:
  router:
    rules:
      - name: "a"
        when: type == "ADT_A01" && field("PV1-2") == 'I'
        send: [{ to: ward, when: has("PID-3") }]
      - otherwise: suspend
operations:
  ward: { adapter: sample-out, settings: { connect: "ward:\${env:PORT:-1}" }, retry: { for: forever } }
`;
  await using folder = await productionFolder({});
  for (let end = 0; end < text.length; end += 3) {
    await folder.write({ 'production.yaml': text.slice(0, end) });
    const { definition, problems } = await folder.read();
    expect(definition !== undefined || problems.length > 0).toBe(true);
  }
});

test('a good production with a few values replaced by anything is read or refused, never thrown at', async () => {
  const good = parse(
    await readFile(join(import.meta.dirname, '../../productions/adt-hub/production.yaml'), 'utf8'),
    { merge: true },
  ) as object;
  await using folder = await productionFolder({});
  const change = fc.tuple(fc.nat(), fc.oneof(tree, fc.constant(DELETED)));
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
      const broken = structuredClone(good);
      for (const [at, value] of changes) replaceAt(broken, at, value);
      await folder.write({ 'production.yaml': JSON.stringify(broken) });
      const { definition, problems } = await folder.read({ adapters });
      expect(definition !== undefined || problems.length > 0).toBe(true);
      if (definition !== undefined)
        describeDifference(productionDifference(definition, definition));
    }),
    { numRuns: examples(150) },
  );
});

const DELETED = Symbol('deleted');

/** Replaces the value with that number, counted through the whole tree. */
function replaceAt(root: object, at: number, value: unknown): void {
  const places: [Record<string, unknown>, string][] = [];
  const walk = (node: object): void => {
    for (const key of Object.keys(node)) {
      places.push([node as Record<string, unknown>, key]);
      const inner = (node as Record<string, unknown>)[key];
      if (typeof inner === 'object' && inner !== null) walk(inner);
    }
  };
  walk(root);
  const [node, key] = places[at % Math.max(places.length, 1)] ?? [{}, ''];
  if (value === DELETED) delete node[key];
  else node[key] = value;
}
