import { Given, type GivenPath, type GivenReading } from '../expression/given.ts';
import type { Effective, Rule, RuleSet, Send } from './rule.ts';

const RULE_KEYS = ['name', 'when', 'send', 'continue', 'disabled', 'effective', 'comment'];
const SET_KEYS = ['rules', 'effective', 'comment'];

/**
 * Reads the `rules` of a process: a list of rules, or named sets with a list each. Reports every
 * problem and leaves out what is wrong; use the result only if there was none.
 *
 * @param path where it is; the paths of its problems begin with it
 */
export function readRuleSets(value: unknown, path: GivenPath, reading: GivenReading): RuleSet[] {
  const given = new Given(value, path, reading);
  if (Array.isArray(value)) return [readSet('rules', given, undefined)];
  const sets = given.mapping('rules, unless it is a list of rules,');
  return (sets ?? []).map(([name, set]) => {
    if (Array.isArray(set.value)) return readSet(name, set, undefined);
    set.block(`The rule set ${name}, unless it is a list of rules,`, SET_KEYS);
    return readSet(name, set.at('rules'), set.at('effective'));
  });
}

function readSet(name: string, list: Given, effective: Given | undefined): RuleSet {
  if (!Array.isArray(list.value) || list.value.length === 0) {
    list.wrong('Rules must be a list of at least one rule.');
  }
  const entries = list.items();
  const isLast = (index: number): boolean => index === entries.length - 1;
  const rules: Rule[] = [];
  let otherwise: RuleSet['otherwise'] = 'discard';
  for (const [index, entry] of entries.entries()) {
    if (entry.at('otherwise').isAbsent) rules.push(readRule(entry, index));
    else {
      if (!isLast(index)) entry.wrong('otherwise must be the last entry of its rules.');
      otherwise = readOtherwise(entry);
    }
  }
  reportNames(rules, entries);
  reportUnreachable(rules, entries);
  return {
    name,
    rules,
    otherwise,
    effective: effective === undefined ? undefined : readEffective(effective),
  };
}

function readRule(entry: Given, index: number): Rule {
  entry.block('A rule', RULE_KEYS);
  const name = entry.at('name');
  const send = entry.at('send');
  if (send.isAbsent) {
    entry.wrong('A rule needs send: a target, or [] to discard the messages it takes.');
  }
  return {
    name: (name.isAbsent ? undefined : name.text('name')) ?? `rule ${index + 1}`,
    when: entry.at('when').condition(),
    send: readSends(send),
    continue: entry.at('continue').flag('continue'),
    disabled: entry.at('disabled').flag('disabled'),
    effective: readEffective(entry.at('effective')),
  };
}

/** `discard`, `suspend`, sends, or `send` with the sends next to it. */
function readOtherwise(entry: Given): RuleSet['otherwise'] {
  entry.block('otherwise', ['otherwise', 'send', 'comment']);
  const given = entry.at('otherwise');
  if (given.value === 'discard' || given.value === 'suspend') return given.value;
  if (given.value === 'send') return readSends(entry.at('send'), 'send');
  if (typeof given.value !== 'string') {
    return readSends(given.at('send').isAbsent ? given : given.at('send'));
  }
  given.wrong(
    'otherwise must be discard, suspend, or send with the targets under send: next to it.',
  );
  return 'discard';
}

function reportNames(rules: readonly Rule[], entries: readonly Given[]): void {
  const seen = new Set<string>();
  for (const [index, { name }] of rules.entries()) {
    if (seen.has(name)) {
      entries[index]
        ?.at('name')
        .wrong(`There is another rule named ${name}; the trace needs names.`);
    }
    seen.add(name);
  }
}

/** Nothing is ever tried after a rule that always fires: certainly a mistake. */
function reportUnreachable(rules: readonly Rule[], entries: readonly Given[]): void {
  const always = rules.findIndex(
    (rule, index) =>
      (entries[index]?.at('when').isAbsent ?? false) &&
      !rule.continue &&
      !rule.disabled &&
      rule.effective === undefined,
  );
  const beyond = always === -1 || always + 1 >= rules.length ? undefined : entries[always + 1];
  beyond?.wrong(
    `This is never reached, since the rule "${rules[always]?.name ?? ''}" above it has no when and takes every message. Move it up, or add continue: true there.`,
  );
}

const TIME = /^(\d{4})-(\d\d)-(\d\d)(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/;

/** Reads `effective: { from: 2026-01-01, until: 2026-06-30T22:00 }`; a time without a zone is in the engine's zone. */
function readEffective(given: Given): Effective | undefined {
  if (given.isAbsent) return undefined;
  if (!given.block('effective', ['from', 'until'])) return undefined;
  const from = readTime(given.at('from'));
  const until = readTime(given.at('until'));
  if (from !== undefined && until !== undefined && from >= until) {
    given.wrong('from must be earlier than until.');
  }
  return { from, until };
}

function readTime(given: Given): number | undefined {
  if (given.isAbsent) return undefined;
  const { value } = given;
  if (value instanceof Date) return value.getTime();
  const found = typeof value === 'string' ? TIME.exec(value) : null;
  const text = found === null ? '' : found[0].replace(' ', 'T');
  const time = Date.parse(text.length === 10 ? `${text}T00:00` : text);
  if (Number.isNaN(time)) {
    given.wrong('must be a time such as 2026-01-31, 2026-01-31T22:00 or 2026-01-31T22:00+01:00.');
    return undefined;
  }
  return time;
}

/** Reads `ward`, `{ to: [ward, lab], transform: [a, b], when: … }`, or a list of these. */
function readSends(given: Given, needed?: string): Send[] {
  if (needed !== undefined && given.isAbsent) given.wrong(`${needed} needs a target.`);
  return given.items().flatMap(readSend);
}

function readSend(given: Given): Send[] {
  if (typeof given.value === 'string') {
    const to = given.name('target', 'A target');
    return to === undefined ? [] : [{ to, transforms: [] }];
  }
  if (!given.block('A send', ['to', 'transform', 'when', 'comment'])) return [];
  const to = given.at('to');
  if (to.items().length === 0) given.wrong('A send needs to: the name of a process or operation.');
  const when = given.at('when').condition();
  const transforms = given
    .at('transform')
    .items()
    .flatMap((one) => one.name('transform', 'transform') ?? []);
  return to
    .items()
    .flatMap((one) => one.name('target', 'to') ?? [])
    .map((target) => ({ to: target, transforms, when }));
}
