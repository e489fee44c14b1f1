import type { XmlNode } from '../../mirth/e4x/node.ts';
import { attributeOf, elementsOf, part, partText, textOf } from './read-export.ts';

/** A rule or a step, as the script that Mirth Connect generates for it. */
export interface ScriptStep {
  readonly name: string;
  readonly kind: string;
  readonly script: string;
  /** Why it cannot be written as a script. */
  readonly undone?: { readonly category: string; readonly what: string };
}

export interface ScriptRule extends ScriptStep {
  readonly operator: 'AND' | 'OR';
  /** What a rule of the rule builder compares. */
  readonly built?: BuiltRule;
}

export interface BuiltRule {
  readonly field: string;
  readonly condition: string;
  readonly values: readonly string[];
}

const isEnabled = (of: XmlNode): boolean => partText(of, 'enabled') !== 'false';

/** The steps of a transformer, of version 3 and 4. */
export function stepsOf(transformer: XmlNode | undefined): ScriptStep[] {
  const old = elementsOf(part(transformer, 'steps')).map((one) => oldStep(one));
  return [...old, ...elementsOf(part(transformer, 'elements')).filter(isEnabled).map(stepOf)];
}

/** The rules of a filter. */
export function rulesOf(filter: XmlNode | undefined): ScriptRule[] {
  const nodes = [
    ...elementsOf(part(filter, 'rules')),
    ...elementsOf(part(filter, 'elements')).filter(isEnabled),
  ];
  return rulesIn(nodes);
}

const rulesIn = (nodes: readonly XmlNode[]): ScriptRule[] =>
  nodes.map((node) => {
    const operator = partText(node, 'operator') === 'OR' ? 'OR' : 'AND';
    return { ...ruleOf(node), operator };
  });

/** All rules as one condition; the operator of the first does not count. */
export const joinedRules = (
  rules: readonly ScriptRule[],
  condition: (rule: ScriptRule, index: number) => string,
): string =>
  rules
    .map((rule, index) => {
      const own = condition(rule, index);
      return index === 0 ? own : `${rule.operator === 'OR' ? '||' : '&&'} ${own}`;
    })
    .join(' ');

/** Up to version 3.4 the export contains the generated script itself. */
function oldStep(node: XmlNode): ScriptStep {
  const kind = partText(node, 'type');
  const named = { name: partText(node, 'name') || kind, kind };
  const script = partText(node, 'script');
  if (kind === 'XSLT Step' || kind === 'External Script')
    return { ...named, script: '', undone: UNDONE(kind) };
  return { ...named, script };
}

const UNDONE = (kind: string): { category: string; what: string } =>
  /xslt/i.test(kind)
    ? { category: 'XSLT', what: 'is XSLT: write it as a transform' }
    : {
        category: 'external scripts',
        what: 'runs a script file of the server, which is not in the export',
      };

function stepOf(node: XmlNode): ScriptStep {
  const kind = node.name.split('.').at(-1) ?? node.name;
  const named = { name: partText(node, 'name') || kind, kind };
  switch (kind) {
    case 'JavaScriptStep':
      return { ...named, script: partText(node, 'script') };
    case 'MapperStep':
      return { ...named, script: mapped(node, 'put') };
    case 'MessageBuilderStep':
      return { ...named, script: built(node) };
    case 'IteratorStep':
      return { ...named, ...iterated(node) };
    case 'DestinationSetFilterStep':
      return { ...named, script: destinationFilter(node) };
    default:
      return { ...named, script: '', undone: UNDONE(kind) };
  }
}

const MAPS: Readonly<Record<string, string>> = {
  CHANNEL: 'channelMap',
  CONNECTOR: 'connectorMap',
  GLOBAL: 'globalMap',
  GLOBAL_CHANNEL: 'globalChannelMap',
  RESPONSE: 'responseMap',
  SOURCE: 'sourceMap',
};

