import { isEngineError } from '../error/engine-error.ts';
import type { Expression, Scope } from '../expression/expression.ts';
import type { Explanation, RuleExplanation } from '../message/record.ts';
import type { Effective, Rule, RuleSet, Send } from './rule.ts';
import { RuleError } from './rule-error.ts';

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
 * Messages that took the same way through the rules get the same object, so it can be stored once.
 *
 * @param now milliseconds since 1970, called only where a rule or set is limited in time
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

/** How many ways are remembered; a router uses few of the many possible ones. */
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

/** Adds what is sent, and says why for each send that is not made. */
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

/**
 * Rule sets with every line of their possible explanations made in advance: the explanation of a
 * message then only refers to them, so it costs next to nothing while messages flow.
 */
interface PreparedSet {
  readonly name: string;
  readonly effective: Effective | undefined;
  readonly rules: readonly PreparedRule[];
  readonly otherwise: 'discard' | 'suspend' | readonly PreparedSend[];
}

interface PreparedRule {
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

interface PreparedSend {
  readonly to: string;
  readonly transforms: readonly string[];
  readonly when: Expression<boolean> | undefined;
  /** The same for sends that would deliver the same message twice. */
  readonly key: string;
  readonly sent: Explanation['sent'][number];
}

/** The rule sets of one router, with the decision for each way that a message took through them. */
interface PreparedRules {
  readonly sets: readonly PreparedSet[];
  readonly decisions: Map<WayKey, Decision>;
}

const prepared = new WeakMap<readonly RuleSet[], PreparedRules>();

/** Prepared on first use; rule sets never change once they are read. */
function preparedRules(sets: readonly RuleSet[]): PreparedRules {
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
    notInEffect: { rule: name, result: 'off', text: 'not in effect at that time' },
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

/** What the rules chose for one message, and why. */
interface Decision {
  /** In the order of the rules; the same target through the same transforms appears once. */
  readonly sends: readonly {
    readonly to: string;
    readonly transforms: readonly string[];
    readonly rule: string;
  }[];
  /**
   * `suspend`: a set of which no rule fired says so, and `sends` is empty, since a resend must
   * repeat no target. `send`: some of the sends are those of an `otherwise`. `discard`: nothing is
   * sent.
   */
  readonly otherwise: 'discard' | 'suspend' | 'send' | undefined;
  readonly explanation: Explanation;
}

type WayKey = number | string;

/** As many answers as fit into a number exactly, besides a leading 1 that tells `no` from nothing. */
const FULL = 2 ** 50;

/**
 * The answers to the questions that rules ask of a message, in order. Each question follows from
 * the answers before it, so together they say which way the message took. It is a number because a
 * router makes one for every message.
 */
export class Way {
  #before = '';
  #answers = 1;

  /** Adds an answer and returns it. */
  note(answer: boolean): boolean {
    this.#answers = this.#answers * 2 + (answer ? 1 : 0);
    if (this.#answers >= FULL) {
      this.#before += `${this.#answers}.`;
      this.#answers = 1;
    }
    return answer;
  }

  /** The same for the same way through the same rules, and only then. */
  key(): WayKey {
    return this.#before === '' ? this.#answers : this.#before + this.#answers;
  }
}
