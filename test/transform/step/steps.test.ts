import { expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Transform } from '../../../src/transform/transform.ts';
import { ADMISSION, RESULT, scopeOf } from '../../support/subject-message.ts';
import { inputOf, linesOf, madeBy, textOf, transformOf } from '../../support/transform-reading.ts';

const made = (yaml: string, scope = scopeOf(ADMISSION)): ReturnType<typeof madeBy> =>
  madeBy(parse(yaml), scope);

test('set writes an expression, or a text, number or flag as it is', () => {
  const result = made(`
    steps:
      - { set: PID-18.1, to: 'left(field("PID-5.1"), 2)' }
      - { set: PID-18.2, value: 'O^K' }
      - { set: PID-18.3, value: 5 }
      - { set: PID-18.4, value: true }
      - { set: PID-18.5, to: 7 }
      - { set: 'NK1[*]-9', value: x }
  `);
  expect(linesOf(result, 'PID')[0]).toMatch(/\|DO\^O\\S\\K\^5\^true\^7$/);
  expect(linesOf(result, 'NK1').every((line) => line.endsWith('||||||x'))).toBe(true);
});

test('set writes numbers and flags into JSON as such', () => {
  const result = made(`
    start: empty
    type: application/json
    steps:
      - { set: /count, to: segments("NK1").size() }
      - { set: /weight, to: number("72.50") }
      - { set: /adult, to: age(field("PID-7")) >= 18 }
      - { set: /mrn, to: field("PID-3.1") }
      - { set: /version, to: 2 }
      - { set: /final, value: true }
      - each: NK1
        steps: [{ set: /kin/#/number, to: 'number(field("NK1-1"))' }]
      - { set: /count, value: none }
  `);
  expect(JSON.parse(textOf(result))).toEqual({
    count: 'none',
    weight: 72.5,
    adult: true,
    mrn: '4711',
    version: 2,
    final: true,
    kin: [{ number: 1 }, { number: 2 }],
  });
  const copy = made(
    'steps: [{ each: /a, steps: [{ set: "/a/*/n", value: 3 }, { set: "/a/*/f", value: false }] }]',
    scopeOf('{"a":[{"n":"1"},{}]}', { type: 'application/json' }),
  );
  expect(textOf(copy)).toBe('{"a":[{"n":3,"f":false},{"n":3,"f":false}]}');
});

test('a step whose condition is false is left out', () => {
  const result = made(`
    steps:
      - { remove: NK1, when: event == "A02" }
      - { remove: PV1, when: event == "A01" }
  `);
  expect(linesOf(result, 'NK1')).toHaveLength(2);
  expect(linesOf(result, 'PV1')).toHaveLength(0);
});

test('remove takes segments, fields and parts, one or several', () => {
  const result = made("steps: [{ remove: ['NK1[1]', PID-3, PID-5.2, EVN] }, { remove: PV1-19 }]");
  expect(textOf(result)).toBe(
    [
      'MSH|^~\\&|EPIC|MAIN|HUB|CITY|20260131153000||ADT^A01^ADT_A01|MSG001|P|2.5.1',
      'PID|1||||DOE^||19800229|F|||12 OAK ST^^TOWN||(555) 010-2030',
      'NK1|2|DOE^ANN|MTH',
      'PV1|1|I|W1^101^A|U|||1234^WELBY^MARCUS||||||||||||',
    ].join('\n'),
  );
});

test('append and insert put segments where they are told', () => {
  const result = made(`
    steps:
      - { append: ZAP, fields: { 1: '"z"', '2.2': 'event', '3[2].1': '"r"' } }
      - { insert: PD1, after: PID, fields: { 4: '"d"' } }
      - { insert: ROL, before: 'NK1[2]' }
      - { insert: ZIN }
  `);
  expect(
    textOf(result)
      .split('\n')
      .map((line) => line.slice(0, 3)),
  ).toEqual(['MSH', 'EVN', 'PID', 'PD1', 'NK1', 'ROL', 'NK1', 'PV1', 'ZAP', 'ZIN', '']);
  expect(linesOf(result, 'ZAP')).toEqual(['ZAP|z|^A01|~r']);
});

const resourceAt = (path: string): string =>
  `{ start: empty, type: application/fhir+json, steps: [{ copy: ${path}, to: / }] }`;

test('copy takes JSON as it is, and to / as the whole new message', () => {
  const bundle = scopeOf('{"entry":[{"resource":{"type":"P","given":["A","B"]}},{"n":1.50}]}', {
    type: 'application/json',
  });
  const one = made(resourceAt('/entry/0/resource'), bundle);
  expect(textOf(one)).toBe('{"type":"P","given":["A","B"]}');
  const parts = `
    start: empty
    type: application/json
    steps:
      - { copy: /entry/0/resource/given, to: /names }
      - { copy: /entry/1/n, to: /n }
      - { copy: /entry/9, to: /none }
      - { each: /entry, when: has("/entry/*/n"), steps: [{ copy: "/entry/*", to: "/all/#" }] }`;
  expect(textOf(made(parts, bundle))).toBe(
    '{"names":["A","B"],"n":1.50,"none":"","all":[{"n":1.50}]}',
  );
  expect(() => made(resourceAt('/entry/9'), bundle)).toThrow('there is nothing at /entry/9');
});

