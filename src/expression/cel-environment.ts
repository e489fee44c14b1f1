import { Environment } from '@marcbachmann/cel-js';
import { Segment } from '../document/segment/segment.ts';
import type { KnownNames } from './cel-problem.ts';
import { readable } from './cel-problem.ts';
import type { ExpressionFunction } from './function/expression-function.ts';
import { JwtName } from './jwt-name.ts';
import { innerMethod, innerName } from './syntax.ts';
import { expressionVariables } from './variable.ts';

/** The CEL package's environment with our variables, functions and operators. */
export function celEnvironment(functions: readonly ExpressionFunction[]): Environment {
  const cel = new Environment().registerType('Segment', Segment).registerType('Jwt', JwtName);
  for (const { name, type, help } of expressionVariables) {
    cel.registerVariable(innerName(name), type, { description: help });
  }
  for (const { signature, help, call } of functions) {
    const name = functionName(signature);
    const inner = innerFunction(signature, name);
    // If a handler is not known to be synchronous, every evaluation looks for promises.
    const options = { description: help, async: false };
    cel.registerFunction(signature.replace(`${name}(`, `${inner}(`), call, options);
  }
  registerMixedNumbers(cel);
  return cel;
}

function innerFunction(signature: string, name: string): string {
  const isMethod = signature.includes('.') && !signature.startsWith(name);
  return isMethod ? innerMethod(name) : innerName(name);
}

/** CEL keeps `int` and `double` apart, which surprises anyone who writes `number(field("OBX-5")) + 1`. */
function registerMixedNumbers(cel: Environment): void {
  for (const [left, right] of [
    ['int', 'double'],
    ['double', 'int'],
  ]) {
    for (const [operator, run] of Object.entries(ARITHMETIC)) {
      cel.registerOperator(`${left} ${operator} ${right}: double`, (a: Numeric, b: Numeric) =>
        run(Number(a), Number(b)),
      );
    }
  }
  // Registers `!=` and both with the sides exchanged as well.
  cel.registerOperator('int == double: bool', (a: Numeric, b: Numeric) => Number(a) === Number(b));
}

type Numeric = number | bigint;

const ARITHMETIC: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
};

/** All names of an environment and how they are written, for suggestions. */
export function knownNames(cel: Environment): KnownNames {
  const definitions = cel.getDefinitions();
  const signatures = new Map<string, string[]>();
  for (const { name, signature } of definitions.functions) {
    const outer = readable(name);
    const written = readable(signature.replace(/: [^:]*$/, ''));
    signatures.set(outer, [...(signatures.get(outer) ?? []), written]);
  }
  return {
    variables: expressionVariables.map(({ name }) => name),
    functions: [...signatures.keys()],
    signatures,
  };
}

/** The name in a signature: `field` of `Segment.field(string): string`. */
export function functionName(signature: string): string {
  return /(\w+)\(/.exec(signature)?.[1] ?? signature;
}
