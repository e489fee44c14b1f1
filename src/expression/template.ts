import type { ExpressionProblem } from './compiled.ts';
import type { ExpressionEnvironment } from './environment.ts';
import type { Expression, Scope } from './expression.ts';
import { ExpressionFault, expressionFailed } from './fault.ts';
import { closingBrace } from './syntax.ts';

export type CompiledTemplate =
  | { readonly ok: true; readonly template: Expression<string> }
  | { readonly ok: false; readonly problems: readonly ExpressionProblem[] };

/**
 * Compiles a text with expressions in braces: `{type}_{id}.hl7`. Numbers and times become text, and
 * `{{` and `}}` stand for braces. `encode` is applied to the result of each expression. Never
 * throws.
 */
export function compileTemplate(
  source: string,
  environment: ExpressionEnvironment,
  encode: (value: string) => string = (value) => value,
): CompiledTemplate {
  const parts: (string | Expression)[] = [];
  const problems: ExpressionProblem[] = [];
  let at = 0;
  while (at < source.length) {
    const text = /^(?:\{\{|\}\}|[^{}])*/.exec(source.slice(at))?.[0] ?? '';
    parts.push(text.replaceAll('{{', '{').replaceAll('}}', '}'));
    at += text.length;
    if (at === source.length) break;
    const end = source[at] === '{' ? closingBrace(source, at + 1) : undefined;
    if (end === undefined) {
      problems.push(unpaired(source, at));
      break;
    }
    const compiled = environment.compile(source.slice(at + 1, end), { result: 'any' });
    if (compiled.ok) parts.push(compiled.expression);
    else problems.push(...compiled.problems.map((problem) => moved(problem, at + 1)));
    at = end + 1;
  }
  return problems.length > 0
    ? { ok: false, problems }
    : { ok: true, template: filled(source, parts, encode) };
}

function unpaired(source: string, at: number): ExpressionProblem {
  const brace = source[at] ?? '';
  return {
    text: `This ${brace} is unmatched. Write ${brace}${brace} for the character itself.`,
    offset: at,
    end: at + 1,
  };
}

function moved(problem: ExpressionProblem, by: number): ExpressionProblem {
  return { text: problem.text, offset: problem.offset + by, end: problem.end + by };
}

function filled(
  source: string,
  parts: readonly (string | Expression)[],
  encode: (value: string) => string,
): Expression<string> {
  return {
    source,
    readsBody: parts.some((part) => typeof part !== 'string' && part.readsBody),
    evaluate: (scope) =>
      parts
        .map((part) => (typeof part === 'string' ? part : encode(partText(part, scope))))
        .join(''),
  };
}

function partText(part: Expression, scope: Scope): string {
  const value = part.evaluate(scope);
  if (typeof value === 'string') return value;
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'bigint' || typeof value === 'number' || typeof value === 'boolean') {
    return String(value);
  }
  throw expressionFailed(
    part.source,
    new ExpressionFault('it gave a value that cannot be part of a text'),
  );
}
