import type { ASTNode } from '@marcbachmann/cel-js';
import { TOKEN_METHODS } from './jwt-name.ts';
import { innerName } from './syntax.ts';
import { type Call, literalText } from './syntax-tree.ts';

/** What can be told from the text of an expression before any message arrives. */
export interface ExpressionFacts {
  /** The only message types for which a condition can be true; undefined if its literals do not say. */
  readonly types: readonly string[] | undefined;
  /** Likewise the only trigger events. */
  readonly events: readonly string[] | undefined;
  /** Likewise the only hosts that a message may come from. */
  readonly sources: readonly string[] | undefined;
  /** Literal paths that it reads from the body: `PID-3.1`, `/orders`. */
  readonly paths: readonly string[];
  /** It asks for the turn, or for what follows the current segment: only a loop has these. */
  readonly needsLoop: boolean;
  /** It signs or checks a token: only rules and steps of transforms wait for one. */
  readonly needsTokens: boolean;
}

const READERS: ReadonlySet<string> = new Set([
  'field',
  'fields',
  'has',
  'segments',
  'following',
  'json',
  'xpath',
]);

const OF_LOOPS: ReadonlySet<string> = new Set(['index', 'following']);

/** @param calls every call in it, by the names users know */
export function factsOf(node: ASTNode, calls: readonly Call[]): ExpressionFacts {
  const paths = calls.flatMap(({ name, given }) =>
    READERS.has(name) ? (literalText(given[0]) ?? []) : [],
  );
  const needsLoop = calls.some(({ name, method }) => !method && OF_LOOPS.has(name));
  const needsTokens = calls.some(({ name, method }) => method && TOKEN_METHODS.has(name));
  const [types, events, sources] = ['type', 'event', 'source'].map((name) =>
    textsFor(node, innerName(name)),
  );
  return { types, events, sources, paths, needsLoop, needsTokens };
}

type Texts = readonly string[] | undefined;

/** The only texts that the variable may have, for a condition to be true. */
function textsFor(node: ASTNode, variable: string): Texts {
  const is = (one: ASTNode): boolean => one.op === 'id' && one.args === variable;
  if (node.op === '&&') return bothOf(node.args.map((one) => textsFor(one, variable)));
  if (node.op === '||') return eitherOf(node.args.map((one) => textsFor(one, variable)));
  if (node.op === '==') {
    const [left, right] = node.args;
    if (is(left)) return textsOf([right]);
    return is(right) ? textsOf([left]) : undefined;
  }
  if (node.op !== 'in') return undefined;
  const [left, list] = node.args;
  return is(left) && list.op === 'list' ? textsOf(list.args) : undefined;
}

function bothOf([left, right]: readonly Texts[]): Texts {
  if (left === undefined || right === undefined) return left ?? right;
  return left.filter((type) => right.includes(type));
}

function eitherOf(sides: readonly Texts[]): Texts {
  return sides.includes(undefined) ? undefined : sides.flatMap((types) => types ?? []);
}

function textsOf(nodes: readonly ASTNode[]): Texts {
  const texts = nodes.map(literalText);
  return texts.includes(undefined) ? undefined : texts.filter((text) => text !== undefined);
}
