import { isEngineError } from '../error/engine-error.ts';
import type { Expression, Scope } from '../expression/expression.ts';
import type { RuleExplanation } from '../message/record.ts';
import type { Decision } from './decision.ts';
import {
  type PreparedRule,
  type PreparedSend,
  type PreparedSet,
  preparedRules,
} from './prepared.ts';
import type { Effective, RuleSet } from './rule.ts';
import { RuleError } from './rule-error.ts';
import { Way, type WayKey } from './way.ts';

interface Course {
  readonly scope: Scope;
  readonly now: () => number;
  readonly rules: RuleExplanation[];
  readonly sends: PreparedSend[];
  otherwise: 'suspend' | 'send' | undefined;
  readonly way: Way;
}

/**
 * Tries all rule sets on a message. In each, the first rule that fires ends the set unless it says
 * `continue`. Throws a RuleError, with the explanation so far, if a condition fails.
 *
 * Messages that took the same way through the rules get the same object, which may so be written once.
 *
 * @param now milliseconds since 1970, asked only where a rule or set is in effect for a time
 */
export function decide(
  sets: readonly RuleSet[],
  scope: Scope,
  now: () => number = Date.now,
): Decision {
  const prepared = preparedRules(sets);
  const course: Course = { scope, now, rules: [], sends: [], otherwise: undefined, way: new Way() };
  for (const set of prepared.sets) trySet(set, course);
  const key = course.way.key();
  return prepared.decisions.get(key) ?? remember(prepared.decisions, key, course);
}

/** Ways seen that are remembered; a router takes few of the many there may be. */
const REMEMBERED = 500;

function remember(decisions: Map<WayKey, Decision>, key: WayKey, course: Course): Decision {
  const { rules, sends, otherwise } = course;
  if (otherwise === 'suspend') sends.length = 0;
  const said = otherwise ?? (sends.length === 0 ? 'discard' : undefined);
  const sent = sends.map((send) => send.sent);
  const decision: Decision = {
    sends: sends.map(({ to, transforms, sent: { rule } }) => ({ to, transforms, rule })),
    otherwise: said,
    explanation: said === undefined ? { rules, sent } : { rules, sent, otherwise: said },
  };
  if (decisions.size >= REMEMBERED) decisions.clear();
  decisions.set(key, decision);
  return decision;
}

function trySet(set: PreparedSet, course: Course): void {
  if (!isInEffect(set.effective, course)) {
    for (const rule of set.rules) course.rules.push(rule.notInEffect);
    return;
  }
  let taken = false;
  let ended = false;
  for (const rule of set.rules) {
    if (ended) course.rules.push(rule.disabled ? rule.off : rule.skipped);
    else if (tryRule(rule, course)) {
      taken = true;
      ended = !rule.goesOn;
    }
  }
  if (!taken) takeOtherwise(set, course);
}

/** Whether the rule fired. */
function tryRule(rule: PreparedRule, course: Course): boolean {
  if (rule.disabled) {
    course.rules.push(rule.off);
    return false;
  }
  if (!isInEffect(rule.effective, course)) {
    course.rules.push(rule.notInEffect);
    return false;
  }
  if (rule.when !== undefined && !holds(rule.when, rule.name, course)) {
    course.rules.push(rule.no);
    return false;
  }
  const notes = choose(rule.sends, rule.name, course);
  course.rules.push(notes.length === 0 ? rule.fired : { ...rule.fired, text: notes.join('; ') });
  return true;
}

function takeOtherwise({ name, otherwise }: PreparedSet, course: Course): void {
  if (otherwise === 'discard') return;
  if (otherwise === 'suspend') course.otherwise = 'suspend';
  else {
    course.otherwise ??= 'send';
    choose(otherwise, `${name}: otherwise`, course);
  }
}

/** Adds what is sent, and says of each send that is not made why. */
function choose(sends: readonly PreparedSend[], rule: string, course: Course): string[] {
  const notes: string[] = [];
  for (const send of sends) {
    if (send.when !== undefined && !holds(send.when, rule, course)) {
      notes.push(`not to ${send.to}, since ${send.when.source} is false`);
      continue;
    }
    const same = course.sends.find(({ key }) => key === send.key);
    if (same === undefined) course.sends.push(send);
    else notes.push(`not to ${send.to} again, since rule "${same.sent.rule}" sends the same`);
  }
  return notes;
}

function holds(when: Expression<boolean>, rule: string, course: Course): boolean {
  try {
    return course.way.note(when.evaluate(course.scope));
  } catch (error) {
    if (!isEngineError(error)) throw error;
    const failed: RuleExplanation = {
      rule,
      result: 'error',
      when: when.source,
      text: error.message,
    };
    throw new RuleError(rule, error, { rules: [...course.rules, failed], sent: [] });
  }
}

function isInEffect(effective: Effective | undefined, { now, way }: Course): boolean {
  if (effective === undefined) return true;
  const { from = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY } = effective;
  const time = now();
  return way.note(time >= from && time < until);
}
