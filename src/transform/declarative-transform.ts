import { Buffer } from 'node:buffer';
import { EMPTY_ASTM } from '../document/astm/astm-document.ts';
import type { Document } from '../document/document.ts';
import { documentOf } from '../document/document-of.ts';
import { ediAcknowledgement } from '../document/edi/acknowledge/acknowledge.ts';
import type { OnErrors } from '../document/edi/acknowledge/verdict.ts';
import type { X12Form } from '../document/edi/acknowledge/x12-acknowledgement.ts';
import type { EdiCheckLevel } from '../document/edi/check/finding.ts';
import { EdiDocument, ediDocument } from '../document/edi/edi-document.ts';
import { ediTypeOf } from '../document/edi/edi-type.ts';
import type { EdifactProfile } from '../document/edi/profile/edifact-profile.ts';
import type { ToFhirOptions } from '../document/fhir/v2/to-fhir.ts';
import { DEFAULT_DELIMITERS } from '../document/hl7/delimiters.ts';
import { hl7Header, isBefore } from '../document/hl7/header.ts';
import { Hl7Document } from '../document/hl7/hl7-document.ts';
import { endingWithCr } from '../document/hl7/segment-ends.ts';
import { SegmentDocument } from '../document/segment/segment-document.ts';
import { describeError, EngineError, isEngineError } from '../error/engine-error.ts';
import { formatDate } from '../expression/date-pattern.ts';
import type { Expression, Scope } from '../expression/expression.ts';
import { type TokenAnswers, withTokens } from '../expression/token-answers.ts';
import {
  type DeclaredType,
  declareType,
  FIRST_WITH_STRUCTURE,
  type Hl7Type,
} from './declared-type.ts';
import { beginFhir } from './fhir/begin-fhir.ts';
import { beginV2, type FromFhir } from './fhir/begin-v2.ts';
import { messageStructure } from './message-structure.ts';

/** The new message is what a value holds in base64, such as a PDF in OBX-5.5. */
interface Decoding {
  readonly base64: Expression<string>;
}

import type { Split } from './split/read-split.ts';
import type { Transform, TransformInput, TransformOutput, WatchedInput } from './transform.ts';
import { doSteps, type Run, type SegmentPairs, type Step } from './work.ts';

/** A transform as a production writes it, checked and compiled. */
export interface Declaration {
  readonly start:
    | 'copy'
    | 'empty'
    | { readonly body: string }
    | Decoding
    | Acknowledging
    | ToFhir
    | FromFhir;
  readonly type: DeclaredType | undefined;
  /** What each message is made of; undefined makes a single one of the whole. */
  readonly split: Split | undefined;
  /** The label of the new message; undefined keeps it. */
  readonly label: Expression<string> | undefined;
  readonly steps: readonly Step[];
  /** Whether a step loops over segments; also true if it calls another transform, which might. */
  readonly loops: boolean;
  /** Transforms it calls. */
  readonly calls: readonly string[];
  /**
   * Paths of the incoming message: what expressions, `each` and `copy` read, and with `start: copy`
   * also what is written.
   */
  readonly paths: readonly string[];
  /** Paths that steps write. */
  readonly writes: readonly string[];
  /** What works only inside a loop of another transform that calls this one. */
  readonly needs: readonly string[];
}

/** The new message begins as the acknowledgement of the one that came: TA1, 997, 999 or CONTRL. */
export interface Acknowledging {
  readonly acknowledge: EdiCheckLevel;
  readonly form: X12Form;
  readonly errors: OnErrors;
  /** What EDIFACT messages are checked by. */
  readonly profiles: readonly EdifactProfile[];
}

/** The new message begins as FHIR made of the HL7 v2 message that came. */
export interface ToFhir {
  readonly toFhir: ToFhirOptions;
}

/** What comes before the first step, as errors and those who watch the steps name it. */
export const START = 'its start';

/** Finds the transforms that `call` names; called when a message arrives, since they may be read later. */
export type FindTransform = (name: string) => Transform | undefined;

