import type { ASTNode } from '@marcbachmann/cel-js';

/** A call of a function or method, as written. */
export interface Call {
  readonly name: string;
  readonly method: boolean;
  readonly given: readonly ASTNode[];
  readonly node: ASTNode;
}

/** Every call in an expression, including macros such as `exists`, outermost first. */
export function callsIn(node: ASTNode): Call[] {
  const calls: Call[] = [];
  const visit = (one: ASTNode): void => {
    if (one.op === 'call') {
      calls.push({ name: one.args[0], method: false, given: one.args[1], node: one });
    } else if (one.op === 'rcall') {
      calls.push({ name: one.args[0], method: true, given: one.args[2], node: one });
    }
    for (const child of childrenOf(one)) visit(child);
  };
  visit(node);
  return calls;
}

const OVER_LISTS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);

/** How deep loops over lists, such as `exists`, are nested. */
export function loopDepth(node: ASTNode): number {
  const below = Math.max(0, ...childrenOf(node).map(loopDepth));
  return node.op === 'rcall' && OVER_LISTS.has(node.args[0])
    ? Math.max(loopDepth(node.args[1]), 1 + Math.max(0, ...node.args[2].map(loopDepth)))
    : below;
}

/** The text of a literal; undefined if the node is anything else. */
export function literalText(node: ASTNode | undefined): string | undefined {
  return node?.op === 'value' && typeof node.args === 'string' ? node.args : undefined;
}

function childrenOf(node: ASTNode): readonly ASTNode[] {
  if (node.op === 'call') return node.args[1];
  if (node.op === 'rcall') return [node.args[1], ...node.args[2]];
  if (node.op === '.' || node.op === '.?') return [node.args[0]];
  if (node.op === '!_' || node.op === '-_') return [node.args];
  if (node.op === 'map') return node.args.flat();
  return node.op === 'value' || node.op === 'id' ? [] : node.args;
}
