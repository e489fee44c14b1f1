import type { ASTNode, ASTOperator } from '@marcbachmann/cel-js';
import { pattern } from '../document/text/pattern.ts';
import { functionName } from './cel-environment.ts';
import type { ExpressionFunction } from './function/expression-function.ts';
import { innerMethod, innerName } from './syntax.ts';
import { expressionVariables } from './variable.ts';

/** Evaluates with the variables of a message; see `variablesOf`. */
export type Evaluation = (variables: object) => unknown;

/** A part of an expression: its CEL type and how to get its value. */
interface Part {
  readonly type: string;
  readonly run: Evaluation;
  /** The value, if it is the same for every message. */
  readonly constant?: unknown;
}

/** The part for a node; undefined if anything in it cannot be done directly. */
type Build = (node: ASTNode) => Part | undefined;

/**
 * Expressions as plain closures. The CEL package walks its tree for each message, which costs more
 * than a router's many small conditions themselves; nearly all of them use only what is here.
 * Everything else (macros, maps, arithmetic) is left to the package, and a test compares both.
 *
 * @param node a node of an expression that the package has checked, so that only the types have to
 * be told apart
 */
export function directEvaluations(
  functions: readonly ExpressionFunction[],
): (node: ASTNode) => Evaluation | undefined {
  const overloads = functions.map(overload);
  const build: Build = (node) => {
    if (node.op === 'value') return literal(node.args);
    if (node.op === 'id') return variable(node.args);
    if (node.op === 'call') return call(overloads, node.args[0], node.args[1].map(build));
    if (node.op === 'rcall') {
      return method(node.args[0], [build(node.args[1]), ...node.args[2].map(build)]);
    }
    if (node.op === 'list') return textList(node.args.map(build));
    if (node.op === '!_') return negation(build(node.args));
    if (node.op === '?:') return choice(node.args.map(build));
    return Array.isArray(node.args) ? binary(node.op, node.args, build) : undefined;
  };
  return (node) => build(node)?.run;
}

interface Overload {
  readonly name: string;
  readonly parameters: string;
  readonly type: string;
  readonly call: (...given: unknown[]) => unknown;
}

function overload({ signature, call: run }: ExpressionFunction): Overload {
  const [, receiver = '', parameters = '', type = ''] =
    /^(\w+\.)?\w+\((.*)\): (.+)$/.exec(signature) ?? [];
  const name = receiver + innerName(functionName(signature));
  return { name, parameters, type, call: run as Overload['call'] };
}

function literal(value: unknown): Part | undefined {
  const type = { string: 'string', boolean: 'bool', bigint: 'int', number: 'double' }[
    typeof value as string
  ];
  return type === undefined ? undefined : { type, run: () => value, constant: value };
}

const VARIABLES = new Map(expressionVariables.map(({ name, type }) => [innerName(name), type]));

function variable(name: string): Part | undefined {
  const type = VARIABLES.get(name);
  const run = (variables: object): unknown => (variables as Record<string, unknown>)[name];
  return type === undefined ? undefined : { type, run };
}

function call(
  overloads: readonly Overload[],
  name: string,
  given: readonly (Part | undefined)[],
): Part | undefined {
  if (!areAll(given)) return undefined;
  const parameters = given.map(({ type }) => type).join(', ');
  const found = overloads.find((one) => one.name === name && one.parameters === parameters);
  return found === undefined
    ? undefined
    : {
        type: found.type,
        run: applied(
          found.call,
          given.map(({ run }) => run),
        ),
      };
}

/** Spreading arguments would cost more than most functions do. */
function applied(run: Overload['call'], given: readonly Evaluation[]): Evaluation {
  const [first, second] = given;
  if (first === undefined) return () => run();
  if (second === undefined) return (variables) => run(first(variables));
  if (given.length === 2) return (variables) => run(first(variables), second(variables));
  return (variables) => run(...given.map((one) => one(variables)));
}

const TEXT_METHODS: Readonly<Record<string, (text: string, other: string) => boolean>> = {
  startsWith: (text, other) => text.startsWith(other),
  endsWith: (text, other) => text.endsWith(other),
  contains: (text, other) => text.includes(other),
  [innerMethod('matches')]: (text, source) => pattern(source).test(text),
};

