import { toXml, type XmlNode } from '../../mirth/e4x/node.ts';
import { Names, slug } from '../names.ts';
import { celCondition } from './cel.ts';
import { asText, type Cel } from './cel-value.ts';
import { NoCounterpart, type Node, ruleExpression } from './objectscript.ts';
import { allOfFirst, hl7PathOf, occurrences, standsOnce, typesOf } from './paths.ts';
import { attribute, elements, isDisabled, lookedAt, type SourceXml } from './source-xml.ts';

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
  /** The names of all items. */
  readonly items: readonly string[];
  readonly transformOf: (className: string) => string;
}

/** The rules of a `ruleDefinition`: a list, or a block of rule sets that are in effect at different times. */
export function rulesOf(xml: SourceXml, context: RuleContext): unknown {
  const root = xml.root;
  for (const name of ['alias', 'context', 'production', 'shortDescription']) attribute(root, name);
  const sets = elements(root, 'ruleSet').filter((one) => !isDisabled(one));
  const [only] = sets;
  if (only === undefined || (sets.length === 1 && effectiveOf(only) === undefined))
    return rulesOfSet(only, context);
  const names = new Names();
  const spans = sets.map(
    (one) => [attribute(one, 'effectiveBegin'), attribute(one, 'effectiveEnd')] as const,
  );
  const isApart = spans.every(([from], index) => {
    const before = spans[index - 1]?.[1];
    return index === 0 || (before !== undefined && before !== '' && from >= before);
  });
  if (!isApart)
    context.mark(
      'rule sets',
      'rules',
      'has rule sets for times that are not one after the other: only one of them was ever in effect, say which',
    );
  return Object.fromEntries(
    sets.map((one, index) => {
      const name = names.take(slug(attribute(one, 'name') || `set-${index + 1}`));
      const rules = rulesOfSet(one, context);
      const effective = effectiveOf(one);
      return [name, effective === undefined ? rules : { effective, rules }];
    }),
  );
}

function effectiveOf(set: XmlNode): Block | undefined {
  const of = (name: string): string =>
    attribute(set, name).replace(/(T\d\d:\d\d)(?::\d\d)?Z?$/, '$1');
  const [from, until] = [of('effectiveBegin'), of('effectiveEnd')];
  if (from === '' && until === '') return undefined;
  return { ...(from !== '' && { from }), ...(until !== '' && { until }) };
}

