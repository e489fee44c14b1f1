import { expect, test } from 'vitest';
import { readRuleSets } from '../../src/rule/read-rule-sets.ts';
import { environment } from '../support/subject-message.ts';

const KNOWN = { target: ['ward', 'hub'], transform: ['letter'] };

/** The problems of rules, as `path [offset] text`. */
function problemsOf(given: unknown): string[] {
  const problems: string[] = [];
  readRuleSets(given, ['processes', 'router', 'rules'], {
    environment,
    problem: (path, text, offset) =>
      problems.push(
        [path.slice(3).join('.'), offset, text].filter((x) => x !== undefined).join(' '),
      ),
    unknown: (kind, name) =>
      KNOWN[kind].includes(name) ? undefined : `There is no ${kind} ${name}.`,
  });
  return problems;
}

test.for<[string, unknown, string[]]>([
  ['correct rules', [{ when: 'true', send: 'ward' }, { otherwise: 'discard' }], []],
  ['a condition of YAML', [{ when: true, send: 'ward' }], []],
  ['no rules', [], [' Rules must be a list of at least one rule.']],
  ['a text', 'ward', [' rules, unless it is a list of rules, must be a block of keys and values.']],
  ['a wrong key', [{ wen: 'true', send: 'ward' }], ['0.wen A rule has no wen. Did you mean when?']],
  [
    'a rule without send',
    [{ name: 'x', when: 'true' }],
    ['0 A rule needs send: a target, or [] to discard the messages it takes.'],
  ],
  [
    'a wrong condition, with the place in it',
    [{ when: 'event == "A01" && field("PV1-99") == "I"', send: 'ward' }],
    ['0.when 24 PV1-99: PV1 has 52 fields in HL7 2.5.1.'],
  ],
  [
    'a condition that is none',
    [{ when: 'event', send: 'ward' }],
    ['0.when 0 It gives string. A condition is needed, such as field("PV1-2") == "I".'],
  ],
  [
    'a condition that is a number',
    [{ when: 5, send: 'ward' }],
    ['0.when A condition must be an expression, written as a text.'],
  ],
  [
    'unknown targets and transforms, all at once',
    [{ send: ['wrad', { to: ['hub', 'hbu'], transform: ['letter', 'leter'] }] }],
    [
      '0.send.0 There is no target wrad.',
      '0.send.1.transform.1 There is no transform leter.',
      '0.send.1.to.1 There is no target hbu.',
    ],
  ],
  [
    'a send without a target',
    [{ send: { transform: 'letter' } }],
    ['0.send A send needs to: the name of a process or operation.'],
  ],
  [
    'a rule behind one that takes everything',
    [
      { name: 'all', send: 'ward' },
      { name: 'rest', send: 'hub' },
    ],
    [
      '1 This is never reached, since the rule "all" above it has no when and takes every message. Move it up, or add continue: true there.',
    ],
  ],
  [
    'an otherwise behind one that takes everything',
    [{ name: 'all', send: 'ward' }, { otherwise: 'discard' }],
    [],
  ],
  [
    'an otherwise that is not the last',
    [{ otherwise: 'discard' }, { when: 'true', send: 'hub' }],
    ['0 otherwise must be the last entry of its rules.'],
  ],
  [
    'an otherwise that is a target',
    [{ when: 'true', send: 'hub' }, { otherwise: 'ward' }],
    [
      '1.otherwise otherwise must be discard, suspend, or send with the targets under send: next to it.',
    ],
  ],
  [
    'an otherwise that sends nowhere',
    [{ when: 'true', send: 'hub' }, { otherwise: 'send' }],
    ['1.send send needs a target.'],
  ],
  [
    'two rules of a name',
    [
      { name: 'a', when: 'true', send: 'hub' },
      { name: 'a', when: 'true', send: 'ward' },
    ],
    ['1.name There is another rule named a; the trace needs names.'],
  ],
  [
    'flags that are none',
    [{ send: 'hub', disabled: 'yes', continue: 1 }],
    ['0.continue continue must be true or false.', '0.disabled disabled must be true or false.'],
  ],
  [
    'a time that is none',
    [{ send: 'hub', effective: { from: '31.1.2026', till: '2026-01-01' } }],
    [
      '0.effective.till effective has no till. Known keys: from, until.',
      '0.effective.from must be a time such as 2026-01-31, 2026-01-31T22:00 or 2026-01-31T22:00+01:00.',
    ],
  ],
  [
    'a time that ends before it begins',
    [{ send: 'hub', effective: { from: '2026-02-01', until: '2026-01-01' } }],
    ['0.effective from must be earlier than until.'],
  ],
  [
    'named sets with problems of their own',
    { a: [{ send: 'wrad' }], b: { rulez: [] } },
    [
      'a.0.send There is no target wrad.',
      'b.rulez The rule set b, unless it is a list of rules, has no rulez. Did you mean rules?',
      'b.rules Rules must be a list of at least one rule.',
    ],
  ],
])('%s', ([, given, problems]) => {
  expect(problemsOf(given)).toEqual(problems);
});
