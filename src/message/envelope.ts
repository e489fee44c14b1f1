/** What the adapter, transform or process knows about a message; the engine keeps it unchanged. */
export interface MessageFacts {
  /**
   * `HL7v2:ADT_A01:2.5.1` for HL7 (MSH-9.1 `_` MSH-9.2, MSH-12), `X12:837P:005010X222A1`,
   * `EDIFACT:MEDRPT:D.96A`, otherwise a media type such as `application/json`.
   */
  readonly type: string;
  /** IANA name of the text encoding, if known. */
  readonly charset?: string | undefined;
  /**
   * A label from the adapter: file name, mail subject. It may be patient data, so it goes to the
   * trace and never to a log.
   */
  readonly name?: string | undefined;
  /** Where it came from: peer address, URL, folder. Shown in the trace, never interpreted. */
  readonly origin?: string | undefined;
  /**
   * Who sent it, as a web service has proven: a JSON object with `name` and `claims`, for
   * `callerOf`. Shown masked in the trace, and never logged.
   */
  readonly caller?: string | undefined;
  /** Lower goes first if a queue is not in order. */
  readonly priority?: number | undefined;
  /** The sender's W3C trace context. */
  readonly traceparent?: string | undefined;
}

/** A message without its body. */
export interface Envelope extends MessageFacts {
  readonly id: number;
  /** The id of the first message of the session. */
  readonly sessionId: number;
  readonly parentId?: number | undefined;
  /** How many hosts have sent it on since it was accepted or a person sent it: see `sentOn`. */
  readonly hops?: number | undefined;
  readonly source: string;
  readonly target: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  /** When the session's first message was accepted: `received` in expressions. */
  readonly received: number;
  readonly size: number;
  /** If a transform made several messages from one: the number of this one, from 1, and how many there are. */
  readonly part?: number | undefined;
  readonly parts?: number | undefined;
  /**
   * The message with which the branch began that this one belongs to: a part of a split, or what was
   * made of several messages. Without it, it is about everything that the session is about.
   */
  readonly branch?: number | undefined;
  /** If several messages were made into one: how many are in this one, or in the one it was made from. */
  readonly joins?: number | undefined;
  /** Where the answer is published, if a sender waits for it. */
  readonly replyTo?: string | undefined;
  /** The message that this one repeats, on a person's order or in a replay. */
  readonly resendOf?: number | undefined;
  /** Who sent the session's first message as a test. */
  readonly testBy?: string | undefined;
  /** Set when an earlier try may have reached the peer, but its answer is not known. */
  readonly possibleDuplicate?: boolean | undefined;
}

/** What is hidden of a text from those who may not see patients: see `src/api/shown.ts`. */
export type Hiding = 'nothing' | 'letters' | 'values' | 'claims';

/** How a field of the envelope is stored with a message. */
export type EnvelopeField = {
  /** Its NATS header. */
  readonly header: string;
  /** What to assume if it is missing; a field without this is optional. */
  readonly missing?: number | string;
} & (
  | {
      /** A `name` is one of Waybill's own and is written unchanged. */
      readonly kind: 'number' | 'name';
      readonly hides?: never;
    }
  // it may contain anything
  | { readonly kind: 'text'; readonly hides: Hiding }
);

type StoredField = Exclude<keyof Envelope, 'possibleDuplicate'>;

/**
 * Every field that is stored with a message, and how. A new one is declared here and in `Envelope`,
 * or in `MessageFacts` if it is `given`; if the trace shows it, also as a column
 * (`src/trace/store/message-columns.ts`) and in the API's message (`src/api/contract/message.ts`).
 */
export const ENVELOPE_FIELDS: {
  readonly [Field in StoredField]: EnvelopeField &
    (Field extends keyof MessageFacts ? { readonly given: true } : { readonly given?: never });
} = {
  id: { header: 'Wb-Id', kind: 'number', missing: 0 },
  sessionId: { header: 'Wb-Session', kind: 'number', missing: 0 },
  source: { header: 'Wb-Source', kind: 'name', missing: '' },
  target: { header: 'Wb-Target', kind: 'name', missing: '' },
  type: {
    header: 'Wb-Type',
    kind: 'text',
    hides: 'nothing',
    missing: 'application/octet-stream',
    given: true,
  },
  created: { header: 'Wb-Created', kind: 'number', missing: 0 },
  received: { header: 'Wb-Received', kind: 'number', missing: 0 },
  size: { header: 'Wb-Size', kind: 'number', missing: 0 },
  parentId: { header: 'Wb-Parent', kind: 'number' },
  hops: { header: 'Wb-Hops', kind: 'number' },
  charset: { header: 'Wb-Charset', kind: 'text', hides: 'nothing', given: true },
  name: { header: 'Wb-Name', kind: 'text', hides: 'letters', given: true },
  part: { header: 'Wb-Part', kind: 'number' },
  parts: { header: 'Wb-Parts', kind: 'number' },
  branch: { header: 'Wb-Branch', kind: 'number' },
  joins: { header: 'Wb-Joins', kind: 'number' },
  origin: { header: 'Wb-Origin', kind: 'text', hides: 'values', given: true },
  caller: { header: 'Wb-Caller', kind: 'text', hides: 'claims', given: true },
  priority: { header: 'Wb-Priority', kind: 'number', given: true },
  replyTo: { header: 'Wb-Reply-To', kind: 'name' },
  resendOf: { header: 'Wb-Resend-Of', kind: 'number' },
  traceparent: { header: 'traceparent', kind: 'name', given: true },
  testBy: { header: 'Wb-Test', kind: 'text', hides: 'nothing' },
};

/** The message as a process, or an operation with an answer, sends it on. */
export const sentOn = (message: Envelope, source: string): Envelope => ({
  ...message,
  source,
  parentId: message.id,
  hops: (message.hops ?? 0) + 1,
});

/** Only the stored fields of an object that has more. */
export function envelopeOf(message: Envelope): Envelope {
  const fields = Object.keys(ENVELOPE_FIELDS) as StoredField[];
  // everything that the type requires is among them
  return Object.fromEntries(fields.map((field) => [field, message[field]])) as unknown as Envelope;
}