function replacementsOf(node: XmlNode): string {
  const pairs = elementsOf(part(node, 'replacements')).map((pair) => {
    const [from, to] = elementsOf(pair).map((one) => textOf(one));
    return `[${from ?? "''"}, ${to ?? "''"}]`;
  });
  return `[${pairs.join(', ')}]`;
}

const defaultOf = (node: XmlNode): string => partText(node, 'defaultValue').trim() || "''";

/** Puts the value into its map or, in an iterator, adds it to its list. */
function mapped(node: XmlNode, how: 'put' | 'add'): string {
  const variable = partText(node, 'variable');
  const mapping = partText(node, 'mapping').trim().replace(/;$/, '') || "''";
  const map = MAPS[partText(node, 'scope')] ?? 'channelMap';
  const value = `validate(mapping, ${defaultOf(node)}, ${replacementsOf(node)})`;
  const put =
    how === 'put'
      ? `${map}.put('${quoted(variable)}', ${value});`
      : `${listName(node)}.push(${value});`;
  return `{\n  let mapping;\n  try { mapping = ${mapping};\n  } catch (e) { mapping = ''; }\n  ${put}\n}`;
}

const quoted = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll("'", "\\'");

const listName = (node: XmlNode): string =>
  `list_${partText(node, 'variable').replaceAll(/\W/g, '_')}`;

function built(node: XmlNode): string {
  const target = partText(node, 'messageSegment').trim();
  const mapping = partText(node, 'mapping').trim().replace(/;$/, '') || "''";
  // an exception is one of the step: only a mapper goes on with the empty text
  return `${target} = validate(${mapping}, ${defaultOf(node)}, ${replacementsOf(node)});`;
}

/** In an iterator a message builder begins the segments that it writes to: `tmp['OBX'][i]`. */
function builtInTurn(node: XmlNode, indices: readonly string[]): string {
  const target = partText(node, 'messageSegment').trim();
  const begun = indices.map((index) => {
    const [, base, name] =
      new RegExp(String.raw`^(.*?)\[(['"][^'"\]]+['"])\]\[${index}\]`).exec(target) ?? [];
    if (base === undefined || name === undefined) return '';
    return `if (typeof (${base}) == 'xml' && typeof (${base}[${name}][${index}]) == 'undefined') createSegment(${name}, ${base}, ${index});\n`;
  });
  return begun.join('') + built(node);
}

/** A loop, and around it the lists that its mappers fill, also those of the loops in it. */
interface Loop {
  readonly before: string;
  readonly loop: string;
  readonly after: string;
  readonly undone?: ScriptStep['undone'];
}

function iterated(node: XmlNode): Pick<ScriptStep, 'script' | 'undone'> {
  const { before, loop, after, undone } = loopOf(node, []);
  return undone === undefined
    ? { script: `{\n${before}${loop}\n${after}}` }
    : { script: '', undone };
}

function loopOf(node: XmlNode, around: readonly string[]): Loop {
  const properties = part(node, 'properties');
  const target = partText(properties, 'target').trim();
  const index = partText(properties, 'indexVariable').trim() || 'i';
  const indices = [...around, index];
  const children = elementsOf(part(properties, 'children'))
    .filter(isEnabled)
    .map((child) => inTurn(child, indices));
  const all = (of: 'before' | 'after'): string => children.map((one) => one[of]).join('');
  const steps = children.map((one) => one.loop).join('\n');
  const undone = children.find((one) => one.undone !== undefined)?.undone;
  return {
    before: all('before'),
    loop: `for (let ${index} = 0; ${index} < getArrayOrXmlLength(${target}); ${index}++) {\n${steps}\n}`,
    after: all('after'),
    ...(undone !== undefined && { undone }),
  };
}

