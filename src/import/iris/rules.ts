import type { XmlNode } from '../../mirth/e4x/node.ts';
import { Names } from '../names.ts';
import { celOf, NoCounterpart } from './expression.ts';
import { hl7PathOf } from './paths.ts';
import { attribute, elements, isDisabled, rootOf } from './read-export.ts';

type Block = Record<string, unknown>;

/** What a translation reports. */
export interface TranslationReport {
  readonly mark: (place: string, category: string, text: string) => void;
  readonly look: (place: string, category: string, text: string) => void;
}

/** A placeholder for an expression that a person has to write: not a name in CEL, so check fails until then. */
export const UNDONE = 'UNDONE';

export interface RuleContext extends TranslationReport {
  /** The host that an item of the production became. */
  readonly nameOf: (item: string) => string;
  readonly transformOf: (className: string) => string;
}

/** The rules of a `ruleDefinition`. */
export function rulesOf(xml: string, context: RuleContext): unknown[] {
  const [first, ...more] = elements(rootOf(xml), 'ruleSet');
  if (more.length > 0)
    context.mark(
      'rule sets',
      'rules',
      'has rule sets for different times: only the first was imported',
    );
  const rules = elements(first, 'rule').flatMap((rule) => new RuleReading(rule, context).rules());
  const until = rules.findIndex(
    (rule) => rule['when'] === undefined && rule['continue'] === undefined,
  );
  if (until < 0) return [...named(rules), { otherwise: 'discard' }];
  if (until < rules.length - 1)
    context.look(
      'rules',
      'rules',
      `nothing below rule ${until + 1}, which takes every message, was ever reached: it was left out`,
    );
  return named(rules.slice(0, until + 1));
}

/** The trace needs unique names. */
function named(rules: readonly Block[]): Block[] {
  const names = new Names();
  return rules.map((rule) => ({ ...rule, name: names.take(String(rule['name'])) }));
}

/** A condition that a property of the message has one of these values. */
const isOne = (name: string, list: readonly string[]): string =>
  list.length === 1
    ? `${name} == ${JSON.stringify(list[0])}`
    : `${name} in [${list.map((part) => JSON.stringify(part)).join(', ')}]`;

class RuleReading {
  readonly #rule: XmlNode;
  readonly #context: RuleContext;
  readonly #name: string;

  constructor(rule: XmlNode, context: RuleContext) {
    this.#rule = rule;
    this.#context = context;
    this.#name = attribute(rule, 'name') || 'rule';
  }

  rules(): Block[] {
    const always = this.#constraints();
    const before: string[] = [];
    const branches = [...elements(this.#rule, 'when'), ...elements(this.#rule, 'otherwise')].filter(
      (one) => !isDisabled(one),
    );
    return branches.map((branch, index) => {
      const own = branch.name === 'otherwise' ? undefined : this.#condition(branch);
      const conditions = [
        ...always,
        ...before.map((one) => `!(${one})`),
        ...(own === undefined ? [] : [own]),
      ];
      if (own !== undefined) before.push(own);
      const isLast = elements(branch, 'return').some((one) => !isDisabled(one));
      const comment =
        own === UNDONE ? `was: ${attribute(branch, 'condition')}` : attribute(branch, 'comment');
      return {
        name: index === 0 ? this.#name : `${this.#name} ${index + 1}`,
        ...(conditions.length > 0 && { when: conditions.join(' && ') }),
        send: this.#sends(branch),
        ...(!isLast && { continue: true }),
        ...(isDisabled(this.#rule) && { disabled: true }),
        ...(comment !== '' && { comment }),
      };
    });
  }

  get #category(): string {
    const found = elements(this.#rule, 'constraint').find(
      (one) => attribute(one, 'name') === 'docCategory',
    );
    return found === undefined ? '' : attribute(found, 'value');
  }

  #constraints(): string[] {
    return elements(this.#rule, 'constraint').flatMap((one): string[] => {
      const values = attribute(one, 'value')
        .split(',')
        .map((part) => part.trim())
        .filter(Boolean);
      if (values.length === 0) return [];
      switch (attribute(one, 'name')) {
        case 'source':
          return [isOne('source', values.map(this.#context.nameOf))];
        case 'docName':
          return [isOne('type', values)];
        case 'docCategory':
          this.#context.look(
            this.#name,
            'rules',
            `it was only for messages of the schema ${values.join(', ')}: every message that gets here matches`,
          );
          return [];
        default:
          this.#context.look(
            this.#name,
            'rules',
            `the constraint ${attribute(one, 'name')} was left out: every message that gets here matches`,
          );
          return [];
      }
    });
  }

  /** Undefined if it is always true. */
  #condition(when: XmlNode): string | undefined {
    const given = attribute(when, 'condition').trim();
    if (given === '1' || given === '') return undefined;
    try {
      const made = celOf(given, (what) => readOf(what, this.#category));
      return /\|\|/.test(made) ? `(${made})` : made;
    } catch (error) {
      if (!(error instanceof NoCounterpart)) throw error;
      this.#context.mark(
        this.#name,
        'conditions',
        `its condition ${error.message}: write it in CEL`,
      );
      return UNDONE;
    }
  }

  #sends(branch: XmlNode): unknown[] {
    const enabled = elements(branch, 'send').filter((one) => !isDisabled(one));
    const sends = enabled.map((send): unknown => {
      const list = (name: string): string[] =>
        attribute(send, name)
          .split(',')
          .map((part) => part.trim())
          .filter(Boolean);
      const to = list('target').map(this.#context.nameOf);
      const transform = list('transform').map(this.#context.transformOf);
      return transform.length === 0 && to.length === 1
        ? to[0]
        : { to, ...(transform.length > 0 && { transform }) };
    });
    for (const one of elements(branch)) {
      if (/^(send|return|delete)$/.test(one.name) || isDisabled(one)) continue;
      const isHarmless = /^(trace|debug)$/.test(one.name);
      if (isHarmless)
        this.#context.look(
          this.#name,
          'rules',
          `${one.name} was left out: the trace shows which rule fired`,
        );
      else
        this.#context.mark(
          this.#name,
          'actions',
          `the action ${one.name} has no counterpart in rules`,
        );
    }
    return sends;
  }
}

/** Translates what a condition reads: `Document.{PID:PatientName}` to a field; properties have no counterpart. */
export function readOf(what: string, category: string): string {
  const inner = /\{([^}]*)\}/.exec(what)?.[1];
  const path = inner === undefined ? undefined : hl7PathOf(inner, category);
  if (path !== undefined) return `field("${path}")`;
  throw new NoCounterpart(
    inner === undefined ? `reads ${what}` : `reads {${inner}}, which is unknown`,
  );
}
