import { expect, test } from 'vitest';
import { bodyCheck } from '../../../adapters/http/document/json-schema.ts';
import { processorTime } from '../../support/processor-time.ts';

const WORD = `${'a'.repeat(40)}!`;

test.for([
  ['a pattern', { pattern: '^(a+)+$' }, WORD],
  [
    'a pattern that is referred to',
    { $ref: '#/$defs/x', $defs: { x: { pattern: '^(a|a)*$' } } },
    WORD,
  ],
  [
    'the name of a property',
    { patternProperties: { '^(a+)+$': { type: 'string' } }, additionalProperties: false },
    { [WORD]: 1 },
  ],
  [
    'the name of a property beside others',
    {
      properties: { b: { type: 'string' } },
      patternProperties: { '^(a+)+$': {} },
      unevaluatedProperties: { type: 'string' },
    },
    { [WORD]: 1, b: 'x' },
  ],
  ['a name', { propertyNames: { pattern: '^(a+)+$' } }, { [WORD]: 1 }],
] as const)('%s that fits slowly is held against a body at once', ([, schema, body]) => {
  const check = bodyCheck(schema);
  const began = processorTime();
  expect(check(body)).not.toEqual([]);
  expect(processorTime() - began).toBeLessThan(1_000);
});

test('a long text is looked at once, whatever the pattern', () => {
  const check = bodyCheck({ pattern: String.raw`^\s*(\S|\s)*x$` });
  const began = processorTime();
  expect(check(' '.repeat(200_000))).toHaveLength(1);
  expect(processorTime() - began).toBeLessThan(3_000);
});

test('what the patterns say holds, and is told in their words', () => {
  const check = bodyCheck({
    type: 'object',
    properties: {
      code: { type: 'string', pattern: '^[A-Z]{1,2000}$' },
      pattern: { const: { pattern: '(' } },
    },
    patternProperties: { '^x-': { type: 'string' } },
    additionalProperties: false,
  });
  expect(check({ code: 'ABC', 'x-one': 'a', pattern: { pattern: '(' } })).toEqual([]);
  const told = check({ code: 'abc', 'x-one': 1, y: 1 });
  expect(told.map(({ at, problem }) => `${at} ${problem}`)).toEqual([
    '/ must not have additional properties: "y"',
    '/x-one must be string',
    '/code must match pattern "^[A-Z]{1,2000}$"',
  ]);
});

test('what is too much, and what was possible, is told', () => {
  const check = bodyCheck({
    type: 'object',
    properties: { status: { enum: ['F', 'P'] }, version: { const: 2 } },
    additionalProperties: false,
  });
  const told = (value: object): string[] => check(value).map(({ problem }) => problem);
  expect(told({ unit: 1, 'a"b': 2 })).toEqual([
    'must not have additional properties: "unit", "a\\"b"',
  ]);
  expect(told({ status: 'X' })).toEqual([expect.stringMatching(/: "F", "P"$/)]);
  expect(told({ version: 1 })).toEqual([expect.stringMatching(/: 2$/)]);
  const many = Object.fromEntries(
    Array.from({ length: 5_000 }, (_, n) => [`${'x'.repeat(50)}${n}`, n]),
  );
  expect(told(many)[0]?.length).toBeLessThan(300);
});

test('names by a slow pattern are still checked both ways', () => {
  const check = bodyCheck({
    patternProperties: { '^(a|b)+-[0-9]+$': { type: 'number' } },
    properties: Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`property${at}`, {}])),
    additionalProperties: false,
  });
  expect(check({ 'ab-12': 1, property299: 'x' })).toEqual([]);
  expect(check({ 'ab-12': 'x' })).toHaveLength(1);
  expect(check({ 'ab-': 1 })).toHaveLength(1);
});
