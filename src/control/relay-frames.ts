import { describeError, EngineError, toldError } from '../error/engine-error.ts';

/* An answer that is sent in parts over NATS: each part is a frame with its number, so that a lost one is noticed. */

/** What a person asks of another production, through the console that they are signed in to. */
export interface RelayedRequest {
  readonly method: string;
  /** Below the API's prefix, with the query: `messages/12/body?view=hl7`. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly caller: RelayedCaller;
}

/** Who asks, and what the console that signed them in lets them do in this production. */
export interface RelayedCaller {
  readonly name: string;
  /** How they signed in there, and the production of that console: `local@integration`. */
  readonly via: string;
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
  readonly scope: readonly string[];
  /** The id of the API token there, if one was used. */
  readonly token?: number | undefined;
  readonly ip: string;
}

export interface AnswerHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** What the asker says meanwhile. */
export interface AskerNews {
  /** Bytes of the answer that were read. */
  readonly taken: number;
  readonly end?: boolean;
}

export const FRAME = { begun: 1, head: 2, data: 3, end: 4, failed: 5, alive: 6 } as const;
export type FrameKind = (typeof FRAME)[keyof typeof FRAME];

export interface RelayFrame {
  readonly kind: FrameKind;
  readonly payload: Uint8Array;
}

const HEAD = 5;

export function frame(kind: FrameKind, number: number, payload: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(HEAD + payload.byteLength);
  bytes.writeUInt8(kind, 0);
  bytes.writeUInt32BE(number, 1);
  bytes.set(payload, HEAD);
  return bytes;
}

/** Throws BROKER_UNAVAILABLE if a frame between was lost. */
export function readFrame(bytes: Uint8Array, expected: number): RelayFrame {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.byteLength < HEAD || view.readUInt32BE(1) !== expected)
    throw new EngineError('BROKER_UNAVAILABLE', 'a part of the answer was lost on the way', {
      retryable: true,
    });
  return { kind: view.readUInt8(0) as FrameKind, payload: view.subarray(HEAD) };
}

/** Where the answerer listens, if this frame tells it. */
export const begunBy = (bytes: Uint8Array): string | undefined =>
  bytes[0] === FRAME.begun && bytes.byteLength > HEAD
    ? Buffer.from(bytes.subarray(HEAD)).toString()
    : undefined;

const jsonOf = (payload: Uint8Array): unknown => JSON.parse(Buffer.from(payload).toString());

export const headOf = (payload: Uint8Array): AnswerHead => jsonOf(payload) as AnswerHead;

export const asJson = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

/** An error as it is told to the asker. */
export const failure = (error: unknown): Uint8Array => asJson(describeError(error));

/** The error that was told. */
export function failed(payload: Uint8Array): EngineError {
  return toldError(jsonOf(payload) as ReturnType<typeof describeError>, 'BROKER_UNAVAILABLE');
}
