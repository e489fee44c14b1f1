import { describe, expect, test } from 'vitest';
import { documentOf } from '../../src/document/document-of.ts';
import type { ResultTypes } from '../../src/expression/compiled.ts';
import { expressionEnvironment } from '../../src/expression/environment.ts';
import {
  ADMISSION,
  environment,
  lookupTables,
  RESULT,
  scopeOf,
  valueOf,
} from '../support/subject-message.ts';

function problemsOf(source: string, result: keyof ResultTypes = 'any'): string[] {
  const compiled = environment.compile(source, { result });
  return compiled.ok ? [] : compiled.problems.map(({ text }) => text);
}

/** The text of the source that the first problem points at. */
function placeOf(source: string, result: keyof ResultTypes = 'any'): string {
  const compiled = environment.compile(source, { result });
  const [first] = compiled.ok ? [] : compiled.problems;
  return source.slice(first?.offset, first?.end);
}

describe('what an expression sees', () => {
  const scope = scopeOf(ADMISSION, { name: 'a.hl7', origin: '10.0.0.7:4711', priority: 3 });

  test.for<[string, unknown]>([
    ['type', 'ADT_A01'],
    ['event', 'A01'],
    ['version', '2.5.1'],
    ['source', 'adt-in'],
    ['target', 'adt-router'],
    ['name', 'a.hl7'],
    ['origin', '10.0.0.7:4711'],
    ['id', 7n],
    ['session', 5n],
    ['priority', 3n],
    ['size > 100', true],
    ['received == timestamp("2026-01-31T15:30:00Z")', true],
    ['created > received', true],
    ['type == "ADT_A01" && field("PV1-2") == "I"', true],
    ['has("PV1-19") && !has("ZPI")', true],
    ['fields("PID-3.1")', ['4711', '999-11-2222']],
    ['"SS" in fields("PID-3.5")', true],
    ['field("PV1-44", "unknown")', 'unknown'],
    ['lookup("wards", field("PV1-3.1"), "UNKNOWN")', 'North'],
    ['lookup("wards", "W9", "UNKNOWN")', 'UNKNOWN'],
    ['segments("NK1").size()', 2n],
    ['segments("NK1").exists(n, n.field("NK1-3") == "MTH")', true],
    ['segments("NK1").filter(n, n.field("NK1-3") == "MTH").map(n, n.field("NK1-2.2"))', ['ANN']],
    ['body().startsWith("MSH|")', true],
    ['field("PV1-2") in ["I", "E"]', true],
    ['number("2") + 1 == 3', true],
    ['[1, 2].map(type, type + 1)', [2n, 3n]],
    ['"has(type)" + \' type\'', 'has(type) type'],
    ['true // type has("', true],
  ])('%s', ([source, value]) => {
    expect(valueOf(source, scope)).toEqual(value);
  });

  test('the segments that belong to another one are found by their place', () => {
    const value = valueOf(
      'segments("OBR").map(r, string(r.following("OBX").size())).join(" ")',
      scopeOf(RESULT),
    );
    expect(value).toBe('2 1');
  });

  test('the whole body is read in its own charset', () => {
    const latin = Buffer.from(
      ADMISSION.replace('|2.5.1', '|2.5.1||||||8859/1').replace('DOE', 'D\u00d6E'),
      'latin1',
    );
    const document = documentOf(latin, { type: 'HL7v2:ADT_A01:2.5.1' });
    const hl7 = { message: scope.message, document: () => document };
    expect(valueOf('firstMatch(body(), "(D.E)\\\\^")', hl7)).toBe('D\u00d6E');
    const json = scopeOf('{"a":"\u00d6"}', { type: 'application/json' });
    expect(valueOf('base64()', json)).toBe(Buffer.from('{"a":"\u00d6"}').toString('base64'));
    expect(valueOf('body()', json)).toBe('{"a":"\u00d6"}');
  });

  test('a type that is not HL7 has neither event nor version', () => {
    const json = scopeOf('{"patient":{"id":12}}', { type: 'application/json' });
    expect(valueOf('[type, event, version, json("/patient/id")]', json)).toEqual([
      'application/json',
      '',
      '',
      '12',
    ]);
  });

  test('XML is read by XPath, delimited text by column', () => {
    const xml = scopeOf('<order id="7"><test>GLU</test></order>', { type: 'application/xml' });
    expect(valueOf('xpath("/order/@id") + xpath("/order/test")', xml)).toBe('7GLU');
    const csv = scopeOf('mrn,name\n12,Doe\n', { type: 'text/csv' });
    expect(valueOf('field("mrn") + field("2")', csv)).toBe('12Doe');
  });

  test('the body is not read until an expression asks for it', () => {
    let reads = 0;
    const { message } = scope;
    const lazy = {
      message,
      document: () => {
        reads++;
        return scope.document();
      },
    };
    expect(valueOf('type == "ORU_R01" && field("PID-3") == "1"', lazy)).toBe(false);
    expect(reads).toBe(0);
  });
});