function rulesOfSet(set: XmlNode | undefined, context: RuleContext): Block[] {
  if (set !== undefined)
    for (const name of ['effectiveBegin', 'effectiveEnd']) attribute(set, name);
  const loose = elements(set).filter(({ name }) => name !== 'rule');
  if (loose.length > 0)
    context.mark(
      'rule set',
      'actions',
      `has actions outside of rules, ${loose.map(({ name }) => name).join(', ')}: write a rule for them`,
    );
  for (const one of loose) lookedAt(one);
  const rules = elements(set, 'rule').flatMap((rule) => new RuleReading(rule, context).rules());
  if (loose.length > 0) rules.unshift({ name: 'rule set', when: UNDONE, send: [], continue: true });
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

const NAMED: Readonly<Record<string, string>> = {
  docCategory: 'messages of the schema',
  msgClass: 'messages of the class',
};

const SOURCE_TESTS: Readonly<Record<string, (item: string, text: string) => boolean>> = {
  '=': (item, text) => item === text,
  "'=": (item, text) => item !== text,
  '[': (item, text) => item.includes(text),
  contains: (item, text) => item.includes(text),
  doesnotcontain: (item, text) => !item.includes(text),
  startswith: (item, text) => item.startsWith(text),
  doesnotstartwith: (item, text) => !item.startsWith(text),
};

class RuleReading {
  /** Whether the current branch has an action that is not translated. */
  #isUndone = false;
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
    const made = branches.map((branch, index) => {
      this.#isUndone = false;
      const send = this.#sends(branch);
      const own = branch.name === 'otherwise' ? undefined : this.#condition(branch);
      const conditions = [
        ...always,
        ...before.map((one) => `!(${one})`),
        ...(own === undefined ? [] : [own]),
        // an action that has to be written
        ...(this.#isUndone && own !== UNDONE ? [UNDONE] : []),
      ];
      if (own !== undefined) before.push(own);
      const isLast = elements(branch, 'return').some((one) => !isDisabled(one));
      const comment =
        own === UNDONE ? `was: ${attribute(branch, 'condition')}` : attribute(branch, 'comment');
      return {
        name: index === 0 ? this.#name : `${this.#name} ${index + 1}`,
        ...(conditions.length > 0 && { when: conditions.join(' && ') }),
        send,
        ...(!isLast && { continue: true }),
        ...(isDisabled(this.#rule) && { disabled: true }),
        ...(comment !== '' && { comment }),
      };
    });
    return [...made, ...this.#others()];
  }

  /** Parts of a rule of later versions, such as a loop over segments. */
  #others(): Block[] {
    const found = elements(this.#rule).filter(
      (one) => !/^(?:constraint|when|otherwise|annotation)$/.test(one.name) && !isDisabled(one),
    );
    return found.map((one) => {
      lookedAt(one);
      this.#context.mark(
        this.#name,
        'actions',
        `its ${one.name} has no counterpart in rules: write what it does`,
      );
      return {
        name: `${this.#name} ${one.name}`,
        when: UNDONE,
        send: [],
        continue: true,
        comment: `was: ${toXml(one).slice(0, 2000)}`,
      };
    });
  }

  get #category(): string {
    const found = elements(this.#rule, 'constraint').find(
      (one) => attribute(one, 'name') === 'docCategory',
    );
    return found === undefined ? '' : attribute(found, 'value');
  }

  /** The structure of its messages, if it is for one kind of them. */
  get #structure(): string {
    const [name = '', ...more] = elements(this.#rule, 'constraint')
      .filter((one) => attribute(one, 'name') === 'docName')
      .flatMap((one) => attribute(one, 'value').split(','))
      .map((one) => one.trim())
      .filter(Boolean);
    return more.length === 0 ? name : '';
  }

  /** Whether rules of the set have different values of a constraint. */
  #tellsApart(name: string): boolean {
    const values = (this.#rule.parent?.children ?? []).flatMap((rule) =>
      rule.name !== 'rule' ||
      rule.attributes.some((one) => one.name === 'disabled' && /^(?:1|true)$/.test(one.value))
        ? []
        : [
            rule.children
              .filter(
                (one) =>
                  one.name === 'constraint' && one.attributes.some(({ value }) => value === name),
              )
              .map((one) => one.attributes.find((own) => own.name === 'value')?.value ?? '')
              .join(),
          ],
    );
    return new Set(values.filter(Boolean)).size > 1;
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
        case 'docType': {
          const names = values.map((given) => given.split(':').at(-1) ?? given);
          const isHl7 = names.every((name) => /^[A-Z]{3}(?:_[A-Z0-9]+)?$/.test(name));
          if (isHl7)
            return [
              isOne('type', [...new Set(names.flatMap((name) => typesOf(name, this.#category)))]),
            ];
          return this.#leftOutConstraint(one, values);
        }
        default:
          return this.#leftOutConstraint(one, values);
      }
    });
  }

  #leftOutConstraint(one: XmlNode, values: readonly string[]): string[] {
    const name = attribute(one, 'name');
    const what = NAMED[name] ?? `the constraint ${name}`;
    const text = `it was only for ${what} ${values.join(', ')}`;
    if (!this.#tellsApart(name)) {
      this.#context.look(this.#name, 'rules', `${text}: every message that gets here matches`);
      return [];
    }
    this.#context.mark(this.#name, 'rules', `${text}, and other rules are for others: write when`);
    return [UNDONE];
  }

  /** Undefined if it is always true. */
  #condition(when: XmlNode): string | undefined {
    const given = attribute(when, 'condition').trim();
    if (given === '1' || given === '') return undefined;
    try {
      const made = celCondition(this.#withSources(ruleExpression(given)), (what) =>
        what.startsWith('=')
          ? { text: what.slice(1), type: 'bool' }
          : readOf(what, { category: this.#category, structure: this.#structure }),
      );
      return /\|\||\?/.test(made) ? `(${made})` : made;
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

  /** What is asked of the name of the item that a message comes from is known for each item: here hosts have other names. */
  #withSources(node: Node): Node {
    if (node.kind === 'not') return { ...node, of: this.#withSources(node.of) };
    if (node.kind !== 'binary') return node;
    const { left, right, operator } = node;
    const test = SOURCE_TESTS[operator];
    if (
      left.kind === 'read' &&
      /^(?:Msg)?Source$/i.test(left.what) &&
      right.kind === 'text' &&
      test
    ) {
      const hosts = this.#context.items
        .filter((item) => test(item, right.value))
        .map(this.#context.nameOf);
      return { kind: 'read', what: `=${hosts.length === 0 ? 'false' : isOne('source', hosts)}` };
    }
    return { ...node, left: this.#withSources(left), right: this.#withSources(right) };
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
      if (to.length === 0) {
        this.#context.mark(this.#name, 'actions', 'it sends to nobody: write to, or leave it out');
        this.#isUndone = true;
      }
      const transform = list('transform').map(this.#context.transformOf);
      return transform.length === 0 && to.length === 1
        ? to[0]
        : { to, ...(transform.length > 0 && { transform }) };
    });
    for (const one of elements(branch)) {
      if (/^(send|return|delete)$/.test(one.name) || isDisabled(one)) continue;
      lookedAt(one);
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
      if (!isHarmless) this.#isUndone = true;
    }
    return sends;
  }
}

interface Kind {
  /** The schema of a rule, and the structure of its messages: `''` if it has several. */
  readonly category: string;
  readonly structure: string;
}

/** Segments that many structures have at several places; there a group says which one is meant. */
const MANY = /^(?:NTE|OBX|ROL|CTI)$/;

/** Translates what a condition reads: `Document.{PID:PatientName}` to a field; properties have no counterpart. */
function readOf(what: string, { category, structure }: Kind): Cel {
  const inner = /\{([^}]*)\}/.exec(what)?.[1];
  const isList = inner?.includes('()') ?? false;
  const type = structure === '' ? category : `${category}:${structure}`;
  const path = inner === undefined ? undefined : hl7PathOf(inner.replaceAll('()', ''), type);
  const segment = path?.slice(0, 3) ?? '';
  const isKnown = occurrences(segment, type).length > 0;
  if (isKnown && isList) standsOnce(segment, type);
  if (inner !== undefined) allOfFirst(inner);
  if (!isKnown && MANY.test(segment) && (isList || inner?.split(':')[0]?.includes('.') === true))
    throw new NoCounterpart(
      `reads {${inner}}, of which messages of another structure have several`,
    );
  if (path !== undefined)
    return isList ? { text: `fields("${path}")`, type: 'list' } : asText(`field("${path}")`);
  if (/^(?:Document|HL7)\.(?:Name|DocType(?:Name)?)$/i.test(what)) return asText('type');
  const [, property] = /^(?:Document|request|pRequest)\.([A-Za-z]\w*)$/.exec(what) ?? [];
  if (property !== undefined && category === '') return asText(`field("/${property}")`);
  throw new NoCounterpart(
    inner === undefined ? `reads ${what}` : `reads {${inner}}, which is unknown`,
  );
}
