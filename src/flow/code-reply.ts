import type { Document } from '../document/document.ts';
import { hl7Header } from '../document/hl7/header.ts';
import { EngineError } from '../error/engine-error.ts';
import type { Reply } from '../message/message.ts';
import { declaredType } from '../transform/declared-type.ts';
import { plainType } from '../transform/made-facts.ts';
import { bytesOf, isDocument } from './code-message.ts';
import type { ProcessReply } from './process-code.ts';

/** What the code of a process returned, as an answer; nothing else checks it. Throws PROCESS_FAILED. */
export function replyOf(name: string, returned: ProcessReply | undefined): Reply | undefined {
  if (returned === undefined || returned === null) return undefined;
  const { body = '', type, code, ...more } = partsOf(name, returned);
  if (!isContent(body)) throw notAnAnswer(name);
  const bytes = bytesOf(body);
  return {
    ...more,
    body: bytes,
    type: type === undefined ? typeOf(body, bytes) : (declaredType(type)?.text ?? type),
    ...(code === undefined ? {} : { code: String(code) }),
  };
}

type Content = string | Uint8Array | Document;
type Parts = Exclude<ProcessReply, Content>;

const isContent = (value: unknown): value is Content =>
  typeof value === 'string' ||
  value instanceof Uint8Array ||
  (typeof value === 'object' && value !== null && isDocument(value));

function partsOf(name: string, returned: ProcessReply): Parts {
  if (isContent(returned)) return { body: returned };
  const { body, code, text } = Object(returned) as Parts;
  if (body === undefined && code === undefined && text === undefined) throw notAnAnswer(name);
  return returned;
}

function typeOf(body: Content, bytes: Uint8Array): string {
  const header = hl7Header(bytes);
  if (header.kind !== 'none') return header.type;
  if (typeof body === 'string') return 'text/plain';
  return body instanceof Uint8Array ? 'application/octet-stream' : plainType(body.kind);
}

const notAnAnswer = (name: string): EngineError =>
  new EngineError(
    'PROCESS_FAILED',
    `the code of ${name} returned something that is not an answer. Return a text, bytes, a document, or { body, type, code }; undefined answers nothing.`,
  );
