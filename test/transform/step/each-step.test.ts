import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ADMISSION, RESULT, scopeOf } from '../../support/subject-message.ts';
import { linesOf, madeBy, textOf } from '../../support/transform-reading.ts';

/** What steps in YAML make of a body. */
const made = (yaml: string, scope = scopeOf(RESULT)): ReturnType<typeof madeBy> =>
  madeBy(parse(yaml), scope);

/** PID-3 of what steps make of it. */
const ids = (body: string, yaml: string): string | undefined =>
  linesOf(
    made(yaml, scopeOf(ADMISSION.replace('4711^^^MAIN^MR~999-11-2222^^^SSA^SS', body))),
    'PID',
  )
    .map((line) => line.split('|')[3])
    .at(0);

describe('a loop over segments', () => {
  test('reads and writes the segment at hand, and others as ever', () => {
    const result = made(`
      steps:
        - each: OBX
          when: field("OBX-2") == "NM"
          steps:
            - { set: OBX-5, to: 'field("OBX-5") + "!"' }
            - { set: OBX-4, to: 'field("OBX[2]-3.1") + field("PID-5.1")' }
            - { set: PID-18, to: 'field("OBX-3.1")' }
    `);
    expect(linesOf(result, 'OBX').map((line) => line.split('|').slice(3, 6))).toEqual([
      ['GLU^Glucose', 'COMDOE', '11.5!'],
      ['COM^Comment', '', 'see note'],
      ['HGB^Haemoglobin', 'COMDOE', '8.1!'],
    ]);
    expect(linesOf(result, 'PID')[0]).toMatch(/\|HGB$/);
  });

  test('inside another goes over the segments that belong to the outer one', () => {
    const result = made(`
      steps:
        - each: OBR
          steps:
            - each: OBX
              steps:
                - { set: OBX-4, to: 'field("OBR[" + (field("OBX-3.1") == "HGB" ? "2" : "1") + "]-4.1")' }
                - each: NTE
                  steps: [{ set: NTE-3, to: '"of " + field("OBX-3.1")' }]
            - { set: OBR-13, to: 'string(following("OBX").size())' }
    `);
    expect(linesOf(result, 'OBX').map((line) => line.split('|')[4])).toEqual([
      'CHEM',
      'CHEM',
      'HEM',
    ]);
    expect(linesOf(result, 'OBR').map((line) => line.split('|').at(-1))).toEqual(['2', '1']);
    expect(linesOf(result, 'NTE')).toEqual(['NTE|1||of GLU']);
  });

  test('leaves out segments that a step has removed, and keeps the others paired', () => {
    const result = made(`
      steps:
        - { remove: 'OBX[1]' }
        - each: OBX
          steps: [{ set: OBX-4, to: 'field("OBX-3.1")' }]
    `);
    expect(linesOf(result, 'OBX')).toEqual([
      'OBX|2|ST|COM^Comment|COM|see note|||||F',
      'OBX|1|NM|HGB^Haemoglobin|HGB|8.1|mmol/l|||||F',
    ]);
  });

  test('can remove the segment at hand', () => {
    const result = made(`
      steps:
        - each: OBX
          when: field("OBX-2") != "NM"
          steps: [{ remove: OBX }]
        - each: OBX
          steps: [{ set: OBX-1, value: 1 }]
    `);
    expect(linesOf(result, 'OBX')).toEqual([
      'OBX|1|NM|GLU^Glucose||11.5|mmol/l|||||F',
      'OBX|1|NM|HGB^Haemoglobin||8.1|mmol/l|||||F',
    ]);
  });

  test('inserts behind the segment at hand, in order', () => {
    const result = made(`
      steps:
        - each: OBX
          when: field("OBX-2") == "NM"
          steps:
            - { insert: NTE, fields: { 3: 'field("OBX-3.1")' } }
            - { insert: NTE, fields: { 3: '"second"' } }
    `);
    expect(textOf(result).split('\n').slice(3)).toEqual([
      'OBX|1|NM|GLU^Glucose||11.5|mmol/l|||||F',
      'NTE|||GLU',
      'NTE|||second',
      'NTE|1||fasting',
      'OBX|2|ST|COM^Comment||see note|||||F',
      'OBR|2|||HEM^Haematology',
      'OBX|1|NM|HGB^Haemoglobin||8.1|mmol/l|||||F',
      'NTE|||HGB',
      'NTE|||second',
      '',
    ]);
  });

  test('of an empty start makes a segment for each turn that writes', () => {
    const result = made(`
      start: empty
      type: ORU_R01:2.3
      steps:
        - each: OBR
          steps:
            - { copy: OBR-4, to: OBR-4 }
            - each: OBX
              when: field("OBX-2") == "NM"
              steps:
                - { set: OBX-1, to: 'field("OBX-1")' }
                - { set: OBX-5, to: 'field("OBX-5")' }
                - { insert: NTE, fields: { 1: '"n"' } }
    `);
    expect(textOf(result).split('\n').slice(1)).toEqual([
      'OBR||||CHEM^Chemistry',
      'OBX|1||||11.5',
      'NTE|n',
      'OBR||||HEM^Haematology',
      'OBX|1||||8.1',
      'NTE|n',
      '',
    ]);
  });

  test('does nothing in a message without such segments', () => {
    expect(textOf(made('steps: [{ each: ZPI, steps: [{ remove: PID }] }]'))).toBe(
      RESULT.replaceAll('\r', '\n'),
    );
  });

  test('in a body that is not HL7 fails', () => {
    const json = scopeOf('{}', { type: 'application/json' });
    expect(() => made('steps: [{ each: OBX, steps: [{ set: /a, value: 1 }] }]', json)).toThrow(
      'Transform t, step 1 (each OBX): each: OBX needs a body that is hl7, but this one is json',
    );
  });
});