test('/ alone is the whole body: what a query gave as a list becomes a list in another document', () => {
  const rows = '[{"id":1,"name":"A"},{"id":2,"name":"B"}]';
  const scope = scopeOf(rows, { type: 'application/json' });
  const looped = made(
    `
    start: empty
    type: application/json
    steps:
      - { set: /sent, value: today }
      - each: /
        steps:
          - { set: /visit/#/number, to: json("/*/id") }
          - { copy: /*/name, to: /visit/#/name }
          - { set: /turn, to: string(index("/")) }`,
    scope,
  );
  expect(JSON.parse(textOf(looped))).toEqual({
    sent: 'today',
    visit: [
      { number: '1', name: 'A' },
      { number: '2', name: 'B' },
    ],
    turn: '2',
  });
  const whole = made(
    '{ start: empty, type: application/json, steps: [{ copy: /, to: /visit }] }',
    scope,
  );
  expect(textOf(whole)).toBe(`{"visit":${rows}}`);
});

test('copy takes a field with repetitions, parts and escapes', () => {
  const body = ADMISSION.replace('W1^101^A', 'W\\T\\1^10&1^A~X');
  const result = made(
    `
    steps:
      - { copy: PV1-3, to: PV1-6 }
      - { copy: PID-3.1, to: PID-2 }
      - { copy: PID-3, to: PID-4 }
  `,
    scopeOf(body),
  );
  expect(linesOf(result, 'PV1')[0]?.split('|')[6]).toBe('W\\T\\1^10&1^A~X');
  expect(linesOf(result, 'PID')[0]?.split('|').slice(2, 5)).toEqual([
    '4711',
    '4711^^^MAIN^MR~999-11-2222^^^SSA^SS',
    '4711^^^MAIN^MR~999-11-2222^^^SSA^SS',
  ]);
});

test('copy takes a whole field in a loop, from one segment to its counterpart', () => {
  const body = RESULT.replace('8.1', '8&1~9\\F\\');
  const result = made(
    'steps: [{ each: OBX, steps: [{ copy: OBX-5, to: OBX-8 }, { copy: PID-5, to: OBX-4 }] }]',
    scopeOf(body),
  );
  expect(linesOf(result, 'OBX').map((line) => line.split('|').slice(4, 9))).toEqual([
    ['DOE^JANE', '11.5', 'mmol/l', '', '11.5'],
    ['DOE^JANE', 'see note', '', '', 'see note'],
    ['DOE^JANE', '8&1~9\\F\\', 'mmol/l', '', '8&1~9\\F\\'],
  ]);
});

test('copy takes all segments of a name as they stand', () => {
  const result = made('{ start: empty, type: "ADT_A01:2.3", steps: [{ copy: [PID, NK1] }] }');
  const lines = textOf(result).split('\n').slice(1, -1);
  expect(lines).toEqual(ADMISSION.split('\r').slice(2, 5));
});

test('if does one or the other', () => {
  const steps = `
    steps:
      - if: field("PV1-2") == "I"
        then: [{ set: PV1-18, value: in }]
        else:
          - if: field("PV1-2") == "O"
            then: [{ set: PV1-18, value: out }]
            else: [{ set: PV1-18, value: other }]
      - { if: 'false', then: [{ remove: PID }] }
  `;
  const classOf = (body: string): string | undefined =>
    linesOf(made(steps, scopeOf(body)), 'PV1')[0]?.split('|')[18];
  expect(classOf(ADMISSION)).toBe('in');
  expect(classOf(ADMISSION.replace('PV1|1|I', 'PV1|1|O'))).toBe('out');
  expect(classOf(ADMISSION.replace('PV1|1|I', 'PV1|1|E'))).toBe('other');
});

test('discard makes no message and does no further step', () => {
  const transform = transformOf(
    parse(`
    steps:
      - { each: NK1, steps: [{ discard: 'field("NK1-3") == "SPO"' }] }
      - { set: PID-9, to: 'split("", "x")[5]' }
  `),
  );
  expect(transform.apply(inputOf(scopeOf(ADMISSION)))).toEqual([]);
  const kept = transformOf(parse(`steps: [{ discard: 'event == "A02"' }]`));
  expect(kept.apply(inputOf(scopeOf(ADMISSION)))).toHaveLength(1);
});

test('call does the steps of another transform at its place', () => {
  const transforms = new Map<string, Transform>();
  const find = (name: string): Transform | undefined => transforms.get(name);
  const add = (name: string, yaml: string): void => {
    transforms.set(name, transformOf(parse(yaml), { name, find }));
  };
  add('mark', 'steps: [{ set: NK1-9, to: \'field("NK1-3")\' }]');
  add('kin', 'steps: [{ each: NK1, steps: [{ call: mark }] }, { set: MSH-3, value: HUB }]');
  add('ring', 'steps: [{ call: ring }]');
  add('code', 'steps: [{ call: other }]');
  transforms.set('other', { name: 'other', apply: () => [] });

  const apply = (name: string): unknown => find(name)?.apply(inputOf(scopeOf(ADMISSION)));
  const [result] = apply('kin') as ReturnType<typeof madeBy>[];
  expect(textOf(result)).toContain('MSH|^~\\&|HUB|');
  expect(textOf(result)).toMatch(/SPO\|{6}SPO\n.*MTH\|{6}MTH/);
  expect(() => apply('ring')).toThrow('ring calls itself through others');
  expect(() => apply('code')).toThrow(
    'Transform code, step 1 (call other): other has no steps and cannot be called',
  );
});

test('a step for segments in a body that has none fails', () => {
  const json = scopeOf('{}', { type: 'application/json' });
  expect(() => made('steps: [{ append: NTE }]', json)).toThrow(
    'Transform t, step 1 (append NTE): NTE is a segment, but the body is json',
  );
  expect(() => made('steps: [{ copy: NTE }]', json)).toThrow('NTE is a segment');
});
