import { describe, expect, test } from 'vitest';
import { decide } from '../../src/rule/decide.ts';
import { readRuleSets } from '../../src/rule/read-rule-sets.ts';
import type { RuleSet } from '../../src/rule/rule.ts';
import { rulesReadBody } from '../../src/rule/rules-read-body.ts';
import { ADMISSION, environment, NOW, RESULT, scopeOf } from '../support/subject-message.ts';

/** Rules as a production writes them; throws with their problems. */
function rulesOf(given: unknown): RuleSet[] {
  const problems: string[] = [];
  const sets = readRuleSets(given, ['rules'], {
    environment,
    problem: (path, text) => problems.push(`${path.join('.')}: ${text}`),
    unknown: () => undefined,
  });
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return sets;
}

const admission = scopeOf(ADMISSION);
const decideOn = (given: unknown, scope = admission): ReturnType<typeof decide> =>
  decide(rulesOf(given), scope, () => NOW);
const targets = (given: unknown, scope = admission): string[] =>
  decideOn(given, scope).sends.map(({ to }) => to);

test('the rules of the production format choose and explain', () => {
  const rules = [
    {
      name: 'inpatient admissions',
      when: 'type == "ADT_A01" && field("PV1-2") == "I"',
      send: [
        { to: 'ward' },
        { to: 'pharmacy', transform: 'adt-to-pharmacy' },
        {
          to: 'registrar',
          transform: 'admission-letter',
          when: 'lookup("wards", field("PV1-3.1")) != ""',
        },
      ],
    },
    { otherwise: 'discard' },
  ];
  expect(decideOn(rules)).toEqual({
    sends: [
      { to: 'ward', transforms: [], rule: 'inpatient admissions' },
      { to: 'pharmacy', transforms: ['adt-to-pharmacy'], rule: 'inpatient admissions' },
      { to: 'registrar', transforms: ['admission-letter'], rule: 'inpatient admissions' },
    ],
    otherwise: undefined,
    explanation: {
      rules: [
        {
          rule: 'inpatient admissions',
          result: 'fired',
          when: 'type == "ADT_A01" && field("PV1-2") == "I"',
        },
      ],
      sent: [
        { to: 'ward', rule: 'inpatient admissions' },
        { to: 'pharmacy', transform: 'adt-to-pharmacy', rule: 'inpatient admissions' },
        { to: 'registrar', transform: 'admission-letter', rule: 'inpatient admissions' },
      ],
    },
  });
  expect(decideOn(rules, scopeOf(RESULT))).toMatchObject({
    sends: [],
    otherwise: 'discard',
    explanation: { rules: [{ rule: 'inpatient admissions', result: 'no' }], otherwise: 'discard' },
  });
});

describe('which rule decides', () => {
  test('the first that fires ends its set, and the later ones are explained as skipped', () => {
    const { sends, explanation } = decideOn([
      { name: 'results', when: 'event == "R01"', send: 'lab' },
      { name: 'old', disabled: true, send: 'archive' },
      { name: 'admissions', when: 'event == "A01"', send: 'ward' },
      { name: 'any', when: 'true', send: 'hub' },
      { name: 'older', disabled: true, send: 'archive' },
    ]);
    expect(sends.map(({ to }) => to)).toEqual(['ward']);
    expect(explanation.rules).toEqual([
      { rule: 'results', result: 'no', when: 'event == "R01"' },
      { rule: 'old', result: 'off' },
      { rule: 'admissions', result: 'fired', when: 'event == "A01"' },
      { rule: 'any', result: 'skipped' },
      { rule: 'older', result: 'off' },
    ]);
  });

  test('a rule that says continue fires and lets the next ones be tried', () => {
    const rules = [
      { name: 'all', send: 'archive', continue: true },
      { name: 'results', when: 'event == "R01"', send: 'lab', continue: true },
      { name: 'admissions', when: 'event == "A01"', send: 'ward' },
      { name: 'rest', send: 'hub' },
    ];
    expect(targets(rules)).toEqual(['archive', 'ward']);
    expect(targets(rules, scopeOf(RESULT))).toEqual(['archive', 'lab', 'hub']);
  });

  test('every set is tried, and its rules bear its name in the explanation', () => {
    const { sends, explanation } = decideOn({
      clinical: [{ name: 'admissions', when: 'event == "A01"', send: 'ward' }],
      billing: { rules: [{ name: 'all', send: ['invoices', 'statistics'] }] },
    });
    expect(sends.map(({ to, rule }) => [to, rule])).toEqual([
      ['ward', 'clinical: admissions'],
      ['invoices', 'billing: all'],
      ['statistics', 'billing: all'],
    ]);
    expect(explanation.rules.map(({ rule }) => rule)).toEqual([
      'clinical: admissions',
      'billing: all',
    ]);
  });

  test('a send whose condition is false is left out and said why', () => {
    const { sends, explanation } = decideOn([
      { name: 'admissions', send: ['ward', { to: 'registrar', when: 'has("ZPI")' }] },
    ]);
    expect(sends.map(({ to }) => to)).toEqual(['ward']);
    expect(explanation.rules).toEqual([
      {
        rule: 'admissions',
        result: 'fired',
        text: 'not to registrar, since has("ZPI") is false',
      },
    ]);
  });

  test('the same target through the same transforms is sent to once', () => {
    const { sends, explanation } = decideOn([
      { name: 'one', send: ['ward', { to: 'ward', transform: 'a' }], continue: true },
      { name: 'two', send: ['ward', { to: 'ward', transform: ['a', 'b'] }] },
    ]);
    expect(sends.map(({ to, transforms }) => [to, ...transforms])).toEqual([
      ['ward'],
      ['ward', 'a'],
      ['ward', 'a', 'b'],
    ]);
    expect(explanation.rules[1]?.text).toBe('not to ward again, since rule "one" sends the same');
    expect(explanation.sent.map(({ transform }) => transform)).toEqual([undefined, 'a', 'a, b']);
  });

  test('a list of targets shares transform and condition', () => {
    expect(
      decideOn([{ send: { to: ['ward', 'lab'], transform: ['a', 'b'], when: 'event == "A01"' } }])
        .sends,
    ).toEqual([
      { to: 'ward', transforms: ['a', 'b'], rule: 'rule 1' },
      { to: 'lab', transforms: ['a', 'b'], rule: 'rule 1' },
    ]);
  });
});