describe('what is wrong is found before any message comes', () => {
  test.for<[string, string, string]>([
    ['feild("PID-3")', 'There is no function feild. Did you mean field?', 'feild("PID-3")'],
    ['tpye == ""', 'There is no tpye. Did you mean type? A text is written in quotes.', 'tpye'],
    ['event == I', 'There is no I. Did you mean id? A text is written in quotes.', 'I'],
    ['lookup("ward", event)', 'There is no lookup table ward. Did you mean wards?', '"ward"'],
    [
      'field("PV1-2") == 1',
      '== does not work between string and int. Turn a text into a number with number(…), or a value into a text with string(…).',
      'field("PV1-2") == 1',
    ],
    ['upper(1)', 'upper() cannot be used with (int). It is written upper(string).', 'upper(1)'],
    [
      'has("PV1") && field("PV1-2")',
      'Both sides of && and || must be true or false, but one is string. Compare it with something, or use has(…).',
      'has("PV1") && field("PV1-2")',
    ],
    [
      'event = "A01"',
      'It is not valid: Unexpected character: =. Values are compared with ==.',
      '=',
    ],
    [
      'has("PID") and has("PV1")',
      "It is not valid: Unexpected character: 'd'. Conditions are joined with && and ||, and ! negates.",
      'and',
    ],
    ['"x".matches("(")', 'The regular expression is not valid.', '"("'],
    [
      'hl7Time("2026", "Mars/Base")',
      'There is no such time zone. Write UTC, or a name such as Europe/Berlin.',
      '"Mars/Base"',
    ],
    ['has("NK9-3")', 'NK9-3: HL7 has no segment NK9; did you mean NK1?', '"NK9-3"'],
    ['field("PID-50")', 'PID-50: PID has 39 fields in HL7 2.5.1.', '"PID-50"'],
    [
      'field("PID-7.3")',
      'PID-7.3: PID-7 (Date/Time of Birth) is a TS with 2 parts in HL7 2.5.1.',
      '"PID-7.3"',
    ],
    ['within(now(), "22-06")', 'A span of the day must be written as 22:00-06:00.', '"22-06"'],
    [
      'segments("PID-3")',
      'It takes the name of a segment, such as "OBX". For values, use fields().',
      '"PID-3"',
    ],
  ])('%s', ([source, text, place]) => {
    expect(problemsOf(source)).toEqual([text]);
    expect(placeOf(source)).toBe(place);
  });

  test.for([
    'field("PID-3.1.1.1")',
    'field("pid-3")',
    'field("PID.3")',
    'has("PID-")',
    'segments("OBX").all(o, o.field("5") == "")',
    'json("patient/id")',
    'xpath("/order[")',
    'format(now(), "YYYY-MM-DD")',
  ])('%s', (source) => {
    expect(problemsOf(source)).toHaveLength(1);
  });

  test('every wrong literal is reported, each with its place', () => {
    const source = 'field("PID.3") == lookup("wads", field("PV1.3"))';
    const compiled = environment.compile(source, { result: 'bool' });
    const places = compiled.ok ? [] : compiled.problems.map(({ offset }) => offset);
    expect(places.toSorted((a, b) => a - b)).toEqual([6, 25, 39]);
  });

  test.for<[string, keyof ResultTypes, string[]]>([
    [
      'field("PID-3")',
      'bool',
      ['It gives string. A condition is needed, such as field("PV1-2") == "I".'],
    ],
    [
      '1 + 1',
      'string',
      ['It gives int. A text is needed: write it in quotes, or make one with string(…).'],
    ],
    [
      'event',
      'number',
      ['It gives string. A number is needed: make one of a text with number(…).'],
    ],
    ['size * 2', 'number', []],
    ['received', 'any', []],
  ])('%s where %s is needed', ([source, result, problems]) => {
    expect(problemsOf(source, result)).toEqual(problems);
  });

  test('an empty expression is a problem', () => {
    expect(problemsOf('')).toHaveLength(1);
    expect(problemsOf('   ')).toHaveLength(1);
  });

  test('nothing that a user may write makes the compiler throw', () => {
    for (const source of ['"', "'''", '{', '}', '(', 'has(', 'type(', 'a.b.c', '[1,', '\\', '//']) {
      expect(environment.compile(source, { result: 'any' }).ok).toBe(false);
    }
  });
});

