import { idAtTime } from '../src/message/id.ts';
import type { Envelope } from '../src/message/message.ts';
import type { Explanation } from '../src/message/record.ts';
import type { SearchFields } from '../src/trace/search-fields.ts';
import type { TraceInput } from '../src/trace/trace-input.ts';
import { type Any, adt, oru } from './trace-messages.ts';

export interface TrafficOptions {
  readonly messages: number;
  readonly days: number;
  readonly fields: SearchFields;
}

export interface TrafficBatch {
  readonly inputs: readonly TraceInput[];
  readonly messages: number;
}

const DAY = 86_400_000;
const TARGETS = [
  'ward',
  'pharmacy',
  'lab',
  'radiology',
  'billing',
  'archive',
  'kitchen',
  'registry',
];
const PATIENTS = 500_000;
/** An accepted message, processed by a router, and three deliveries. */
const LEGS = 4;

/**
 * A hospital's day, repeated: ADT and ORU of about 1.2 KB, half a million patients, each message
 * routed to three targets with a few changed fields, answered with AA, 4 in 1000 failing.
 */
export class TraceTraffic {
  readonly #random = seeded(7);
  readonly #fields: SearchFields;
  readonly #sessions: number;
  readonly #start: number;
  readonly #step: number;
  #sequence = 0;

  constructor({ messages, days, fields }: TrafficOptions) {
    this.#fields = fields;
    this.#sessions = Math.floor(messages / LEGS);
    this.#start = Date.now() - days * DAY;
    this.#step = (days * DAY) / this.#sessions;
  }

  /** All sessions from the first day until now. */
  *batches(size: number): Generator<TrafficBatch> {
    let inputs: TraceInput[] = [];
    let count = 0;
    for (let session = 0; session < this.#sessions; session++) {
      const at = Math.floor(this.#start + session * this.#step);
      inputs.push(...this.#inputs(this.#idOf(session), at, session));
      count += LEGS;
      if (inputs.length < size && session + 1 < this.#sessions) continue;
      yield { inputs, messages: count };
      inputs = [];
      count = 0;
    }
  }

  /** Sessions that begin now. */
  now(messages: number): TraceInput[] {
    const at = Date.now();
    return Array.from({ length: Math.ceil(messages / LEGS) }, (_, number) =>
      this.#inputs(idAtTime(at) + 256 + number, at, this.#sequence + number),
    ).flat();
  }

  anyTime(): number {
    return this.#start + this.#random() * this.#sessions * this.#step;
  }

  anyTarget(): string {
    return TARGETS[this.#any(TARGETS.length)] ?? 'ward';
  }

  anyMrn(): string {
    return `M${String(this.#any(PATIENTS)).padStart(6, '0')}`;
  }

  anySession(): number {
    return this.#idOf(this.#any(this.#sessions));
  }

  anyControlId(): string {
    return controlId(this.anySession());
  }

  readonly #any: Any = (count) => Math.floor(this.#random() * count);

  #idOf(session: number): number {
    return idAtTime(Math.floor(this.#start + session * this.#step)) + (session % 64);
  }

  #inputs(root: number, at: number, number: number): TraceInput[] {
    const admission = number % 20 < 11;
    const body = (admission ? adt : oru)(controlId(root), this.anyMrn(), this.#any);
    const type = admission ? 'HL7v2:ADT_A08:2.5.1' : 'HL7v2:ORU_R01:2.5.1';
    const bytes = Buffer.from(body);
    const message: Envelope = {
      id: root,
      sessionId: root,
      type,
      received: at,
      charset: 'utf-8',
      source: 'adt-in',
      target: 'router',
      created: at,
      size: bytes.byteLength,
      origin: '10.1.2.3:50412',
    };
    const record = {
      kind: 'leg',
      message,
      status: 'completed',
      started: at,
      done: at + 1,
      explain: explanation(number % 5),
    } as const;
    const arrival: TraceInput = {
      kind: 'entry',
      entry: { record, body: bytes },
      keys: this.#fields(bytes, message),
    };
    return [arrival, ...[1, 2, 3].flatMap((leg) => this.#delivery(message, leg, body))];
  }

  #delivery(message: Envelope, leg: number, body: string): TraceInput[] {
    const target = this.anyTarget();
    const bytes = Buffer.from(body.replace('WAYBILL|HUB', `${target.toUpperCase()}|${leg}`));
    const envelope: Envelope = {
      ...message,
      id: message.id + leg * 64,
      parentId: message.id,
      source: 'router',
      target,
      origin: undefined,
      created: message.created + 1,
      size: bytes.byteLength,
    };
    return [
      {
        kind: 'message',
        envelope,
        status: 'queued',
        body: bytes,
        queue: { stream: `WB_hub_Q_${target}`, sequence: ++this.#sequence },
        keys: this.#fields(bytes, envelope),
      },
      this.#outcome(envelope),
    ];
  }

  #outcome({ id, sessionId, target, created }: Envelope): TraceInput {
    const failed = this.#any(1_000) < 4;
    const code = failed ? 'AE' : 'AA';
    const text = `${target} answered AE: there is no such ward as W${this.#any(99)}`;
    const reply = `MSH|^~\\&|${target}|MAIN|HUB|MAIN|20261124120000||ACK|${id}|P|2.5.1\rMSA|${code}|${sessionId}\r`;
    const record = {
      kind: 'outcome',
      id,
      sessionId,
      host: target,
      status: failed ? 'error' : 'completed',
      started: created + 5,
      done: created + 20 + this.#any(200) + (this.#any(1_000) === 0 ? 5_000 : 0),
      attempts: 1,
      reply: { type: 'HL7v2:ACK:2.5.1', code },
      error: failed ? { code: 'ADAPTER_REJECTED', text, retryable: false } : undefined,
    } as const;
    return { kind: 'entry', entry: { record, body: Buffer.from(reply) } };
  }
}

function controlId(session: number): string {
  return `MSG${String(session).slice(-12)}`;
}

function explanation(rule: number): Explanation {
  return {
    rules: [0, 1, 2, 3, 4].map((number) => ({
      rule: `rule number ${number}`,
      result: number === rule ? 'fired' : number < rule ? 'no' : 'skipped',
      when: `type == "ADT_A0${number}" && field("PV1-2") == "I"`,
    })),
    sent: [{ to: 'ward', rule: `rule number ${rule}`, transform: 'adt-to-ward' }],
  };
}

/** The same numbers in every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
