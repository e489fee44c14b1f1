import { type Letter, type SmartScope, smartScope } from '../smart-scope.ts';

const LETTERS: readonly Letter[] = ['c', 'r', 'u', 'd', 's'];

const letterText = (letters: ReadonlySet<string>): string =>
  LETTERS.filter((one) => letters.has(one)).join('');

/** What both permit, as a scope of SMART 2; undefined if that is nothing. */
function common(asked: SmartScope, most: SmartScope): SmartScope | undefined {
  if (asked.level !== most.level) return undefined;
  const isWithin = most.type === '*' || asked.type === most.type;
  if (!isWithin && asked.type !== '*') return undefined;
  const letters = new Set([...asked.letters].filter((one) => most.letters.has(one)));
  if (letters.size === 0) return undefined;
  return { level: asked.level, type: isWithin ? asked.type : most.type, letters };
}

/**
 * The part of what is asked for that lies within the most: a scope that is wholly within is given as it was written,
 * a wider one as its parts in words of SMART 2. Other scopes (openid, launch) are given if they are named.
 */
export function grantedScopes(
  asked: readonly string[],
  most: readonly string[],
): readonly string[] {
  const limits = most.flatMap((text) => smartScope(text) ?? []);
  const granted = asked.flatMap((text) => {
    const scope = smartScope(text);
    if (scope === undefined) return most.includes(text) ? [text] : [];
    const parts = limits.flatMap((limit) => common(scope, limit) ?? []);
    const isWhole = parts.some(
      ({ type, letters }) => type === scope.type && letters.size === scope.letters.size,
    );
    if (isWhole) return [text];
    return parts.map(({ level, type, letters }) => `${level}/${type}.${letterText(letters)}`);
  });
  return [...new Set(granted)];
}

/** Without those of `user/` that the person does not have themselves. */
export function personScopes(scopes: readonly string[], own: unknown): readonly string[] {
  const has = typeof own === 'string' ? own.split(' ') : [];
  return scopes.flatMap((text) =>
    smartScope(text)?.level === 'user' ? grantedScopes([text], has) : [text],
  );
}

export const scopeList = (text: string): readonly string[] =>
  text.split(' ').filter((one) => one !== '');