describe('whether the body is needed', () => {
  test.for<[string, boolean]>([
    ['type == "ADT_A01"', false],
    ['lookup("wards", name) == ""', false],
    ['name.startsWith("has(field)")', false],
    ['has("PV1")', true],
    ['event == "A01" || fields("PV1-2").size() > 0', true],
    ['[1].exists(x, field("PV1-2") == "I")', true],
    ['segments("OBX").size() > 0', true],
    ['body() == ""', true],
    ['json("/a") == ""', true],
    ['xpath("/a") == ""', true],
  ])('%s: %s', ([source, readsBody]) => {
    const compiled = environment.compile(source, { result: 'bool' });
    expect(compiled).toMatchObject({ ok: true, expression: { source, readsBody } });
  });
});

test('loops three deep are refused, and two of a large message end with a budget', () => {
  const two =
    'segments("OBX").exists(a, segments("OBX").exists(b, a.field("OBX-3") == b.field("OBX-4")))';
  const three = `fields("PID-3").exists(c, ${two})`;
  expect(environment.compile(three, { result: 'bool' })).toMatchObject({ ok: false });
  const compiled = environment.compile(two, { result: 'bool' });
  const large = scopeOf(`${ADMISSION}${'OBX|1|ST|a|b|c\r'.repeat(2_000)}`);
  expect(() => compiled.ok && compiled.expression.evaluate(large)).toThrow('list items');
});

describe('an expression that fails', () => {
  const MARKER = 'SECRET-4711';
  const body = ADMISSION.replace('4711', MARKER).replace('19800229', MARKER);

  test.for<[string, string]>([
    ['number(field("PID-3.1")) > 1', 'number() was given a text that is not a number'],
    ['int(field("PID-3.1")) > 1', 'a text is not a whole number at column 1'],
    ['bool(field("PID-3.1"))', 'a text is not true or false at column 1'],
    ['field("PID-3.1").matches(field("PID-3.1") + "(")', 'a regular expression is not valid'],
    ['timestamp(field("PID-3.1")) < now()', 'a text is not an ISO 8601 time at column 1'],
    [
      'duration(field("PID-3.1")) < duration("1h")',
      'a text is not a duration such as 1h30m at column 1',
    ],
    ['age(field("PID-7")) > 1', 'a text is not an HL7 time such as 20260131'],
    ['field(field("PID-3.1")) == ""', 'a path does not fit this kind of body'],
    ['json("/a") == ""', 'json() was used on a message whose body is hl7'],
    ['field("PID-3.1").substring(99) == ""', 'a position is outside the text at column 1'],
    ['fields("PID-3.1")[9] == ""', 'a position is outside the list at column 1'],
    ['size / 0 == 1', 'a division by zero at column 1'],
    ['following("OBX").size() == 0', 'following() was used outside a loop over segments'],
  ])('%s', ([source, reason]) => {
    const compiled = environment.compile(source, { result: 'bool' });
    const evaluate = (): unknown => compiled.ok && compiled.expression.evaluate(scopeOf(body));
    expect(evaluate).toThrow(
      expect.objectContaining({
        code: 'EXPRESSION_FAILED',
        retryable: false,
        message: `The expression ${source} failed: ${reason}.`,
      }),
    );
    expect(evaluate).not.toThrow(MARKER);
  });

  test('it does not disturb the one around it', () => {
    const lookups = {
      names: ['t'],
      lookup: () => String(valueOf('field("PID-5.1")', scopeOf(RESULT))),
    };
    const outer = expressionEnvironment({ lookups }).compile('lookup("t", "") + field("PV1-2")', {
      result: 'string',
    });
    expect(outer.ok && outer.expression.evaluate(scopeOf(ADMISSION))).toBe('DOEI');
  });
});

test('what users may write is described', () => {
  const { functions, variables } = expressionEnvironment({ lookups: lookupTables({}) });
  for (const { help } of [...functions, ...variables]) expect(help).toMatch(/^.+\.$/);
  expect(variables.map(({ name }) => name)).toContain('type');
});