function method(name: string, given: readonly (Part | undefined)[]): Part | undefined {
  const run = TEXT_METHODS[name];
  if (run === undefined || !areTexts(given) || given.length !== 2) return undefined;
  return {
    type: 'bool',
    run: applied(
      run as Overload['call'],
      given.map((one) => one.run),
    ),
  };
}

function textList(items: readonly (Part | undefined)[]): Part | undefined {
  if (!areTexts(items) || items.length === 0) return undefined;
  const constants = items.map(({ constant }) => constant);
  if (!constants.includes(undefined)) return { type: 'list<string>', run: () => constants };
  const runs = items.map(({ run }) => run);
  return { type: 'list<string>', run: (variables) => runs.map((run) => run(variables)) };
}

function negation(given: Part | undefined): Part | undefined {
  if (given?.type !== 'bool') return undefined;
  const { run } = given;
  return { type: 'bool', run: (variables) => run(variables) !== true };
}

function choice([condition, then, otherwise]: readonly (Part | undefined)[]): Part | undefined {
  if (condition?.type !== 'bool' || then === undefined || then.type !== otherwise?.type) {
    return undefined;
  }
  const [asked, yes, no] = [condition.run, then.run, otherwise.run];
  return {
    type: then.type,
    run: (variables) => (asked(variables) === true ? yes(variables) : no(variables)),
  };
}

function binary(operator: ASTOperator, args: readonly unknown[], build: Build): Part | undefined {
  const make = BINARY[operator];
  if (make === undefined) return undefined;
  const [left, right] = args.map((one) => build(one as ASTNode));
  return left === undefined || right === undefined ? undefined : make(left, right);
}

type Binary = (left: Part, right: Part) => Part | undefined;

const BINARY: Readonly<Partial<Record<ASTOperator, Binary>>> = {
  '&&': logical(false),
  '||': logical(true),
  '==': comparison(isPlain, (a, b) => a === b),
  '!=': comparison(isPlain, (a, b) => a !== b),
  '<': comparison(isOrdered, (a, b) => a < b),
  '<=': comparison(isOrdered, (a, b) => a <= b),
  '>': comparison(isOrdered, (a, b) => a > b),
  '>=': comparison(isOrdered, (a, b) => a >= b),
  in: (left, right) => {
    if (left.type !== 'string' || right.type !== 'list<string>') return undefined;
    const [one, list] = [left.run, right.run];
    return {
      type: 'bool',
      run: (variables) => (list(variables) as readonly unknown[]).includes(one(variables)),
    };
  },
  '+': (left, right) => {
    if (!areTexts([left, right])) return undefined;
    const [a, b] = [left.run, right.run];
    const run: Evaluation = (variables) => (a(variables) as string) + (b(variables) as string);
    return { type: 'string', run };
  },
};

/** In CEL, a side that fails does not matter if the other one decides. */
function logical(decisive: boolean): Binary {
  return (left, right) => {
    if (left.type !== 'bool' || right.type !== 'bool') return undefined;
    const [first, second] = [left.run, right.run];
    const run: Evaluation = (variables) => {
      let value: unknown;
      try {
        value = first(variables);
      } catch (failed) {
        if (second(variables) === decisive) return decisive;
        throw failed;
      }
      return value === decisive ? decisive : second(variables);
    };
    return { type: 'bool', run };
  };
}

type Comparable = string | number | bigint | boolean;

function comparison(
  allowed: (type: string) => boolean,
  compare: (a: Comparable, b: Comparable) => boolean,
): Binary {
  return (left, right) => {
    if (left.type !== right.type || !allowed(left.type)) return undefined;
    const [a, b] = [left.run, right.run];
    return {
      type: 'bool',
      run: (variables) => compare(a(variables) as Comparable, b(variables) as Comparable),
    };
  };
}

function isPlain(type: string): boolean {
  return type === 'bool' || isOrdered(type);
}

function isOrdered(type: string): boolean {
  return type === 'string' || type === 'int' || type === 'double';
}

function areAll(parts: readonly (Part | undefined)[]): parts is readonly Part[] {
  return !parts.includes(undefined);
}

function areTexts(parts: readonly (Part | undefined)[]): parts is readonly Part[] {
  return parts.every((part) => part?.type === 'string');
}
