import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { inTurns } from '../../src/document/in-turns.ts';
import { documentInTurns, documentOf, findingFhir } from '../../src/document/index.ts';
import { readingRecords } from '../../src/document/records/read-records.ts';
import { type BodyKind, bodyOf, PATHS, ROWS, TYPES } from '../support/growing-bodies.ts';

const MANY = 60_000;

/** How often others got their turn while something was done. */
async function turnsOf<Result>(
  work: () => Promise<Result>,
): Promise<{ result: Result; turns: number }> {
  let [turns, isDone] = [0, false];
  const counting = (async () => {
    for (; !isDone; turns++) await turn();
  })();
  const result = await work();
  isDone = true;
  await counting;
  return { result, turns };
}

test.each([
  'delimited',
  'dicom',
  'hl7',
  'x12',
  'edifact',
  'astm',
  'json',
  'fhir',
] satisfies BodyKind[])(
  'a large %s is read as a small one, and others get their turn meanwhile',
  async (kind) => {
    const bytes = bodyOf(kind, MANY);
    const hints = { type: TYPES[kind], charset: undefined };
    const { result, turns } = await turnsOf(() => documentInTurns(bytes, hints));
    // one of them is that in which it ended
    expect(turns).toBeGreaterThan(1);
    const whole = documentOf(bytes, hints);
    const [first, nth, , every] = PATHS[kind];
    const copies = [result, whole].map((one) => {
      const [before, copy] = [one?.all(every), one?.copy()];
      copy?.set(first, '7');
      copy?.set(nth(MANY), 'last');
      return [before, one?.get(nth(MANY)), Buffer.from(copy?.bytes() ?? []).toString('latin1')];
    });
    expect(copies[0]).toEqual(copies[1]);
    // the one that was copied did not change
    expect(Buffer.from(result?.bytes() ?? []).equals(bytes)).toBe(true);
    expect(result?.get(nth(MANY))).not.toBe('last');
  },
);

test('records are read by a map while others get their turn', async () => {
  const bytes = bodyOf('delimited', MANY);
  const { result, turns } = await turnsOf(() => inTurns(readingRecords(bytes, ROWS)));
  expect(result.values['rows']).toHaveLength(MANY);
  expect(turns).toBeGreaterThan(1);
});

test('a quote that is never closed is told with its line, as of a small one', async () => {
  const bytes = Buffer.concat([bodyOf('delimited', MANY), Buffer.from('1,"open,2\n3,4,5\n')]);
  const hints = { type: TYPES.delimited, charset: undefined };
  await expect(documentInTurns(bytes, hints)).rejects.toThrow(`line ${MANY + 2} is never closed`);
});

test('JSON that is wrong far behind is told with its place, as a small one', async () => {
  const bytes = Buffer.from(`[${'{"a":1},\n'.repeat(MANY * 3)}{"b" 2}]`);
  const hints = { type: TYPES.json, charset: undefined };
  const { result, turns } = await turnsOf(() =>
    documentInTurns(bytes, hints).catch((error: unknown) => String(error)),
  );
  expect(result).toContain(`line ${MANY * 3 + 1}, column 6`);
  expect(turns).toBeGreaterThan(3);
});

test('a copy of a large JSON changes neither the other copies nor what it was made of', async () => {
  const bytes = bodyOf('json', MANY);
  const hints = { type: TYPES.json, charset: undefined };
  const original = await documentInTurns(bytes, hints);
  const [one, other] = [original?.copy(), original?.copy()];
  one?.set('/orders/0/code', 'ONE');
  one?.remove('/orders/1');
  other?.set('/orders/-/code', 'LAST');
  original?.set('/orders/2/code', 'ORIGINAL');
  const third = one?.copy();
  third?.set('/orders/0/code', 'THIRD');
  const codes = [original, one, other, third].map((document) =>
    [0, 1, 2, MANY].map((at) => document?.get(`/orders/${at}/code`)),
  );
  expect(codes).toEqual([
    ['GLU', 'GLU', 'ORIGINAL', ''],
    ['ONE', 'GLU', 'GLU', ''],
    ['GLU', 'GLU', 'GLU', 'LAST'],
    ['THIRD', 'GLU', 'GLU', ''],
  ]);
});

test('a Bundle is checked while others get their turn', async () => {
  const bundle: unknown = JSON.parse(bodyOf('fhir', 5_000).toString());
  const { result, turns } = await turnsOf(() => inTurns(findingFhir(bundle, { level: 'full' })));
  expect(result).toEqual([]);
  expect(turns).toBeGreaterThan(3);
});

test.each([
  ['very many numbers', `{"n":[${'7,'.repeat(2_000_000)}8],"last":"x"}`, '/n/2000000'],
  [
    'something nested very deeply',
    `{"n":${'[5,'.repeat(600_000)}8${']'.repeat(600_000)},"last":"x"}`,
    `/n${'/1'.repeat(105)}/0`,
  ],
])('JSON with %s takes little more memory than its text', async (_, text, path) => {
  const bytes = Buffer.from(text);
  const hints = { type: TYPES.json, charset: undefined };
  const before = process.memoryUsage().heapUsed;
  const read = await documentInTurns(bytes, hints);
  // otherwise some 300 MB
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(120_000_000);
  expect([read?.get('/last'), read?.get(path)]).toEqual(['x', path.includes('1/') ? '5' : '8']);
  read?.set(path, '9');
  expect(read?.get(path)).toBe('9');
});

test.each([
  ['hl7', `MSH|^~\\&|A|B|C|D|20260101||ORU^R01|17|P|2.5.1\r${'X\r'.repeat(1_500_000)}`, 'MSH-10'],
  [
    'x12',
    `ISA*00*          *00*          *ZZ*S              *ZZ*R              *260101*1200*^*00501*000000017*0*P*:~${'ST~'.repeat(1_000_000)}`,
    'ISA-13',
  ],
] as const)(
  '%s of very many short lines takes little more memory than its text',
  async (kind, text, path) => {
    const bytes = Buffer.from(text);
    const before = process.memoryUsage().heapUsed;
    const read = await documentInTurns(bytes, { type: TYPES[kind], charset: undefined });
    // otherwise some 200 MB
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(60_000_000);
    expect(read?.get(path)).toMatch(/17$/);
    expect(Buffer.from(read?.bytes() ?? []).equals(bytes)).toBe(true);
  },
);
