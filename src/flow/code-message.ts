import type { Document } from '../document/document.ts';
import { describeError, EngineError } from '../error/engine-error.ts';
import type { TransformOutput } from '../transform/transform.ts';
import type { ProcessBody, ProcessCode } from './process-code.ts';
import type { Subject } from './subject.ts';

/** How an error thrown by a production's code is reported; its text may quote a body and is withheld. */
export function codeFailed(name: string, error: unknown): EngineError {
  const { code } = describeError(error);
  return new EngineError('PROCESS_FAILED', `the code of ${name} threw ${code}`, { cause: error });
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

const isDocument = (body: object): body is Document => 'kind' in body && 'copy' in body;

/** What a process sends, as a new message; it keeps the incoming type unless the process gives one. */
export function outputOf(
  body: ProcessBody,
  { message }: Pick<Subject, 'message'>,
): TransformOutput {
  const bytes = bytesOf(body);
  if (typeof body === 'string' || body instanceof Uint8Array || isDocument(body)) {
    return { body: bytes, type: message.type };
  }
  const { type = message.type, charset, name } = body;
  return { body: bytes, type, charset, name };
}
