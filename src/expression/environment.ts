import { type ASTNode, type Environment, ParseError } from '@marcbachmann/cel-js';
import type { FindEdifactProfile } from '../document/edi/profile/edifact-profile.ts';
import { EngineError } from '../error/engine-error.ts';
import { nearest } from '../error/nearest.ts';
import type { LookupTables } from '../lookup/lookup-tables.ts';
import type { Envelope } from '../message/message.ts';
import { celEnvironment, functionName, knownNames } from './cel-environment.ts';
import { celProblem, type KnownNames, readable } from './cel-problem.ts';
import type { Compiled, ExpressionProblem, ResultTypes } from './compiled.ts';
import { directEvaluations, type Evaluation } from './direct.ts';
import type { Scope } from './expression.ts';
import { type ExpressionFacts, factsOf } from './facts.ts';
import { ExpressionFault, expressionFailed } from './fault.ts';
import { callerFunctions } from './function/caller.ts';
import { ediFunctions } from './function/edi.ts';
import type { ExpressionFunction } from './function/expression-function.ts';
import { fhirFunctions } from './function/fhir.ts';
import { jwtFunctions } from './function/jwt.ts';
import { lookupFunctions, messageFunctions } from './function/message.ts';
import { numberFunctions } from './function/number.ts';
import { textFunctions } from './function/text.ts';
import { timeFunctions } from './function/time.ts';
import { literalProblems, type NamesInLiterals } from './literal.ts';
import { innerName, innerSource } from './syntax.ts';
import { type Call, callsIn, loopDepth } from './syntax-tree.ts';
import { type ExpressionVariable, expressionVariables } from './variable.ts';

interface ExpressionSettings {
  readonly lookups: LookupTables;
  /** Milliseconds since 1970, for `now()` and `age()`. Default: the system's clock. */
  readonly now?: (() => number) | undefined;
  /** Time zone of dates that name none. Default: that of the engine's process. */
  readonly zone?: string | undefined;
  /** Finds the profiles of EDIFACT that expressions name. Default: there are none. */
  readonly edifact?: FindEdifactProfile | undefined;
  /** What is wrong with the name of a key for tokens: a sentence; undefined if nothing is. Default: nothing. */
  readonly keyProblem?: ((name: string) => string | undefined) | undefined;
}

/** The one typed language of rules, transforms, partition keys and templates. */
export interface ExpressionEnvironment {
  /** Parses and checks; reports every problem, with its place in the source. Never throws. */
  compile<Result extends keyof ResultTypes>(
    source: string,
    options: { readonly result: Result },
  ): Compiled<ResultTypes[Result]>;
  /** What users may write, for the reference page and the console. */
  readonly functions: readonly ExpressionFunction[];
  readonly variables: readonly ExpressionVariable[];
}

/** One for each production: its functions read the production's code tables. */
export function expressionEnvironment(settings: ExpressionSettings): ExpressionEnvironment {
  const { lookups, now = Date.now, zone, keyProblem = () => undefined } = settings;
  const { edifact = () => undefined } = settings;
  // Evaluation is synchronous, so one place for the current message is enough.
  let current: Scope | undefined;
  const scope = (): Scope => {
    if (current === undefined) throw new ExpressionFault('there is no message');
    return current;
  };
  const listed = { left: ITEMS };
  const functions = [
    ...[...messageFunctions(scope), ...ediFunctions(scope, edifact)].map((one) =>
      counted(one, listed),
    ),
    ...fhirFunctions(scope),
    ...jwtFunctions(scope),
    ...callerFunctions(scope).map((one) => counted(one, listed)),
    ...lookupFunctions(lookups),
    ...textFunctions,
    ...numberFunctions,
    ...timeFunctions(now, zone),
  ];
  const check = expressionCheck(functions, { tables: lookups.names, edifact, keyProblem });

  return {
    functions,
    variables: expressionVariables,
    compile(source, { result }) {
      const checked = check(source, result);
      if (!checked.ok) return checked;
      const { run, readsBody, facts } = checked;
      const convert = resultConversion(result);
      const evaluate = (given: Scope): ResultTypes[typeof result] => {
        const outer = current;
        current = given;
        listed.left = ITEMS;
        try {
          return convert(run(variablesOf(given)));
        } catch (thrown) {
          throw expressionFailed(source, thrown);
        } finally {
          current = outer;
        }
      };
      return { ok: true, expression: { source, readsBody, facts, evaluate } };
    },
  };
}

/** List items that one evaluation may use: a list that is asked for in each turn of a loop counts each time. */
const ITEMS = 1_000_000;

/** A function whose lists count towards that limit. */
function counted(fn: ExpressionFunction, listed: { left: number }): ExpressionFunction {
  if (!fn.signature.includes('): list<')) return fn;
  const call = fn.call as (...given: unknown[]) => readonly unknown[];
  return {
    ...fn,
    call: (...given: unknown[]) => {
      const list = call(...given);
      listed.left -= list.length + 1;
      if (listed.left >= 0) return list;
      throw new EngineError(
        'EXPRESSION_TOO_COSTLY',
        `it used more than ${ITEMS} list items: a loop asks for a list in each of its turns`,
      );
    },
  };
}

/** Two nested loops look at all pairs; three would look at a billion triples of a thousand items. */
const LOOPS = 2;

type Checked =
  | {
      readonly ok: true;
      readonly run: Evaluation;
      readonly readsBody: boolean;
      readonly facts: ExpressionFacts;
    }
  | { readonly ok: false; readonly problems: readonly ExpressionProblem[] };