/**
 * A transform made of steps. Expressions always read the incoming message, whatever steps have
 * written before: the order of steps matters only where they write the same place.
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

  apply(input: WatchedInput): TransformOutput[] | Promise<TransformOutput[]> {
    return withTokens(input.jwt, (tokens) => this.#made(input, tokens));
  }

  #made(input: WatchedInput, tokens: TokenAnswers | undefined): TransformOutput[] {
    const state = { step: START };
    try {
      const { message, document, whole } = input;
      const scope: Scope = { message, document: () => document, whole, tokens };
      const begun = this.#start(input, scope);
      if (begun === undefined) return [];
      const run = Object.assign(state, begun);
      input.watch?.(START, run.target);
      doSteps(this.declaration.steps, {
        run,
        scope,
        target: run.target,
        loop: undefined,
        turns: [],
      });
      run.step = 'its end';
      return run.discarded ? [] : [this.#output(input, run, scope)];
    } catch (error) {
      throw transformFailed(this.name, state.step, error);
    }
  }

  /** Undefined where there is nothing to make: what acknowledges is not acknowledged. */
  #start(input: WatchedInput, scope: Scope): Omit<Run, 'step'> | undefined {
    const { start, type, loops } = this.declaration;
    const source = input.document;
    const isCopy = start === 'copy';
    const begun = isCopy
      ? { target: source.copy() }
      : startDocument({ ...input, scope }, start, type);
    if (begun === undefined) return undefined;
    const { target, notes = [] } = begun;
    if (type !== undefined) declareType(target, type);
    return {
      start: isCopy ? 'copy' : 'empty',
      source,
      target,
      segments: loops ? segmentPairs(source, isCopy ? target : undefined) : undefined,
      transform: this.#find,
      totals: new Map(),
      notes,
      removed: false,
      discarded: false,
      depth: 0,
      watch: input.watch,
    };
  }

  #output(
    { message, document }: TransformInput,
    { target, notes }: Pick<Run, 'target' | 'notes'>,
    scope: Scope,
  ): TransformOutput {
    const { type, label } = this.declaration;
    const body = target.bytes();
    return {
      body,
      type: outputType(document, target, { before: message.type, declared: type?.text }),
      charset: outputCharset(document, target, message.charset),
      name: label?.evaluate(scope) ?? message.name,
      ...(notes.length > 0 && { notes }),
    };
  }
}

function segmentPairs(source: Document, target: Document | undefined): SegmentPairs | undefined {
  if (!(source instanceof SegmentDocument)) return undefined;
  return {
    source: source.segments(),
    target: target instanceof SegmentDocument ? target.segments() : [],
  };
}

/**
 * Wraps what a transform threw, with its name and step. The text of a foreign error may quote the
 * body and is left out.
 */
function transformFailed(name: string, step: string, error: unknown): EngineError {
  const { text } = describeError(error);
  const retryable = isEngineError(error) && error.retryable;
  return new EngineError('TRANSFORM_FAILED', `Transform ${name}, ${step}: ${text}`, {
    retryable,
    cause: error,
  });
}

const WHAT_TYPES: readonly string[] = ['MSH-9', 'MSH-12'];

/**
 * The type of a new message: what its MSH or envelope says, otherwise what the transform declares. If
 * MSH is the same as in the incoming message, the header is not read again.
 */
function outputType(
  source: Document,
  target: Document,
  { before, declared = before }: { readonly before: string; readonly declared: string | undefined },
): string {
  if (target.kind === 'x12' || target.kind === 'edifact') {
    return ediTypeOf(target.bytes()) ?? declared;
  }
  if (target.kind !== 'hl7') return declared;
  const isSame =
    before.startsWith('HL7v2:') &&
    source.kind === 'hl7' &&
    WHAT_TYPES.every((path) => source.get(path) === target.get(path));
  return isSame ? before : hl7Header(target.bytes()).type;
}

/** The charset of a new message: for HL7 the one it is written in, otherwise that of the incoming message. */
function outputCharset(
  source: Document,
  target: Document,
  before: string | undefined,
): string | undefined {
  if (target instanceof SegmentDocument && !(target instanceof Hl7Document)) {
    return target.charset.name;
  }
  if (target.kind === 'json' && source.kind !== 'json') return 'utf-8';
  if (!(target instanceof Hl7Document)) return before;
  const isSame =
    before !== undefined && source.kind === 'hl7' && source.get('MSH-18') === target.get('MSH-18');
  return isSame ? before : target.charset.name;
}

