import { resolve } from 'node:path';
import type { MessageExpression, Read, ReadContext, Template } from '../adapter/setting.ts';
import type { ExpressionProblem } from '../expression/compiled.ts';
import type { ExpressionEnvironment } from '../expression/environment.ts';
import type { Expression } from '../expression/expression.ts';
import { compileTemplate } from '../expression/template.ts';
import { loadBody, subject } from '../flow/subject.ts';
import type { Message } from '../message/message.ts';
import { type ProductionNames, unfitCredential, unknownLookup, unknownTarget } from './names.ts';

/** What the forms of a production need beyond what the settings of adapters need. */
export interface ProductionContext extends ReadContext {
  /** An expression that the flow evaluates itself, such as the key of a queue's order. */
  compile(source: string, result?: 'any' | 'bool'): Read<Expression>;
}

/** Settings are evaluated at once, and do not wait for a token. */
const NO_TOKENS =
  'jwt works in rules, transforms and TypeScript only. Put the token into the message by a transform, or name a credential of kind jwt-key.';

/** What a production provides for reading its settings and those of its adapters. */
export function readContext(
  folder: string,
  names: ProductionNames,
  whole: ExpressionEnvironment,
): ProductionContext {
  const language = withoutTokens(whole);
  const compile = (source: string, result: 'any' | 'bool' = 'any'): Read<Expression> => {
    const compiled =
      result === 'bool'
        ? language.compile(source, { result: 'bool' })
        : language.compile(source, { result: 'any' });
    return compiled.ok ? { ok: true, value: compiled.expression } : refused(compiled.problems);
  };
  return {
    path: (text) => resolve(folder, text),
    compile,
    expression(source) {
      const read = compile(source);
      return read.ok ? { ok: true, value: messageExpression(read.value) } : read;
    },
    template(source, encode) {
      const compiled = compileTemplate(source, language, encode);
      return compiled.ok
        ? { ok: true, value: messageTemplate(compiled.template) }
        : refused(compiled.problems);
    },
    unknown(kind, name) {
      if (kind === 'lookup') return unknownLookup(name, names);
      // Targets in the settings of adapters are not on a route that the map knows.
      names.used.target.add(name);
      return unknownTarget(name, names);
    },
    unfit: (name, kinds) => unfitCredential(name, kinds, names),
  };
}

function withoutTokens(language: ExpressionEnvironment): ExpressionEnvironment {
  return {
    ...language,
    compile(source, options) {
      const compiled = language.compile(source, options);
      if (!compiled.ok || compiled.expression.facts?.needsTokens !== true) return compiled;
      return { ok: false, problems: [{ text: NO_TOKENS, offset: 0, end: source.length }] };
    },
  };
}

function refused(problems: readonly ExpressionProblem[]): Read<never> {
  return {
    ok: false,
    problems: problems.map(({ text, offset }) => ({ path: [], problem: text, offset })),
  };
}

async function evaluate<Value>(expression: Expression<Value>, message: Message): Promise<Value> {
  const scope = subject(message, message.body);
  if (expression.readsBody) await loadBody(scope);
  return expression.evaluate(scope);
}

function messageExpression(expression: Expression): MessageExpression {
  return { source: expression.source, evaluate: (message) => evaluate(expression, message) };
}

function messageTemplate(expression: Expression<string>): Template {
  return { source: expression.source, render: (message) => evaluate(expression, message) };
}