describe('a loop over repetitions', () => {
  test('reads and writes the repetition at hand', () => {
    expect(
      ids(
        'a^^^X^MR~~b^^^Y^SS',
        `
        steps:
          - each: PID-3
            when: field("PID-3.5") == "SS"
            steps: [{ set: PID-3.1, to: 'upper(field("PID-3.1")) + field("PID-3[1].1")' }]
      `,
      ),
    ).toBe('a^^^X^MR~~Ba^^^Y^SS');
  });

  test('can remove repetitions without missing the next one', () => {
    expect(
      ids(
        'a^^^X^SS~b^^^Y^SS~c^^^Z^MR~d^^^Z^SS',
        'steps: [{ each: PID-3, when: field("PID-3.5") == "SS", steps: [{ remove: PID-3 }] }]',
      ),
    ).toBe('c^^^Z^MR');
    expect(
      ids(
        'a^^^X^SS~b^^^Y^MR~c^^^Z^MR',
        `
        steps:
          - each: PID-3
            steps:
              - { remove: PID-3, when: 'field("PID-3.5") == "SS"' }
              - { set: PID-3.2, to: 'upper(field("PID-3.1"))', when: 'field("PID-3.5") == "MR"' }
      `,
      ),
    ).toBe('b^B^^Y^MR~c^C^^Z^MR');
  });

  test('of an empty start makes a repetition for each turn that writes', () => {
    const result = made(
      `
      start: empty
      type: ADT_A01:2.3
      steps:
        - each: PID-3
          steps:
            - { set: PID-3.1, to: 'field("PID-3.1")' }
            - { set: PID-3.4, to: 'field("PID-3.4")' }
    `,
      scopeOf(ADMISSION),
    );
    expect(linesOf(result, 'PID')).toEqual(['PID|||4711^^^MAIN~999-11-2222^^^SSA']);
  });
});

describe('a loop over JSON', () => {
  const scope = scopeOf('{"orders":[{"id":"a","n":1},{"id":"b","n":2},{"id":"c","n":3}]}', {
    type: 'application/json',
  });

  test('has the element at hand at the star', () => {
    const result = made(
      `
      steps:
        - each: /orders
          when: field("/orders/*/id") != "b"
          steps:
            - { set: '/orders/*/n', to: 'string(number(field("/orders/*/n")) * 10)' }
            - { set: /last, to: 'field("/orders/*/id")' }
    `,
      scope,
    );
    expect(JSON.parse(textOf(result))).toEqual({
      orders: [
        { id: 'a', n: 10 },
        { id: 'b', n: 2 },
        { id: 'c', n: 30 },
      ],
      last: 'c',
    });
  });

  test('can remove elements, and of an empty start makes new ones', () => {
    const removing = made(
      `steps: [{ each: /orders, when: 'field("/orders/*/id") != "b"', steps: [{ remove: '/orders/*' }] }]`,
      scope,
    );
    expect(JSON.parse(textOf(removing))).toEqual({ orders: [{ id: 'b', n: 2 }] });
    const making = made(
      `
      start: empty
      type: application/json
      steps:
        - each: /orders
          when: field("/orders/*/id") != "a"
          steps:
            - { set: '/orders/*/code', to: 'field("/orders/*/id")' }
            - { set: '/orders/*/amount', to: 'field("/orders/*/n")' }
    `,
      scope,
    );
    expect(JSON.parse(textOf(making))).toEqual({
      orders: [
        { code: 'b', amount: '2' },
        { code: 'c', amount: '3' },
      ],
    });
  });

  test('over what is no array does nothing', () => {
    expect(textOf(made('steps: [{ each: /orders/0, steps: [{ remove: /orders }] }]', scope))).toBe(
      '{"orders":[{"id":"a","n":1},{"id":"b","n":2},{"id":"c","n":3}]}',
    );
  });
});

test('a loop over XML has the element at hand, also inside of another', () => {
  const scope = scopeOf('<r><o id="1"><t>a</t><t>b</t></o><o id="2"><t>c</t></o><o id="3"/></r>', {
    type: 'application/xml',
  });
  const result = made(
    `
    steps:
      - each: /r/o
        steps:
          - each: /r/o/t
            steps: [{ set: /r/o/t, to: 'field("/r/o/@id") + field("/r/o/t")' }]
          - { remove: /r/o, when: 'field("/r/o/@id") == "1"' }
  `,
    scope,
  );
  expect(textOf(result)).toBe('<r><o id="2"><t>2c</t></o><o id="3"/></r>');
});

test('a loop over rows has the row at hand in its columns', () => {
  const scope = scopeOf('mrn,ward\n1,W1\n2,W2\n3,W1\n', { type: 'text/csv' });
  const result = made(
    `
    steps:
      - each: rows
        steps:
          - { remove: rows, when: 'field("mrn") == "2"' }
          - { set: ward, to: 'lookup("wards", field("ward"), "?")', when: 'field("mrn") != "2"' }
  `,
    scope,
  );
  expect(textOf(result)).toBe('mrn,ward\n1,North\n3,North\n');
});
