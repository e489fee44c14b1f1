import { array, assert, property, stringMatching, tuple } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { callProblems } from '../../../src/transform/call-problems.ts';
import { examples } from '../../support/examples.ts';
import { processorTime } from '../../support/processor-time.ts';
import { scopeOf } from '../../support/subject-message.ts';
import { madeBy, readProblems, textOf, transformOf } from '../../support/transform-reading.ts';

const HEAD = 'MSH|^~\\&|S|A|R|B|20260101||ORU^R01|1|P|2.5.1\rPID|1||77\r';

const hl7 = (yaml: string, body: string): string[] =>
  textOf(madeBy(parse(yaml), scopeOf(HEAD + body)))
    .split('\n')
    .slice(2, -1);

const of = (yaml: string, body: string, type: string): string =>
  textOf(madeBy(parse(yaml), scopeOf(body, { type })));

const json = (yaml: string, body: unknown): unknown =>
  JSON.parse(of(yaml, JSON.stringify(body), 'application/json'));

const xml = (yaml: string, body: string): string => of(yaml, body, 'application/xml');

const RESULTS =
  'OBR|1|||A\rOBX|1|ST|a1\rOBX|2|ST|a2\rNTE|1||n\rOBR|2|||B\rOBX|1|ST|b1\rZPI|1||x~y\rZPI|2||z\r';

describe('loops over segments in each other', () => {
  test('see and write the segments that all of them are at', () => {
    expect(
      hl7(
        `
        steps:
          - each: OBR
            steps:
              - each: OBX
                steps:
                  - { set: OBX-5, to: 'field("OBR-4") + field("OBX-3") + fields("OBR-4").size()' }
                  - { set: OBR-13, to: 'field("OBX-3")' }
                  - { copy: OBR-4, to: OBX-6 }
      `.replace('fields("OBR-4").size()', 'string(fields("OBR-4").size())'),
        RESULTS,
      ),
    ).toEqual([
      'OBR|1|||A|||||||||a2',
      'OBX|1|ST|a1||Aa11|A',
      'OBX|2|ST|a2||Aa21|A',
      'NTE|1||n',
      'OBR|2|||B|||||||||b1',
      'OBX|1|ST|b1||Bb11|B',
      'ZPI|1||x~y',
      'ZPI|2||z',
    ]);
  });

  test('insert behind and before the segments at hand', () => {
    expect(
      hl7(
        `
        steps:
          - each: OBR
            steps:
              - each: OBX
                steps: [{ insert: NTE, after: OBX, fields: { 3: 'field("OBX-3")' } }]
              - { insert: NTE, after: OBR, fields: { 3: 'field("OBR-4")' } }
              - { insert: ORC, before: OBR, fields: { 1: '"NW"' } }
      `,
        'OBR|1|||A\rOBX|1|ST|a1\rOBX|2|ST|a2\rOBR|2|||B\rOBX|1|ST|b1\r',
      ),
    ).toEqual([
      'ORC|NW',
      'OBR|1|||A',
      'NTE|||A',
      'OBX|1|ST|a1',
      'NTE|||a1',
      'OBX|2|ST|a2',
      'NTE|||a2',
      'ORC|NW',
      'OBR|2|||B',
      'NTE|||B',
      'OBX|1|ST|b1',
      'NTE|||b1',
    ]);
  });

  test('number what they go over anew', () => {
    expect(
      hl7(
        `
        steps:
          - each: OBR
            steps:
              - { set: OBR-1, to: 'string(index() * 10)' }
              - each: OBX
                when: field("OBX-3") != "a1"
                steps: [{ set: OBX-1, to: 'string(index("OBR")) + "." + string(index())' }]
      `,
        RESULTS,
      ).slice(0, 6),
    ).toEqual([
      'OBR|10|||A',
      'OBX|1|ST|a1',
      'OBX|1.1|ST|a2',
      'NTE|1||n',
      'OBR|20|||B',
      'OBX|2.1|ST|b1',
    ]);
  });

  test('go over the repetitions of every segment, and of those of the one at hand', () => {
    const marked = `{ each: ZPI-3, steps: [{ set: ZPI-3, to: 'field("ZPI-3") + field("ZPI-1") + string(index())' }] }`;
    expect(hl7(`steps: [${marked}]`, RESULTS).slice(-2)).toEqual(['ZPI|1||x11~y12', 'ZPI|2||z23']);
    expect(hl7(`steps: [{ each: ZPI, steps: [${marked}] }]`, RESULTS).slice(-2)).toEqual([
      'ZPI|1||x11~y12',
      'ZPI|2||z21',
    ]);
    expect(hl7(`steps: [{ each: OBR, steps: [${marked}] }]`, RESULTS).slice(-2)).toEqual([
      'ZPI|1||x11~y12',
      'ZPI|2||z23',
    ]);
    expect(
      hl7(
        `steps: [{ each: OBX, steps: [{ each: PID-3, steps: [{ set: OBX-9, to: 'field("PID-3")' }] }] }]`,
        RESULTS,
      )[1],
    ).toBe('OBX|1|ST|a1||||||77');
  });
});

