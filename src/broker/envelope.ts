import { headers, type MsgHdrs } from '@nats-io/transport-node';
import type { Envelope } from '../message/message.ts';

/** Reads and writes the envelope as NATS headers (architecture.md §4). */

/** What only a queue message carries beside its envelope. */
export interface Carried {
  /** Key of the object store, for a body above the inline limit. */
  readonly bodyRef?: string | undefined;
  /** Set when this message is also the proof of acceptance: no journal record exists for it. */
  readonly accepted?: boolean | undefined;
  /** How many bytes at the end of the payload are journal entries that ride along: the legs that led to this message. */
  readonly attached?: number | undefined;
  /** Its process waited outside the queue, and was acknowledged there before it ended. */
  readonly woken?: boolean | undefined;
}

/** Header values are Latin-1 on the wire and must not hold line ends, so names are written percent-encoded. */
const encodeText = (text: string): string => encodeURIComponent(text);
const decodeText = (text: string): string => decodeURIComponent(text);

export function envelopeHeaders(message: Envelope, carried: Carried = {}): MsgHdrs {
  const h = headers();
  h.append('Wb-Id', String(message.id));
  h.append('Wb-Session', String(message.sessionId));
  h.append('Wb-Source', message.source);
  h.append('Wb-Target', message.target);
  h.append('Wb-Type', encodeText(message.type));
  h.append('Wb-Created', String(message.created));
  h.append('Wb-Received', String(message.received));
  h.append('Wb-Size', String(message.size));
  const put = (name: string, value: string | number | undefined): void => {
    if (value !== undefined) h.append(name, String(value));
  };
  const putText = (name: string, value: string | undefined): void => {
    if (value !== undefined) h.append(name, encodeText(value));
  };
  put('Wb-Parent', message.parentId);
  putText('Wb-Charset', message.charset);
  putText('Wb-Name', message.name);
  putText('Wb-Origin', message.origin);
  put('Wb-Priority', message.priority);
  put('Wb-Reply-To', message.replyTo);
  put('Wb-Resend-Of', message.resendOf);
  put('traceparent', message.traceparent);
  putText('Wb-Test', message.testBy);
  put('Wb-Body-Ref', carried.bodyRef);
  put('Wb-Attached', carried.attached);
  if (carried.accepted === true) h.append('Wb-Accepted', '1');
  if (carried.woken === true) h.append('Wb-Woken', '1');
  return h;
}

export function readEnvelope(h: MsgHdrs): Envelope & Carried {
  const text = (name: string): string | undefined => h.get(name) || undefined;
  const plain = (name: string): string | undefined => {
    const value = text(name);
    return value === undefined ? undefined : decodeText(value);
  };
  const number = (name: string): number | undefined => {
    const value = text(name);
    return value === undefined ? undefined : Number(value);
  };
  return {
    id: number('Wb-Id') ?? 0,
    sessionId: number('Wb-Session') ?? 0,
    parentId: number('Wb-Parent'),
    source: text('Wb-Source') ?? '',
    target: text('Wb-Target') ?? '',
    type: plain('Wb-Type') ?? 'application/octet-stream',
    created: number('Wb-Created') ?? 0,
    received: number('Wb-Received') ?? 0,
    size: number('Wb-Size') ?? 0,
    charset: plain('Wb-Charset'),
    name: plain('Wb-Name'),
    origin: plain('Wb-Origin'),
    priority: number('Wb-Priority'),
    replyTo: text('Wb-Reply-To'),
    resendOf: number('Wb-Resend-Of'),
    traceparent: text('traceparent'),
    testBy: plain('Wb-Test'),
    bodyRef: text('Wb-Body-Ref'),
    accepted: text('Wb-Accepted') === '1',
    woken: text('Wb-Woken') === '1',
    attached: number('Wb-Attached'),
  };
}

/** The body of a queue message and the journal entries that ride behind it. */
export function splitPayload(
  payload: Uint8Array,
  attached: number | undefined,
): { readonly body: Uint8Array; readonly entries: Uint8Array | undefined } {
  if (attached === undefined) return { body: payload, entries: undefined };
  const end = payload.byteLength - attached;
  return { body: payload.subarray(0, end), entries: payload.subarray(end) };
}