describe('a message that no rule took', () => {
  const none = { name: 'results', when: 'event == "R01"', send: 'lab' };

  test('is discarded unless the rules say something else', () => {
    expect(decideOn([none])).toMatchObject({ sends: [], otherwise: 'discard' });
  });

  test('is suspended if they say so', () => {
    expect(decideOn([none, { otherwise: 'suspend' }])).toMatchObject({
      sends: [],
      otherwise: 'suspend',
      explanation: { otherwise: 'suspend', sent: [] },
    });
  });

  test.for<[string, unknown]>([
    ['a list', { otherwise: [{ to: 'hub' }] }],
    ['one send', { otherwise: { to: 'hub' } }],
    ['send inside', { otherwise: { send: 'hub' } }],
    ['send beside', { otherwise: 'send', send: 'hub' }],
  ])('goes where they say, written as %s', ([, entry]) => {
    expect(decideOn([none, entry])).toMatchObject({
      sends: [{ to: 'hub', transforms: [], rule: 'otherwise' }],
      otherwise: 'send',
    });
  });

  test('was taken if a rule fired that sends nothing', () => {
    expect(
      decideOn([{ name: 'drop', when: 'event == "A01"', send: [] }, { otherwise: 'suspend' }]),
    ).toMatchObject({ sends: [], otherwise: 'discard' });
  });

  test('is held back from all sets if one set suspends it, so that a resend repeats no target', () => {
    const decision = decideOn({
      clinical: [{ name: 'admissions', when: 'event == "A01"', send: 'ward' }],
      billing: [none, { otherwise: 'suspend' }],
    });
    expect(decision).toMatchObject({ sends: [], otherwise: 'suspend', explanation: { sent: [] } });
  });

  test('is nothing to a set beside one that took it', () => {
    expect(
      decideOn({
        clinical: [{ name: 'admissions', when: 'event == "A01"', send: 'ward' }],
        billing: [none, { otherwise: 'discard' }],
      }),
    ).toMatchObject({ sends: [{ to: 'ward' }], otherwise: undefined });
  });
});