/** A loop over items in one over orders that writes to a place. */
const loops = (place: string): string => `
      start: empty
      type: application/json
      steps:
        - each: /orders
          steps:
            - each: /orders/*/items
              steps: [{ set: '${place}', to: 'field("/orders/*/id") + field("/orders/*/items/*")' }]
    `;

describe('loops over JSON in each other', () => {
  const orders = {
    orders: [
      { id: 'a', items: [1, 2] },
      { id: 'b', items: [] },
      { id: 'c', items: [3] },
    ],
  };

  test('fill one list, or a list in a list', () => {
    expect(json(loops('/t/#'), orders)).toEqual({ t: ['a1', 'a2', 'c3'] });
    expect(() => json(loops('/t/#/u/#'), orders)).toThrow('the array has 1 elements');
    const dense = { orders: orders.orders.filter(({ items }) => items.length > 0) };
    expect(json(loops('/t/#/u/#'), dense)).toEqual({ t: [{ u: ['a1', 'a2'] }, { u: ['c3'] }] });
  });

  test('one path over arrays in arrays goes over all of them', () => {
    expect(
      json(
        `steps: [{ each: '/orders/*/items', steps: [{ set: '/orders/*/items/*', to: 'number(field("/orders/*/items/*")) * 10.0 + double(index())' }] }]`.replace(
          'steps: [{',
          'type: application/json\nsteps: [{',
        ),
        orders,
      ),
    ).toEqual({
      orders: [
        { id: 'a', items: [11, 22] },
        { id: 'b', items: [] },
        { id: 'c', items: [33] },
      ],
    });
  });
});

describe('loops over XML', () => {
  const CDA =
    '<d xmlns="urn:hl7-org:v3"><c k="1"><s n="a"><t>x</t></s></c> <c k="2"><s n="b"><t>y</t><t>z</t></s><s n="c"/></c></d>';

  test('go over elements with different parents, by relative paths and those of what they stand in', () => {
    expect(
      xml(
        `steps: [{ each: /d/c/s, steps: [{ set: '@m', to: 'field("/d/c/@k") + field("@n") + field("t[last()]") + xpath("count(t)") + string(index())' }] }]`,
        CDA,
      ),
    ).toBe(
      CDA.replace('n="a"', 'n="a" m="1ax11"')
        .replace('n="b"', 'n="b" m="2bz22"')
        .replace('n="c"', 'n="c" m="2c03"'),
    );
  });

  test('in each other, absolute or relative, and remove what is at hand', () => {
    for (const inner of ['/d/c/s', './s']) {
      expect(
        xml(
          `
          steps:
            - each: //c
              steps:
                - each: ${inner}
                  steps:
                    - { set: ./t, to: 'field("../@k") + string(index("//c"))', when: 'has("./t")' }
                    - { remove: ., when: 'field("@n") == "c"' }
                    - { set: /d/@last, to: 'field("@n")' }
        `.replaceAll('/d/c/s', inner === './s' ? './s' : '//c/s'),
          CDA,
        ),
      ).toBe(
        CDA.replace('<t>x<', '<t>11<')
          .replace('<t>y<', '<t>22<')
          .replace('<s n="c"/>', '')
          .replace('v3"', 'v3" last="c"'),
      );
    }
  });

  test('fill a list of segments', () => {
    expect(
      of(
        `
        start: empty
        type: ORU_R01:2.5
        steps:
          - each: /d/c/s
            steps: [{ set: 'OBX[#]-3', to: 'field("/d/c/@k") + field("@n")' }]
      `,
        CDA,
        'application/xml',
      )
        .split('\n')
        .slice(1, -1),
    ).toEqual(['OBX|||1a', 'OBX|||2b', 'OBX|||2c']);
  });
});

