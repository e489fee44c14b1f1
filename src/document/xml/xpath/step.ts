import { elementsNamed, number, type XmlNode, type XmlTree } from '../tree.ts';
import { AXES } from './axis.ts';
import { asFlag, type Context, type Evaluate, type Value } from './value.ts';

type Test = (node: XmlNode, tree: XmlTree) => boolean;

export interface Step {
  readonly axis: string;
  readonly test: Test;
  /** The local name, if that is all it requires of an element. */
  readonly local?: string | undefined;
  /** Only the node with this number is wanted, and those after it need not be looked at. */
  readonly only?: number | undefined;
  readonly predicates: readonly Evaluate[];
}

/** The cost of finding a node's position, compared with looking at a node. */
const SORTING = 8;

const XML = 'http://www.w3.org/XML/1998/namespace';

/** Selects nodes by name. Without a prefix, elements match in any namespace, attributes in none. */
export function nameTest(name: string, axis: string): Test {
  const kind = axis === 'attribute' ? 'attribute' : 'element';
  if (name === '*') return (node) => node.kind === kind;
  const [prefix = '', local = ''] = name.includes(':') ? name.split(':') : ['', name];
  if (prefix === '') {
    return kind === 'element'
      ? (node) => node.kind === 'element' && node.local === local
      : (node) => node.kind === 'attribute' && node.local === local && node.uri === '';
  }
  return (node, { namespaces }) => {
    if (node.kind !== kind) return false;
    const uri = prefix === 'xml' ? XML : namespaces.get(prefix);
    return uri !== undefined && node.uri === uri && (local === '*' || node.local === local);
  };
}

/**
 * Selects nodes by kind: `text()`, `node()`, `comment()`, `processing-instruction()`; undefined if
 * there is no such test.
 */
export function kindTest(kind: string, target: string | undefined): Test | undefined {
  if (kind === 'node') return () => true;
  if (kind === 'text') return (node) => node.kind === 'text' || node.kind === 'cdata';
  if (kind === 'comment') return (node) => node.kind === 'comment';
  if (kind !== 'processing-instruction') return undefined;
  return (node) => node.kind === 'instruction' && (target === undefined || node.name === target);
}

/** The nodes that a step reaches from others, in document order, each once. */
export function stepFrom(
  nodes: readonly XmlNode[],
  step: Step,
  context: Context,
): readonly XmlNode[] {
  const [only] = nodes;
  if (only !== undefined && nodes.length === 1) {
    return inOrder(reached(only, step, context), context);
  }
  const found: XmlNode[] = [];
  for (const node of nodes) for (const one of reached(node, step, context)) found.push(one);
  return ordered(found, context);
}

function reached(node: XmlNode, step: Step, context: Context): readonly XmlNode[] {
  const { axis, test, predicates, only, local } = step;
  const { tree, budget } = context;
  let found: XmlNode[] = [];
  if (only !== undefined && local !== undefined && axis === 'child' && node.kind === 'element') {
    // in a loop over many, each would look at all those before it
    budget.spend(node.named?.has(local) === true ? 1 : node.children.length);
    const one = elementsNamed(node, local)[only - 1];
    return one === undefined
      ? []
      : predicates.reduce((left, each) => kept(left, each, context), [one as XmlNode]);
  }
  const walk = AXES[axis];
  walk?.(
    node,
    (one) => {
      budget.spend(1);
      return test(one, tree) && found.push(one) === only;
    },
    tree,
  );
  if (only !== undefined) found = found.slice(only - 1, only);
  for (const predicate of predicates) found = kept(found, predicate, context);
  return found;
}

/** Those for which a predicate is true; a number means a position. */
export function kept(
  nodes: readonly XmlNode[],
  predicate: Evaluate,
  { tree, budget }: Context,
): XmlNode[] {
  const size = nodes.length;
  return nodes.filter((node, index) => {
    budget.spend(1);
    const position = index + 1;
    const value: Value = predicate({ tree, node, position, size, budget });
    return typeof value === 'number' ? value === position : asFlag(value);
  });
}

/** The nodes in document order, each once. */
export function ordered(nodes: readonly XmlNode[], context: Context): readonly XmlNode[] {
  return inOrder(nodes.length < 2 ? nodes : [...new Set(nodes)], context);
}

function inOrder(nodes: readonly XmlNode[], { tree, budget }: Context): readonly XmlNode[] {
  if (nodes.length < 2) return nodes;
  if (!tree.isNumbered) number(tree);
  const isOrdered = nodes.every(({ order }, at) => at === 0 || order > (nodes[at - 1]?.order ?? 0));
  if (isOrdered) return nodes;
  budget.spend(nodes.length * SORTING);
  return nodes.toSorted((one, other) => one.order - other.order);
}