describe('rules for a time', () => {
  test.for<[string, unknown, boolean]>([
    ['before it begins', { from: '2026-02-01' }, false],
    ['after it has begun', { from: '2026-01-01T00:00Z' }, true],
    ['at its first moment', { from: '2026-01-31T15:30:00Z' }, true],
    ['at its end', { until: '2026-01-31T15:30:00Z' }, false],
    ['before its end', { until: '2026-01-31T16:31+01:00' }, true],
  ])('a rule %s', ([, effective, fires]) => {
    const { explanation } = decideOn([
      { name: 'new', effective, send: 'ward' },
      { name: 'rest', send: 'hub' },
    ]);
    expect(explanation.sent.map(({ to }) => to)).toEqual([fires ? 'ward' : 'hub']);
    expect(explanation.rules[0]).toEqual(
      fires
        ? { rule: 'new', result: 'fired' }
        : { rule: 'new', result: 'off', text: 'not in effect at that time' },
    );
  });

  test('a set outside of its time is left out with its otherwise', () => {
    const decision = decideOn({
      trial: {
        effective: { until: '2026-01-01' },
        rules: [{ name: 'x', when: 'event == "A01"', send: 'lab' }, { otherwise: 'suspend' }],
      },
      usual: [{ name: 'all', send: 'hub' }],
    });
    expect(decision).toMatchObject({ sends: [{ to: 'hub' }], otherwise: undefined });
    expect(decision.explanation.rules[0]).toMatchObject({ rule: 'trial: x', result: 'off' });
  });
});

describe('a condition that fails', () => {
  const MARKER = 'SECRET-4711';
  const scope = scopeOf(ADMISSION.replace('DOE', MARKER));

  test('throws with what was tried so far, and without a value', () => {
    const rules = rulesOf([
      { name: 'results', when: 'event == "R01"', send: 'lab' },
      { name: 'heavy', when: 'number(field("PID-5.1")) > 5', send: 'ward' },
      { name: 'rest', send: 'hub' },
    ]);
    const failing = (): unknown => decide(rules, scope, () => NOW);
    const text =
      'The expression number(field("PID-5.1")) > 5 failed: number() was given a text that is not a number.';
    expect(failing).toThrow(
      expect.objectContaining({
        code: 'EXPRESSION_FAILED',
        name: 'RuleError',
        message: `Rule "heavy": ${text}`,
        retryable: false,
        explanation: {
          rules: [
            { rule: 'results', result: 'no', when: 'event == "R01"' },
            { rule: 'heavy', result: 'error', when: 'number(field("PID-5.1")) > 5', text },
          ],
          sent: [],
        },
      }),
    );
    expect(failing).not.toThrow(MARKER);
  });

  test('of a send names its rule too', () => {
    const rules = rulesOf([{ name: 'r', send: { to: 'ward', when: 'age(field("PID-5")) > 1' } }]);
    expect(() => decide(rules, scope)).toThrow('Rule "r": The expression age(field("PID-5")) > 1');
  });

  test('does not matter if an earlier part of it decides', () => {
    expect(
      targets([{ when: 'event == "A01" || number(field("PID-5")) > 1', send: 'ward' }]),
    ).toEqual(['ward']);
  });
});

test.for<[unknown, boolean]>([
  [[{ when: 'event == "A01"', send: 'ward' }], false],
  [[{ when: 'has("PV1")', send: 'ward' }], true],
  [[{ send: { to: 'ward', when: 'has("PV1")' } }], true],
  [[{ send: { to: 'ward', transform: 'a' } }], true],
  [[{ when: 'event == "A01"', send: 'ward' }, { otherwise: { to: 'hub', transform: 'a' } }], true],
])('whether a body is needed for %j', ([given, needed]) => {
  expect(rulesReadBody(rulesOf(given))).toBe(needed);
});

test('messages that took the same way through the rules share what is explained, others do not', () => {
  const sets = rulesOf([
    { name: 'a', when: 'event == "R01"', send: 'lab' },
    { name: 'b', send: ['ward', { to: 'hub', when: 'field("PV1-2") == "I"' }] },
  ]);
  const outpatient = scopeOf(ADMISSION.replace('PV1|1|I', 'PV1|1|O'));
  const first = decide(sets, admission);
  expect(decide(sets, scopeOf(ADMISSION))).toBe(first);
  expect(decide(sets, outpatient).sends.map(({ to }) => to)).toEqual(['ward']);
  expect(decide(sets, scopeOf(RESULT)).sends.map(({ to }) => to)).toEqual(['lab']);
  expect(decide(sets, admission)).toBe(first);
});

test('a rule and a set out of their time are not taken for each other', () => {
  let time = NOW;
  const from = '2026-02-01T00:00Z';
  const rule = { name: 'x', when: 'event == "A01"', send: 'lab' };
  const sets = rulesOf({
    one: {
      effective: { until: from },
      rules: [{ ...rule, effective: { from } }, { otherwise: 'suspend' }],
    },
    two: [{ name: 'all', send: 'hub' }],
  });
  expect(decide(sets, admission, () => time)).toMatchObject({ sends: [], otherwise: 'suspend' });
  time = Date.UTC(2026, 1, 2);
  expect(decide(sets, admission, () => time)).toMatchObject({ sends: [{ to: 'hub' }] });
});