/** What `check` says of a transform that nobody calls. */
function problems(yaml: string): string[] {
  const transform = transformOf(parse(yaml));
  return callProblems(new Map([['t', transform]])).map(({ text }) => text);
}

describe('what cannot resolve is refused before a message comes', () => {
  test.for([
    [`steps: [{ set: 'OBX[#]-1', value: x }]`, 'OBX[#]-1'],
    [`steps: [{ each: OBX, steps: [{ set: '/t/#/u/#', value: x }] }]`, '/t/#/u/#'],
    [`steps: [{ set: OBX-1, to: string(index()) }]`, 'index()'],
    [`steps: [{ set: OBX-1, to: 'string(following("OBX").size())' }]`, 'following()'],
  ] as const)('%s', ([yaml, what]) => {
    expect(problems(yaml).join()).toContain(what);
  });

  test('but not where another transform calls it', () => {
    const called = transformOf(parse(`steps: [{ set: OBX-1, to: string(index()) }]`));
    const caller = transformOf(parse('steps: [{ each: OBX, steps: [{ call: called }] }]'));
    const both = new Map([
      ['called', called],
      ['caller', caller],
    ]);
    expect(callProblems(both)).toEqual([]);
  });

  test('and rows have no rows', () => {
    expect(
      readProblems(
        parse('steps: [{ each: rows, steps: [{ each: rows, steps: [{ discard: "true" }] }] }]'),
      ).join(),
    ).toContain('A row contains no rows');
  });
});

const value = stringMatching(/^[a-z]{1,3}$/);
const tree = array(
  tuple(value, array(tuple(value, array(value, { maxLength: 3 })), { maxLength: 3 })),
  {
    maxLength: 4,
  },
);

/** Every leaf with the keys and numbers of what it stands in. */
function marks(given: [string, [string, string[]][]][]): string[] {
  return given.flatMap(([a, bs], i) =>
    bs.flatMap(([b, cs], j) => cs.map((c, k) => `${a}${b}${c}${i + 1}${j + 1}${k + 1}`)),
  );
}

/** Three loops in each other that write what each is at, and its number. */
const steps = (
  [first = '', second = '', third = '']: readonly string[],
  [x = '', y = '', z = '']: readonly string[],
  write: string,
): string => `
      steps:
        - each: ${first}
          steps:
            - each: ${second}
              steps:
                - each: ${third}
                  steps: [{ set: '${write}', to: 'field("${x}") + field("${y}") + field("${z}") + string(index("${first}")) + string(index("${second}")) + string(index())' }]
    `;

