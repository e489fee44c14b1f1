import { SECRET } from './names.ts';
import type { Syntax } from './parse.ts';
import { childrenOf } from './syntax.ts';

/** Arguments of a call that are secrets: those of a connection, of `setPassword`, of `put('token', …)`. */
export function delicateGiven(
  base: string,
  method: string,
  given: readonly Syntax[],
): { readonly value: Syntax; readonly hint: string }[] {
  if (method === 'createDatabaseConnection') {
    return given.slice(1).map((value) => ({ value, hint: 'database' }));
  }
  if (SECRET.test(method) && !method.startsWith('$') && base !== 'logger') {
    return given.map((value) => ({ value, hint: method }));
  }
  const [name, value] = given;
  const called = String(name?.['value'] ?? '');
  return value !== undefined && SECRET.test(called) ? [{ value, hint: called }] : [];
}

/** The texts that make up the value of an expression. */
export function textsIn(node: Syntax): Syntax[] {
  if (node.type === 'Literal') {
    return typeof node['value'] === 'string' && node['value'] !== '' ? [node] : [];
  }
  if (node.type === 'TemplateLiteral') return [node];
  const isMade = /^(Binary|Conditional|Logical)Expression$/.test(node.type);
  return isMade ? childrenOf(node).flatMap(textsIn) : [];
}
