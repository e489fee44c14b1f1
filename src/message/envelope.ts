/** A message without its body. */
export interface Envelope {
  readonly id: number;
  /** The id of the first message of the session. */
  readonly sessionId: number;
  readonly parentId?: number | undefined;
  readonly source: string;
  readonly target: string;
  readonly type: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  /** When the session's first message was accepted: `received` in expressions. */
  readonly received: number;
  readonly size: number;
  readonly charset?: string | undefined;
  readonly name?: string | undefined;
  /** Of a message that a transform made with others from one: its number, from 1, and how many they are. */
  readonly part?: number | undefined;
  readonly parts?: number | undefined;
  readonly origin?: string | undefined;
  readonly priority?: number | undefined;
  /** Where the answer is published, if somebody waits for it. */
  readonly replyTo?: string | undefined;
  /** The message this one repeats by a person's or a replay's order. */
  readonly resendOf?: number | undefined;
  readonly traceparent?: string | undefined;
  /** Who sent the session's first message as a test. */
  readonly testBy?: string | undefined;
  /** Set when an earlier try may have reached the peer although its answer is not known. */
  readonly possibleDuplicate?: boolean | undefined;
}

/** How a field of the envelope is kept with a stored message. */
export interface EnvelopeField {
  /** The header of NATS that holds it. */
  readonly header: string;
  /** `text` may hold anything; a `name` is one of Waybill's own and is written as it is. */
  readonly kind: 'number' | 'name' | 'text';
  /** What to assume if it is missing; a field without this is optional. */
  readonly missing?: number | string;
}

/**
 * Every field that is stored with a message, and how. A new one is declared here and in `Envelope`; if the
 * trace shows it, also as a column (`src/trace`) and in the API's message (`src/api/contract/message.ts`).
 */
export const ENVELOPE_FIELDS: Readonly<
  Record<Exclude<keyof Envelope, 'possibleDuplicate'>, EnvelopeField>
> = {
  id: { header: 'Wb-Id', kind: 'number', missing: 0 },
  sessionId: { header: 'Wb-Session', kind: 'number', missing: 0 },
  source: { header: 'Wb-Source', kind: 'name', missing: '' },
  target: { header: 'Wb-Target', kind: 'name', missing: '' },
  type: { header: 'Wb-Type', kind: 'text', missing: 'application/octet-stream' },
  created: { header: 'Wb-Created', kind: 'number', missing: 0 },
  received: { header: 'Wb-Received', kind: 'number', missing: 0 },
  size: { header: 'Wb-Size', kind: 'number', missing: 0 },
  parentId: { header: 'Wb-Parent', kind: 'number' },
  charset: { header: 'Wb-Charset', kind: 'text' },
  name: { header: 'Wb-Name', kind: 'text' },
  part: { header: 'Wb-Part', kind: 'number' },
  parts: { header: 'Wb-Parts', kind: 'number' },
  origin: { header: 'Wb-Origin', kind: 'text' },
  priority: { header: 'Wb-Priority', kind: 'number' },
  replyTo: { header: 'Wb-Reply-To', kind: 'name' },
  resendOf: { header: 'Wb-Resend-Of', kind: 'number' },
  traceparent: { header: 'traceparent', kind: 'name' },
  testBy: { header: 'Wb-Test', kind: 'text' },
};