describe('whatever stands in whatever, each turn sees and writes its own', () => {
  test('in HL7', () => {
    assert(
      property(tree, (given) => {
        const body = (leaf: (c: string, at: number) => string): string => {
          let at = 0;
          return given
            .map(
              ([a, bs]) =>
                `OBR|1|||${a}\r${bs.map(([b, cs]) => `OBX|1|ST|${b}\r${cs.map((c) => `NTE|1||${c}${leaf(c, at++)}\r`).join('')}`).join('')}`,
            )
            .join('');
        };
        const made = madeBy(
          parse(`
            steps:
              - each: OBR
                steps:
                  - each: OBX
                    steps:
                      - each: NTE
                        steps: [{ set: NTE-4, to: 'field("OBR-4") + field("OBX-3") + field("NTE-3") + string(index("OBR")) + string(index("OBX")) + string(index())' }]
          `),
          scopeOf(HEAD + body(() => '')),
        );
        const wanted = marks(given);
        expect(Buffer.from(made.body).toString()).toBe(HEAD + body((_, at) => `|${wanted[at]}`));
      }),
      { numRuns: examples(100) },
    );
  });

  test('in JSON and XML, into one list and in place', () => {
    assert(
      property(tree, (given) => {
        const wanted = marks(given);
        const body = given.map(([n, bs]) => ({ n, b: bs.map(([m, c]) => ({ m, c })) }));
        const paths = ['/a/*/n', '/a/*/b/*/m', '/a/*/b/*/c/*'];
        const lists = ['/a', '/a/*/b', '/a/*/b/*/c'] as const;
        const flat = `\n      start: empty\n      type: application/json${steps(lists, paths, '/t/#')}`;
        expect(json(flat, { a: body })).toEqual(wanted.length > 0 ? { t: wanted } : {});
        let at = 0;
        expect(json(steps(lists, paths, '/a/*/b/*/c/*'), { a: body })).toEqual({
          a: body.map((a) => ({
            ...a,
            b: a.b.map((b) => ({ ...b, c: b.c.map(() => wanted[at++]) })),
          })),
        });
        const text = (leaf: (c: string) => string): string =>
          `<r>${given.map(([n, bs]) => `<a  n='${n}'>${bs.map(([m, cs]) => `<b m="${m}" >${cs.map((c) => `<c>${leaf(c)}</c >`).join('\n')}</b>`).join('')}</a>`).join('')}</r>`;
        const places = ['/r/a/@n', '/r/a/b/@m', '/r/a/b/c'];
        const changed = xml(
          steps(['/r/a', '/r/a/b', '/r/a/b/c'], places, '/r/a/b/c'),
          text((c) => c),
        );
        at = 0;
        expect(changed).toBe(text(() => wanted[at++] ?? ''));
        expect(
          xml(
            steps(['/r/a', './b', './c'], ['../../@n', '../@m', '.'], '.'),
            text((c) => c),
          ),
        ).toBe(changed);
      }),
      { numRuns: examples(60) },
    );
  });
});

test.for([
  [
    'JSON in place',
    'application/json',
    JSON.stringify({
      a: Array.from({ length: 1_500 }, (_, n) => ({ id: `i${n}`, n, t: 'xxxxxxxx' })),
    }),
    `steps: [{ each: /a, steps: [{ set: '/a/*/n', to: 'field("/a/*/id")' }, { set: '/a/*/m', to: 'field("/a/*/t")' }] }]`,
  ],
  [
    'JSON into a new list',
    'application/json',
    JSON.stringify({
      a: Array.from({ length: 1_500 }, (_, n) => ({ id: `i${n}`, n, t: 'xxxxxxxx' })),
    }),
    `{ start: empty, type: application/json, steps: [{ each: /a, steps: [{ set: '/a/*/n', to: 'field("/a/*/id")' }] }] }`,
  ],
  [
    'XML in place',
    'application/xml',
    `<r>${Array.from({ length: 1_500 }, (_, n) => `<a id="${n}"><t>xxxxxxxxxxxxxxx</t></a>`).join('')}</r>`,
    `steps: [{ each: /r/a, steps: [{ set: /r/a/t, to: 'field("/r/a/@id")' }, { set: '@m', to: 'field("t")' }] }]`,
  ],
] as const)('64 KB of %s take a moment', ([, type, body, yaml]) => {
  const began = processorTime();
  expect(of(yaml, body, type).length).toBeGreaterThan(10_000);
  // a fraction of it on a quiet machine; it was seconds, and grew with the square
  expect(processorTime() - began).toBeLessThan(3_000);
});
