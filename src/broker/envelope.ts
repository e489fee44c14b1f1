import { headers, type MsgHdrs } from '@nats-io/transport-node';
import { ENVELOPE_FIELDS, type Envelope, type EnvelopeField } from '../message/envelope.ts';

/** Reads and writes the envelope as NATS headers (architecture.md §4). */

/** What only a queue message has besides its envelope. */
export interface Carried {
  /** Key of the object store, for a body above the inline limit. */
  readonly bodyRef?: string | undefined;
  /** Set when this message is also the proof of acceptance, without a journal record. */
  readonly accepted?: boolean | undefined;
  /** How many bytes at the end of the payload are journal entries sent along: the legs that led to this message. */
  readonly attached?: number | undefined;
  /** Its process waited outside the queue, and was acknowledged there before it ended. */
  readonly woken?: boolean | undefined;
}

type StoredField = keyof typeof ENVELOPE_FIELDS;

const FIELDS = Object.entries(ENVELOPE_FIELDS) as readonly (readonly [
  StoredField,
  EnvelopeField,
])[];

export function envelopeHeaders(message: Envelope, carried: Carried = {}): MsgHdrs {
  const h = headers();
  for (const [field, { header, kind }] of FIELDS) {
    const value = message[field];
    // header values are sent in Latin-1 and must not contain line ends
    if (value !== undefined)
      h.append(header, kind === 'text' ? encodeURIComponent(value) : String(value));
  }
  const { bodyRef, attached, accepted, woken } = carried;
  if (bodyRef !== undefined) h.append('Wb-Body-Ref', bodyRef);
  if (attached !== undefined) h.append('Wb-Attached', String(attached));
  if (accepted === true) h.append('Wb-Accepted', '1');
  if (woken === true) h.append('Wb-Woken', '1');
  return h;
}

export function readEnvelope(h: MsgHdrs): Envelope & Carried {
  const envelope: Record<string, number | string | undefined> = {};
  for (const [field, { header, kind, missing }] of FIELDS) {
    const text = h.get(header);
    envelope[field] = text === '' ? missing : READERS[kind](text);
  }
  const attached = h.get('Wb-Attached');
  return {
    // the table has every field, and a default for missing required ones
    ...(envelope as unknown as Envelope),
    bodyRef: h.get('Wb-Body-Ref') || undefined,
    accepted: h.get('Wb-Accepted') === '1',
    woken: h.get('Wb-Woken') === '1',
    attached: attached === '' ? undefined : Number(attached),
  };
}

const READERS: Readonly<Record<EnvelopeField['kind'], (text: string) => number | string>> = {
  number: Number,
  name: (text) => text,
  text: decodeURIComponent,
};

/** The body of a queue message and the journal entries sent after it. */
export function splitPayload(
  payload: Uint8Array,
  attached: number | undefined,
): { readonly body: Uint8Array; readonly entries: Uint8Array | undefined } {
  if (attached === undefined) return { body: payload, entries: undefined };
  const end = payload.byteLength - attached;
  return { body: payload.subarray(0, end), entries: payload.subarray(end) };
}
