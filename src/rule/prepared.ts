import type { Expression } from '../expression/expression.ts';
import type { Explanation, RuleExplanation } from '../message/record.ts';
import type { Decision } from './decision.ts';
import type { Effective, Rule, RuleSet, Send } from './rule.ts';
import type { WayKey } from './way.ts';

/**
 * Rule sets with every line that their explanations may hold made once: what is explained of a
 * message are then references, so that explaining costs next to nothing while messages flow.
 */
export interface PreparedSet {
  readonly name: string;
  readonly effective: Effective | undefined;
  readonly rules: readonly PreparedRule[];
  readonly otherwise: 'discard' | 'suspend' | readonly PreparedSend[];
}

export interface PreparedRule {
  readonly name: string;
  readonly when: Expression<boolean> | undefined;
  readonly effective: Effective | undefined;
  readonly sends: readonly PreparedSend[];
  readonly goesOn: boolean;
  readonly disabled: boolean;
  readonly fired: RuleExplanation;
  readonly no: RuleExplanation;
  readonly skipped: RuleExplanation;
  readonly off: RuleExplanation;
  readonly notInEffect: RuleExplanation;
}

export interface PreparedSend {
  readonly to: string;
  readonly transforms: readonly string[];
  readonly when: Expression<boolean> | undefined;
  /** Equal for sends that would deliver the same message twice. */
  readonly key: string;
  readonly sent: Explanation['sent'][number];
}

/** The rule sets of one router, with what was decided by them for each way a message took. */
export interface PreparedRules {
  readonly sets: readonly PreparedSet[];
  readonly decisions: Map<WayKey, Decision>;
}

const prepared = new WeakMap<readonly RuleSet[], PreparedRules>();

/** Prepares on the first use; rule sets never change once they are read. */
export function preparedRules(sets: readonly RuleSet[]): PreparedRules {
  const known = prepared.get(sets);
  if (known !== undefined) return known;
  const prefixed = sets.length > 1;
  const fresh: PreparedRules = {
    sets: sets.map((set) => prepareSet(set, prefixed ? `${set.name}: ` : '')),
    decisions: new Map(),
  };
  prepared.set(sets, fresh);
  return fresh;
}

function prepareSet({ name, rules, otherwise, effective }: RuleSet, prefix: string): PreparedSet {
  return {
    name,
    effective,
    rules: rules.map((rule) => prepareRule(rule, prefix + rule.name)),
    otherwise:
      typeof otherwise === 'string'
        ? otherwise
        : otherwise.map((send) => prepareSend(send, `${prefix}otherwise`)),
  };
}

function prepareRule(rule: Rule, name: string): PreparedRule {
  const when = rule.when === undefined ? {} : { when: rule.when.source };
  return {
    name,
    when: rule.when,
    effective: rule.effective,
    sends: rule.send.map((send) => prepareSend(send, name)),
    goesOn: rule.continue,
    disabled: rule.disabled,
    fired: { rule: name, result: 'fired', ...when },
    no: { rule: name, result: 'no', ...when },
    skipped: { rule: name, result: 'skipped' },
    off: { rule: name, result: 'off' },
    notInEffect: { rule: name, result: 'off', text: 'not in effect at the time' },
  };
}

function prepareSend({ to, transforms, when }: Send, rule: string): PreparedSend {
  const through = transforms.length === 0 ? {} : { transform: transforms.join(', ') };
  return {
    to,
    transforms,
    when,
    key: [to, ...transforms].join('\0'),
    sent: { to, ...through, rule },
  };
}
