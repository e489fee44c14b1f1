import { SECRET } from '../../redacted.ts';
import type { ScriptDraft } from './draft.ts';
import type { Syntax } from './parse.ts';
import { childrenOf } from './syntax.ts';

/** Arguments of a call that are secrets, as for a connection, `setPassword` and `put('token', …)`. */
function delicateGiven(
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
function textsIn(node: Syntax): Syntax[] {
  if (node.type === 'Literal') {
    return typeof node['value'] === 'string' && node['value'] !== '' ? [node] : [];
  }
  if (node.type === 'TemplateLiteral') return [node];
  const isMade = /^(Binary|Conditional|Logical)Expression$/.test(node.type);
  return isMade ? childrenOf(node).flatMap(textsIn) : [];
}

/** Hides what is assigned to a name that suggests a secret. */
export function hideSecret(draft: ScriptDraft, name: Syntax, value: Syntax | null): void {
  const called = String(name['name'] ?? name['value'] ?? '');
  if (value !== null && SECRET.test(called))
    for (const one of textsIn(value)) draft.hide(one, called);
}

/** Hides the arguments of a call that takes secrets. */
export function hideGiven(
  draft: ScriptDraft,
  base: string,
  method: string,
  given: readonly Syntax[],
): void {
  for (const { value, hint } of delicateGiven(base, method, given))
    for (const one of textsIn(value)) draft.hide(one, hint);
}
