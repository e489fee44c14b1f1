import { MsgHdrsImpl } from '@nats-io/nats-core/internal';
import type { MsgHdrs } from '@nats-io/transport-node';
import { ENVELOPE_FIELDS, type Envelope, type EnvelopeField } from '../message/envelope.ts';
import { percentEncoded } from '../message/percent-encoded.ts';

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
  const written = new OwnHeaders();
  for (const [field, { header, kind }] of FIELDS) {
    const value = message[field];
    if (value !== undefined)
      written.add(header, kind === 'text' ? percentEncoded(String(value)) : oneLine(value));
  }
  const { bodyRef, attached, accepted, woken } = carried;
  if (bodyRef !== undefined) written.add('Wb-Body-Ref', bodyRef);
  if (attached !== undefined) written.add('Wb-Attached', String(attached));
  if (accepted === true) written.add('Wb-Accepted', '1');
  if (woken === true) written.add('Wb-Woken', '1');
  return written;
}

/** A trace context is the sender's, and an adapter of a production may give anything as a number. */
const oneLine = (value: string | number): string =>
  typeof value === 'number' ? String(value) : value.replaceAll(/[\r\n]+/g, ' ');

/** Reads the headers once, since each `get` of the client goes through all of them. */
export function readEnvelope(written: MsgHdrs): Envelope & Carried {
  const read = { ...EMPTY };
  for (const [header, values] of written) {
    const known = KNOWN.get(header);
    const text = values[0] ?? '';
    if (known !== undefined && text !== '') read[known.field] = known.read(text);
  }
  // the table has every field, and a default for missing required ones
  return read as unknown as Envelope & Carried;
}

type Read = Record<string, number | string | boolean | undefined>;

const EMPTY: Readonly<Read> = {
  ...Object.fromEntries(FIELDS.map(([field, { missing }]) => [field, missing])),
  bodyRef: undefined,
  accepted: false,
  woken: false,
  attached: undefined,
};

const READERS: Readonly<Record<EnvelopeField['kind'], (text: string) => number | string>> = {
  number: Number,
  name: (text) => text,
  text: decodeURIComponent,
};

/** The field of each header, and how its text is read. */
const KNOWN: ReadonlyMap<string, Known> = new Map<string, Known>([
  ...FIELDS.map(([field, { header, kind }]) => [header, { field, read: READERS[kind] }] as const),
  ['Wb-Body-Ref', { field: 'bodyRef', read: (text) => text }],
  ['Wb-Attached', { field: 'attached', read: Number }],
  ['Wb-Accepted', { field: 'accepted', read: (text) => text === '1' }],
  ['Wb-Woken', { field: 'woken', read: (text) => text === '1' }],
]);

interface Known {
  readonly field: string;
  readonly read: (text: string) => number | string | boolean;
}

/**
 * Headers whose names are ours and differ. The client's own `append` looks for its name among those before it, letter by
 * letter, which took 10 µs a message.
 */
class OwnHeaders extends MsgHdrsImpl {
  add(name: string, value: string): void {
    this.headers.set(name, [value]);
  }

  override set(name: string, value: string): void {
    this.add(name, OwnHeaders.validHeaderValue(value));
  }

  override encode(): Uint8Array {
    let text = 'NATS/1.0\r\n';
    for (const [name, values] of this.headers)
      for (const value of values) text += `${name}: ${value}\r\n`;
    return Buffer.from(`${text}\r\n`);
  }
}

/** The body of a queue message and the journal entries sent after it. */
export function splitPayload(
  payload: Uint8Array,
  attached: number | undefined,
): { readonly body: Uint8Array; readonly entries: Uint8Array | undefined } {
  if (attached === undefined) return { body: payload, entries: undefined };
  const end = payload.byteLength - attached;
  return { body: payload.subarray(0, end), entries: payload.subarray(end) };
}
