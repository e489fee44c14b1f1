import type { Document } from '../document/document.ts';
import { Hl7Document } from '../document/hl7/hl7-document.ts';
import { describeError, EngineError, isEngineError } from '../error/engine-error.ts';
import type { Expression, Scope } from '../expression/expression.ts';
import { type DeclaredType, declareType } from './declared-type.ts';
import { outputCharset, outputType } from './output-type.ts';
import { startDocument } from './start-document.ts';
import type { Transform, TransformInput, TransformOutput } from './transform.ts';
import { doSteps, type Run, type SegmentPairs, type Step } from './work.ts';

/** A transform as a production writes it, checked and compiled. */
export interface Declaration {
  readonly start: 'copy' | 'empty' | { readonly body: string };
  readonly type: DeclaredType | undefined;
  /** The label of the new message; undefined keeps it. */
  readonly label: Expression<string> | undefined;
  readonly steps: readonly Step[];
  /** Whether a step loops over segments; also true if it calls another transform, which may. */
  readonly loops: boolean;
  /** Transforms it calls. */
  readonly calls: readonly string[];
  /** Paths of the message as it comes: what expressions, `each` and `copy` read, and with `start: copy` what is written. */
  readonly paths: readonly string[];
  /** What only works in a loop of another transform that calls this one. */
  readonly needs: readonly string[];
}

/** Finds the transforms that `call` names; asked when a message comes, since they may be read later. */
export type FindTransform = (name: string) => Transform | undefined;

/**
 * Steps in data. Expressions always read the message as it came, whatever steps have written before:
 * the order of steps matters only where they write the same place.
 */
export class DeclarativeTransform implements Transform {
  readonly name: string;
  readonly keepsDocument = true;
  readonly declaration: Declaration;
  readonly #find: FindTransform;

  constructor(name: string, declaration: Declaration, find: FindTransform) {
    this.name = name;
    this.declaration = declaration;
    this.#find = find;
  }

  apply(input: TransformInput): TransformOutput[] {
    const state = { step: 'its start' };
    try {
      const run = Object.assign(state, this.#start(input));
      const scope: Scope = { message: input.message, document: () => input.document };
      doSteps(this.declaration.steps, {
        run,
        scope,
        target: run.target,
        loop: undefined,
        turns: [],
      });
      run.step = 'its end';
      return run.discarded ? [] : [this.#output(input, run.target, scope)];
    } catch (error) {
      throw transformFailed(this.name, state.step, error);
    }
  }

  #start(input: TransformInput): Omit<Run, 'step'> {
    const { start, type, loops } = this.declaration;
    const source = input.document;
    const isCopy = start === 'copy';
    const target = isCopy ? source.copy() : startDocument(input, start, type);
    if (type !== undefined) declareType(target, type);
    return {
      start: isCopy ? 'copy' : 'empty',
      source,
      target,
      segments: loops ? segmentPairs(source, isCopy ? target : undefined) : undefined,
      transform: this.#find,
      totals: new Map(),
      removed: false,
      discarded: false,
      depth: 0,
    };
  }

  #output({ message, document }: TransformInput, target: Document, scope: Scope): TransformOutput {
    const { type, label } = this.declaration;
    const body = target.bytes();
    return {
      body,
      type: outputType(document, target, { before: message.type, declared: type?.text }),
      charset: outputCharset(document, target, message.charset),
      name: label?.evaluate(scope) ?? message.name,
    };
  }
}

function segmentPairs(source: Document, target: Document | undefined): SegmentPairs | undefined {
  if (!(source instanceof Hl7Document)) return undefined;
  return {
    source: source.segments(),
    target: target instanceof Hl7Document ? target.segments() : [],
  };
}

/** What a transform threw, with its name and step. The text of a foreign error may quote the body and is left out. */
function transformFailed(name: string, step: string, error: unknown): EngineError {
  const { text } = describeError(error);
  const retryable = isEngineError(error) && error.retryable;
  return new EngineError('TRANSFORM_FAILED', `Transform ${name}, ${step}: ${text}`, { retryable });
}
