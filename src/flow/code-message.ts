import type { Document } from '../document/document.ts';
import { kindOf } from '../document/document-of.ts';
import { describeError, EngineError } from '../error/engine-error.ts';
import { placeInCode } from '../error/place-in-code.ts';
import { declaredType } from '../transform/declared-type.ts';
import { ownCharset, ownType, plainType } from '../transform/made-facts.ts';
import type { TransformOutput } from '../transform/transform.ts';
import type { ProcessBody, ProcessCode } from './process-code.ts';
import type { Subject } from './subject.ts';

/** How an error thrown by a production's code is reported; its text may quote a body and is withheld, its place is not. */
export function codeFailed(name: string, error: unknown): EngineError {
  const { code } = describeError(error);
  const place = placeInCode(error);
  const where = place === undefined ? '' : ` at ${place}`;
  return new EngineError('PROCESS_FAILED', `the code of ${name} threw ${code}${where}`, {
    cause: error,
  });
}

/** The message as a code process sees it. */
export const messageOf = (subject: Subject): Parameters<ProcessCode>[0] => ({
  ...subject.message,
  document: () => subject.document().copy(),
  bytes: () => subject.body.bytes(),
});

/** The bytes of what a process sends. */
export function bytesOf(body: ProcessBody): Uint8Array {
  if (typeof body === 'string') return Buffer.from(body);
  if (body instanceof Uint8Array) return body;
  if (isDocument(body)) return body.bytes();
  return bytesOf(body.body);
}

export const isDocument = (body: object): body is Document => 'kind' in body && 'copy' in body;

/**
 * What a process sends, as a new message. Without a type it keeps the incoming one, unless it is a
 * document of another kind.
 */
export function outputOf(
  body: ProcessBody,
  { message }: Pick<Subject, 'message'>,
): TransformOutput {
  const bytes = bytesOf(body);
  const isPlain = typeof body === 'string' || body instanceof Uint8Array || isDocument(body);
  const { body: content, type, charset, name } = isPlain ? { body } : body;
  return {
    body: bytes,
    type: ownType(bytes, typeOf(content, type, message.type)),
    charset: charset ?? ownCharset(content, message.charset),
    name,
  };
}

type Content = string | Uint8Array | Document;

function typeOf(content: Content, given: string | undefined, before: string): string {
  if (given !== undefined) return declaredType(given)?.text ?? given;
  if (typeof content === 'string' || content instanceof Uint8Array) return before;
  return kindOf(before) === content.kind ? before : plainType(content.kind);
}
