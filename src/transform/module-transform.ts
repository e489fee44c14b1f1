import { Buffer } from 'node:buffer';
import type { Document } from '../document/document.ts';
import { EngineError, isEngineError } from '../error/engine-error.ts';
import { placeInCode } from '../error/place-in-code.ts';
import type { Envelope } from '../message/message.ts';
import { declaredType } from './declared-type.ts';
import type { MadeMessage, MadeMessages, TransformFunction } from './define-transform.ts';
import { ownCharset, ownType } from './made-facts.ts';
import type { Transform, TransformInput, TransformOutput } from './transform.ts';

/**
 * Makes a transform from what a module exports; undefined if that is not a function. Anything it
 * throws becomes TRANSFORM_FAILED with the place in the code; the text of a foreign error may quote
 * the body and is left out.
 */
export function moduleTransform(name: string, exported: unknown): Transform | undefined {
  if (typeof exported !== 'function') return undefined;
  const transform = exported as TransformFunction;
  return {
    name,
    apply(input) {
      const made = run(name, transform, input);
      if (!(made instanceof Promise)) return outputs(name, made, input.message);
      return made.then(
        (later) => outputs(name, later, input.message),
        (error: unknown) => Promise.reject(failed(name, error)),
      );
    },
  };
}

function run(
  name: string,
  transform: TransformFunction,
  input: TransformInput,
): ReturnType<TransformFunction> {
  try {
    return transform(input);
  } catch (error) {
    throw failed(name, error);
  }
}

function outputs(name: string, made: MadeMessages, message: Envelope): TransformOutput[] {
  try {
    const all = [made].flat().map((one: unknown) => output(asMade(one), message));
    if (all.length < 2) return all;
    return all.map((one, at) => ({ ...one, part: at + 1, parts: all.length }));
  } catch (error) {
    throw failed(name, error);
  }
}

function asMade(made: unknown): MadeMessage {
  if (typeof made === 'string' || made instanceof Uint8Array || isDocument(made)) {
    return { body: made };
  }
  const { body } = Object(made) as { body?: unknown };
  if (typeof body === 'string' || body instanceof Uint8Array || isDocument(body)) {
    return made as MadeMessage;
  }
  throw new EngineError(
    'TRANSFORM_FAILED',
    'it returned something that is not a message. Return a text, bytes, a document, or { body, type, name }; [] makes no message.',
  );
}

function isDocument(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && 'bytes' in value && 'kind' in value;
}

function output({ body, type, name, charset }: MadeMessage, message: Envelope): TransformOutput {
  const bytes = bytesOf(body);
  return {
    body: bytes,
    type: typeOf(bytes, type, message.type),
    charset: charset ?? ownCharset(body, message.charset),
    name: name ?? message.name,
  };
}

function bytesOf(body: MadeMessage['body']): Uint8Array {
  if (typeof body === 'string') return Buffer.from(body, 'utf8');
  return body instanceof Uint8Array ? body : body.bytes();
}

function typeOf(body: Uint8Array, given: string | undefined, before: string): string {
  const type = given === undefined ? before : declaredType(given)?.text;
  if (type === undefined) {
    throw new EngineError(
      'TRANSFORM_FAILED',
      'it returned something that is not a type. Write ADT_A01:2.5, X12:837P:005010X222A1, or a media type such as application/json.',
    );
  }
  return ownType(body, type);
}

function failed(name: string, error: unknown): EngineError {
  if (isEngineError(error)) {
    return new EngineError('TRANSFORM_FAILED', `Transform ${name}: ${error.message}`, {
      retryable: error.retryable,
      cause: error,
    });
  }
  const kind = error instanceof Error ? error.name : 'something that is not an error';
  const place = placeInCode(error);
  const where = place === undefined ? '' : ` at ${place}`;
  return new EngineError('TRANSFORM_FAILED', `Transform ${name} threw ${kind}${where}.`);
}