function inTurn(node: XmlNode, indices: readonly string[]): Loop {
  if (node.name.endsWith('IteratorStep')) return loopOf(node, indices);
  if (node.name.endsWith('MapperStep')) {
    const map = MAPS[partText(node, 'scope')] ?? 'channelMap';
    const list = listName(node);
    return {
      before: `const ${list} = [];\n`,
      loop: mapped(node, 'add'),
      after: `${map}.put('${quoted(partText(node, 'variable'))}', ${list});\n`,
    };
  }
  if (node.name.endsWith('MessageBuilderStep'))
    return { before: '', loop: builtInTurn(node, indices), after: '' };
  const { script, undone } = stepOf(node);
  return { before: '', loop: script, after: '', ...(undone !== undefined && { undone }) };
}

function destinationFilter(node: XmlNode): string {
  const behavior = partText(node, 'behavior');
  const numbers = elementsOf(part(node, 'metaDataIds')).map((one) => textOf(one));
  const call = {
    REMOVE: `destinationSet.remove([${numbers.join(', ')}])`,
    REMOVE_ALL_EXCEPT: `destinationSet.removeAllExcept([${numbers.join(', ')}])`,
    REMOVE_ALL: 'destinationSet.removeAll()',
  }[behavior];
  return `if (${conditionOf(builtRule(node))}) ${call ?? 'destinationSet.removeAll()'};`;
}

const builtRule = (node: XmlNode): BuiltRule => ({
  field: partText(node, 'field').trim(),
  condition: partText(node, 'condition'),
  values: elementsOf(part(node, 'values')).map((one) => textOf(one).trim()),
});

function conditionOf({ field, condition, values }: BuiltRule): string {
  // without a value, it compares with the empty text
  const some = (test: (value: string) => string, joined: string): string =>
    `(${(values.length === 0 ? ['""'] : values).map(test).join(joined)})`;
  switch (condition) {
    case 'EXISTS':
      return `getArrayOrXmlLength(${field}) > 0`;
    case 'NOT_EXIST':
      return `getArrayOrXmlLength(${field}) == 0`;
    case 'EQUALS':
      return some((value) => `${field} == ${value}`, ' || ');
    case 'NOT_EQUAL':
      return some((value) => `${field} != ${value}`, ' && ');
    case 'CONTAINS':
      return some((value) => `${field}.indexOf(${value}) != -1`, ' || ');
    case 'NOT_CONTAIN':
      return some((value) => `${field}.indexOf(${value}) == -1`, ' && ');
    default:
      return 'true';
  }
}

function ruleOf(node: XmlNode): ScriptStep & { readonly built?: BuiltRule } {
  const kind = node.name.split('.').at(-1) ?? node.name;
  const named = { name: partText(node, 'name') || kind, kind };
  if (kind === 'RuleBuilderRule') {
    const rule = builtRule(node);
    return { ...named, script: `return ${conditionOf(rule)};`, built: rule };
  }
  if (kind === 'IteratorRule') {
    const properties = part(node, 'properties');
    const target = partText(properties, 'target').trim();
    const index = partText(properties, 'indexVariable').trim() || 'i';
    const rules = rulesIn(elementsOf(part(properties, 'children')).filter(isEnabled));
    const undone = rules.find((rule) => rule.undone !== undefined)?.undone;
    const isAll = partText(properties, 'intersectIterations') === 'true';
    const test = joinedRules(rules, ({ script }) => `(function () { ${script}\n})() == true`);
    const loop = `for (let ${index} = 0; ${index} < getArrayOrXmlLength(${target}); ${index}++)`;
    const script =
      rules.length === 0
        ? `return ${isAll};`
        : isAll
          ? `${loop} { if (!(${test})) return false; }\nreturn true;`
          : `${loop} { if (${test}) return true; }\nreturn false;`;
    return { ...named, script, ...(undone !== undefined && { undone }) };
  }
  const script = partText(node, 'script');
  if (script !== '' && kind !== 'ExternalScriptRule') return { ...named, script };
  const isJavaScript =
    /JavaScript|^rule$/.test(kind) || attributeOf(node, 'class').includes('JavaScript');
  return isJavaScript
    ? { ...named, script: 'return true;' }
    : { ...named, script: '', undone: UNDONE(kind) };
}
