import type { Document } from '../document/document.ts';
import { dicomFront, documentInTurns, documentOf, kindOf } from '../document/index.ts';
import { EngineError } from '../error/engine-error.ts';
import type { Scope } from '../expression/expression.ts';
import { type Body, frontOf } from '../message/body.ts';
import type { Envelope } from '../message/message.ts';
import { describeSize } from '../time/size.ts';

/** A message while it is being routed: its envelope, its body and the document, parsed once. */
export interface Subject extends Scope {
  readonly message: Envelope;
  readonly body: Body;
  /** The object store's key of a body above the inline limit. */
  readonly bodyRef: string | undefined;
}

/** Rules and transforms keep a whole body in memory, so they may only read bodies up to this many bytes. */
export const READ_LIMIT = 32 * 1024 * 1024;
/** What is read of a larger body whose fields stand before what makes it large, as in DICOM. */
const FRONT = 1024 * 1024;

/** A subject over a body; every subject made from it by `onLeg` shares the document. */
export function subject(message: Envelope, body: Body, bodyRef?: string): Subject {
  return onEnvelope(message, body, bodyRef, { bytes: body.inline, document: undefined });
}

interface Shared {
  bytes: Uint8Array | undefined;
  /** The beginning of a body that is too large to be held. */
  front?: Uint8Array;
  document: Document | undefined;
  /** Why a large body could not be read. */
  unreadable?: EngineError;
}

const shares = new WeakMap<Subject, Shared>();

function onEnvelope(
  message: Envelope,
  body: Body,
  bodyRef: string | undefined,
  shared: Shared,
): Subject {
  const made: Subject = {
    message,
    body,
    bodyRef,
    document() {
      if (shared.document !== undefined) return shared.document;
      if (shared.unreadable !== undefined) throw shared.unreadable;
      const { type, charset } = message;
      const { bytes, front } = shared;
      if (bytes !== undefined) shared.document = documentOf(bytes, { type, charset });
      else if (front !== undefined) shared.document = dicomFront(front);
      else throw notLoaded(body.size);
      return shared.document;
    },
  };
  shares.set(made, shared);
  return made;
}

/** The same body on another leg. */
export function onLeg(of: Subject, message: Envelope): Subject {
  return onEnvelope(
    message,
    of.body,
    of.bodyRef,
    shares.get(of) ?? { bytes: of.body.inline, document: undefined },
  );
}

/** The bytes of the body if they are in memory. */
export function bytesHeld(of: Subject): Uint8Array | undefined {
  return shares.get(of)?.bytes;
}

/** Fetches a large body before rules or transforms that read it run; small bodies are already in memory. */
export async function loadBody(of: Subject): Promise<void> {
  const shared = shares.get(of);
  if (shared === undefined || shared.bytes !== undefined) return;
  if (of.body.size <= READ_LIMIT) await readInTurns(shared, of);
  else if (kindOf(of.message.type) === 'dicom') shared.front ??= await frontOf(of.body, FRONT);
}

/** What is wrong with the body is told by whoever asks for a part of it, as of a small one. */
async function readInTurns(shared: Shared, { body, message }: Subject): Promise<void> {
  const { type, charset } = message;
  const bytes = await body.bytes();
  try {
    shared.document = await documentInTurns(bytes, { type, charset });
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    shared.unreadable = error;
  }
  shared.bytes = bytes;
}

function notLoaded(size: number): EngineError {
  return new EngineError(
    'MESSAGE_TOO_LARGE',
    `a rule or transform reads the body, which has ${describeSize(size)}; only bodies up to ${describeSize(READ_LIMIT)} can be read. Route it by type, source or name instead.`,
  );
}
