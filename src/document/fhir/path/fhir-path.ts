import { createRequire } from 'node:module';
import { EngineError } from '../../../error/engine-error.ts';
import type { FhirVersion } from '../definitions/definition-file.ts';

/** The part of the package `fhirpath` that is used. */
interface Engine {
  compile(
    expression: string | { readonly base: string; readonly expression: string },
    model: unknown,
  ): Evaluate;
}

/** The values at a path; `variables` are those that begin with `%`. */
export type Evaluate = (
  resource: unknown,
  variables?: Readonly<Record<string, unknown>>,
) => readonly unknown[];

interface Installed {
  readonly engine: Engine;
  /** What the types of a version of FHIR are; R4B has those of R4. */
  readonly modelOf: (version: FhirVersion) => unknown;
}

let engine: Installed | 'none' | undefined;

/** `fhirpath` is an optional package: installed beside Waybill by those who need it. */
function installed(): Installed | 'none' {
  engine ??= load();
  return engine;
}

function load(): Installed | 'none' {
  const require = createRequire(import.meta.url);
  try {
    return {
      engine: require('fhirpath') as Engine,
      modelOf: (version) =>
        require(version === 'R5' ? 'fhirpath/fhir-context/r5' : 'fhirpath/fhir-context/r4'),
    };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return 'none';
    throw error;
  }
}

export const isFhirPathInstalled = (): boolean => installed() !== 'none';

const compiled = new Map<string, Evaluate | undefined>();
/** Expressions of productions and invariants are few; more than this come from nowhere good. */
const REMEMBERED = 2_000;

interface Compiling {
  /** The type of the element that it is asked of; left out, a resource says it itself. */
  readonly base?: string;
  /** Default R4. */
  readonly version?: FhirVersion | undefined;
}

/** A compiled expression; undefined if it is none, or without the package. */
export function evaluator(
  expression: string,
  { base, version = 'R4' }: Compiling = {},
): Evaluate | undefined {
  const key = `${version} ${base ?? ''} ${expression}`;
  if (compiled.has(key)) return compiled.get(key);
  const made = compile(expression, base, version);
  if (compiled.size >= REMEMBERED) compiled.clear();
  compiled.set(key, made);
  return made;
}

function compile(
  expression: string,
  base: string | undefined,
  version: FhirVersion,
): Evaluate | undefined {
  const found = installed();
  if (found === 'none') return undefined;
  try {
    return found.engine.compile(
      base === undefined ? expression : { base, expression },
      found.modelOf(version),
    );
  } catch {
    // a syntax error: the caller says so
    return undefined;
  }
}

const NOT_INSTALLED =
  'fhirpath() needs the package fhirpath. Install it beside Waybill: npm install fhirpath';

/** What is wrong with a FHIRPath before anything is evaluated; undefined if nothing is. */
export function fhirPathProblem(expression: string): string | undefined {
  if (!isFhirPathInstalled()) return NOT_INSTALLED;
  return evaluator(expression) === undefined ? 'That is not FHIRPath.' : undefined;
}

/** The values at a FHIRPath as text. Throws PATH_INVALID if it is none, or the package is not installed. */
export function fhirPathTexts(
  resource: unknown,
  expression: string,
  version?: FhirVersion,
): string[] {
  const evaluate = evaluator(expression, { version });
  if (evaluate === undefined) {
    throw new EngineError('PATH_INVALID', fhirPathProblem(expression) ?? 'That is not FHIRPath.');
  }
  return evaluate(resource).map((value) =>
    typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value),
  );
}