function expressionCheck(
  functions: readonly ExpressionFunction[],
  names: NamesInLiterals,
): (source: string, result: keyof ResultTypes) => Checked {
  const cel = celEnvironment(functions);
  const known = knownNames(cel);
  const direct = directEvaluations(functions);
  const bodyReaders = new Set(
    functions
      .filter(({ readsBody }) => readsBody === true)
      .map(({ signature }) => functionName(signature)),
  );
  return (source, result) => {
    const parsed = parse(cel, source);
    if (parsed instanceof ParseError) {
      return { ok: false, problems: [celProblem(parsed, source, known)] };
    }
    const calls = callsIn(parsed.ast).map((call) => ({ ...call, name: readable(call.name) }));
    if (loopDepth(parsed.ast) > LOOPS) {
      const text = `Loops such as exists() are nested more than ${LOOPS} deep, which takes too long on a large message. Write it in TypeScript, or as several rules.`;
      return { ok: false, problems: [{ text, offset: 0, end: source.length }] };
    }
    const problems = calls.flatMap((call) => callProblems(call, known, names));
    if (problems.length > 0) return { ok: false, problems };
    const { error, type = 'dyn' } = parsed.check();
    if (error !== undefined) return { ok: false, problems: [celProblem(error, source, known)] };
    const mismatch = resultProblem(readable(type), result);
    if (mismatch !== undefined) {
      return { ok: false, problems: [{ text: mismatch, offset: 0, end: source.length }] };
    }
    return {
      ok: true,
      run: direct(parsed.ast) ?? parsed,
      readsBody: calls.some(({ name }) => bodyReaders.has(name)),
      facts: factsOf(parsed.ast, calls),
    };
  };
}

function parse(cel: Environment, source: string): ReturnType<Environment['parse']> | ParseError {
  try {
    return cel.parse(innerSource(source));
  } catch (thrown) {
    if (thrown instanceof ParseError) return thrown;
    throw thrown;
  }
}

function callProblems(
  call: Call,
  known: KnownNames,
  names: NamesInLiterals,
): readonly ExpressionProblem[] {
  const { name } = call;
  if (!known.signatures.has(name)) {
    const near = nearest(name, known.functions);
    const hint = near === undefined ? '' : ` Did you mean ${near}?`;
    return [{ text: `There is no function ${name}.${hint}`, ...place(call.node) }];
  }
  return literalProblems(call, names).map(({ position, text }) => ({
    text,
    ...place(call.given[position] ?? call.node),
  }));
}

function place({ start, end }: ASTNode): { readonly offset: number; readonly end: number } {
  return { offset: start, end };
}

type Result = keyof ResultTypes;

const TYPES: Readonly<Record<Result, ReadonlySet<string>>> = {
  bool: new Set(['bool']),
  string: new Set(['string']),
  number: new Set(['int', 'double', 'uint']),
  plain: new Set(['string', 'bool', 'int', 'double']),
  any: new Set(),
};

const REMEDIES: Readonly<Record<Result, string>> = {
  bool: 'A condition is needed, such as field("PV1-2") == "I"',
  string: 'A text is needed: write it in quotes, or make one with string(…)',
  number: 'A number is needed: make one of a text with number(…)',
  plain: 'A text, a number, or true or false is needed',
  any: '',
};

/**
 * The problem with the static type of an expression where `wanted` is needed. What `dyn` is turns
 * out with the message.
 */
function resultProblem(type: string, wanted: Result): string | undefined {
  if (wanted === 'any' || type.startsWith('dyn') || TYPES[wanted].has(type)) return undefined;
  return `It gives ${type}. ${REMEDIES[wanted]}.`;
}

/** Converts the value of an evaluation to the wanted kind; throws a fault if a `dyn` turned out to be another. */
function resultConversion<Wanted extends Result>(
  wanted: Wanted,
): (value: unknown) => ResultTypes[Wanted] {
  return CONVERSIONS[wanted];
}

const CONVERSIONS: { readonly [Wanted in Result]: (value: unknown) => ResultTypes[Wanted] } = {
  bool: (value) => (typeof value === 'boolean' ? value : wrong('true or false')),
  string: (value) => (typeof value === 'string' ? value : wrong('a text')),
  number: (value) => {
    if (typeof value === 'number') return value;
    return typeof value === 'bigint' ? Number(value) : wrong('a number');
  },
  plain: (value) =>
    typeof value === 'string' ||
    typeof value === 'number' ||
    typeof value === 'bigint' ||
    typeof value === 'boolean'
      ? value
      : wrong('a text, number or flag'),
  any: (value) => value,
};

function wrong(needed: string): never {
  throw new ExpressionFault(`it did not give ${needed}`);
}

/** The variables of one message; each is read when an expression first asks for it. */
class Variables {
  readonly message: Envelope;
  readonly read: unknown[] = [];

  constructor(message: Envelope) {
    this.message = message;
  }
}

for (const [index, variable] of expressionVariables.entries()) {
  Object.defineProperty(Variables.prototype, innerName(variable.name), {
    get(this: Variables): unknown {
      return (this.read[index] ??= variable.read(this.message));
    },
  });
}

let last = new Variables({} as Envelope);

/** A router evaluates its rules on one message after another, so those of the last message are kept. */
function variablesOf({ message }: Scope): object {
  if (last.message !== message) last = new Variables(message);
  return last;
}