interface Begun {
  readonly target: Document;
  readonly notes?: readonly string[];
}

/** How a new message that is not a copy begins: with a given body, or with the least that is valid for its type. */
function startDocument(
  input: TransformInput & { readonly scope: Scope },
  start: Exclude<Declaration['start'], 'copy'>,
  type: DeclaredType | undefined,
): Begun | undefined {
  if (start !== 'empty' && !('body' in start || 'base64' in start)) return made(input, start);
  return { target: written(input, start, type) };
}

function written(
  input: TransformInput & { readonly scope: Scope },
  start: 'empty' | { readonly body: string } | Decoding,
  type: DeclaredType | undefined,
): Document {
  if (type === undefined) throw new EngineError('TRANSFORM_FAILED', 'it has no type');
  if (start !== 'empty' && 'base64' in start) {
    return documentOf(decoded(start, input.scope), { type: type.text });
  }
  const { message, document } = input;
  const charset = document instanceof Hl7Document ? document.charset.name : message.charset;
  const body = Buffer.from(start === 'empty' ? emptyBody(input, type) : start.body, 'utf8');
  return documentOf(endingWithCr(body)?.(body) ?? body, {
    type: type.text,
    ...(type.hl7 === undefined || charset === undefined ? {} : { charset }),
  });
}

/** What is made of the message that came as a whole. */
function made(input: TransformInput, start: Acknowledging | ToFhir | FromFhir): Begun | undefined {
  if ('toFhir' in start) return beginFhir(input, start.toFhir);
  if ('fromFhir' in start) return beginV2(input, start.fromFhir);
  const target = acknowledgementOf(input, start);
  return target && { target };
}

function acknowledgementOf(
  { document, now }: TransformInput,
  { acknowledge: level, form, errors, profiles }: Acknowledging,
): Document | undefined {
  if (!(document instanceof EdiDocument)) {
    throw new EngineError(
      'TRANSFORM_FAILED',
      `acknowledge needs a body that is x12 or edifact, but this one is ${document.kind}`,
    );
  }
  const { body } = ediAcknowledgement(document, { level, form, errors, profiles, at: now() });
  return body === undefined ? undefined : ediDocument(body, document.charset.name);
}

function emptyBody(input: TransformInput, type: DeclaredType): string {
  if (type.hl7 !== undefined) return emptyHl7(input, type.hl7);
  if (type.kind === 'astm') return EMPTY_ASTM;
  return type.kind === 'json' ? '{}' : '';
}

/** An MSH that a receiver accepts; steps may change it. What both messages have in common is kept. */
function emptyHl7({ message, document, now }: TransformInput, type: Hl7Type): string {
  const source = document instanceof Hl7Document ? document : undefined;
  const kept = (path: string, otherwise: string): string => source?.raw(path) || otherwise;
  const { field, component, encoding } = source?.delimiters ?? DEFAULT_DELIMITERS;
  const version = type.version ?? kept('MSH-12.1', '2.5.1');
  const slots = [
    `MSH${field}${encoding}`,
    '',
    '',
    '',
    '',
    formatDate(new Date(now()), 'yyyyMMddHHmmss', undefined) ?? '',
    '',
    messageType(type, version).join(component),
    kept('MSH-10', String(message.id)),
    kept('MSH-11', 'P'),
    version,
  ];
  const charset = kept('MSH-18', '');
  if (charset !== '') slots.push('', '', '', '', '', charset);
  return `${slots.join(field)}\r`;
}

/** The parts of MSH-9 that the version has. */
function messageType({ message, event }: Hl7Type, version: string): string[] {
  if (event === '') return [message];
  if (isBefore(version, FIRST_WITH_STRUCTURE)) return [message, event];
  return [message, event, messageStructure(message, event)];
}

/** Throws TRANSFORM_FAILED for nothing, and for what is not base64: a decoder would make some bytes of anything. */
function decoded({ base64 }: Decoding, scope: Scope): Buffer {
  // line ends and blanks within it mean nothing
  const text = base64.evaluate(scope).replaceAll(/\s+/g, '');
  if (text === '') throw new EngineError('TRANSFORM_FAILED', 'what base64 names is empty');
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '')) return bytes;
  throw new EngineError('TRANSFORM_FAILED', 'what base64 names is not base64');
}
