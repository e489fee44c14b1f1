import { idAtTime } from '../src/message/id.ts';
import type { Envelope } from '../src/message/message.ts';
import type { SearchFields } from '../src/trace/search-fields.ts';
import type { TraceInput } from '../src/trace/trace-input.ts';

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
/** An accepted message, which a router takes, and three deliveries. */
const LEGS = 4;

/**
 * A hospital's day, over and over: ADT and ORU of about 1.2 KB, half a million patients, each message
 * routed to three targets with a few changed fields, answered by AA, 4 in 1000 failing.
 */
export function traceTraffic({ messages, days, fields }: TrafficOptions): {
  batches(size: number): Generator<TrafficBatch>;
  /** Sessions that begin now. */
  now(messages: number): TraceInput[];
  anyTime(): number;
  anyTarget(): string;
  anyMrn(): string;
  anySession(): number;
  anyControlId(): string;
} {
  const random = seeded(7);
  const any = (count: number): number => Math.floor(random() * count);
  const end = Date.now();
  const start = end - days * DAY;
  const sessions = Math.floor(messages / LEGS);
  const step = (end - start) / sessions;
  const idOf = (session: number): number =>
    idAtTime(Math.floor(start + session * step)) + (session % 64);
  let sequence = 0;

  const inputsOf = (root: number, at: number, number: number): TraceInput[] => {
    const mrn = mrnOf(any(PATIENTS));
    const control = `MSG${String(root).slice(-12)}`;
    const body = number % 20 < 11 ? adt(control, mrn, any) : oru(control, mrn, any);
    const type = number % 20 < 11 ? 'HL7v2:ADT_A08:2.5.1' : 'HL7v2:ORU_R01:2.5.1';
    const inputs: TraceInput[] = [];
    const bytes = Buffer.from(body);
    const common = { sessionId: root, type, received: at, charset: 'utf-8' };
    const message: Envelope = {
      ...common,
      id: root,
      source: 'adt-in',
      target: 'router',
      created: at,
      size: bytes.byteLength,
      origin: '10.1.2.3:50412',
    };
    inputs.push({
      kind: 'entry',
      entry: {
        record: {
          kind: 'leg',
          message,
          status: 'completed',
          started: at,
          done: at + 1,
          explain: explanation(number % 5),
        },
        body: bytes,
      },
      keys: fields(bytes, { type, charset: 'utf-8' }),
    });
    for (let leg = 1; leg < LEGS; leg++) {
      inputs.push(...delivery({ message, leg, at, body, failed: any(1_000) < 4 }));
    }
    return inputs;
  };

  const delivery = ({
    message,
    leg,
    at,
    body,
    failed,
  }: {
    message: Envelope;
    leg: number;
    at: number;
    body: string;
    failed: boolean;
  }): TraceInput[] => {
    const target = TARGETS[any(TARGETS.length)] ?? 'ward';
    const bytes = Buffer.from(body.replace('WAYBILL|HUB', `${target.toUpperCase()}|${leg}`));
    const id = message.id + leg * 64;
    const envelope: Envelope = {
      ...message,
      id,
      parentId: message.id,
      source: 'router',
      target,
      origin: undefined,
      created: at + 1,
      size: bytes.byteLength,
    };
    const done = at + 20 + any(200) + (any(1_000) === 0 ? 5_000 : 0);
    const reply = `MSH|^~\\&|${target}|MAIN|HUB|MAIN|20261124120000||ACK|${id}|P|2.5.1\rMSA|${failed ? 'AE' : 'AA'}|${message.id}\r`;
    return [
      {
        kind: 'message',
        envelope,
        status: 'queued',
        body: bytes,
        queue: { stream: `WB_hub_Q_${target}`, sequence: ++sequence },
        keys: fields(bytes, envelope),
      },
      {
        kind: 'entry',
        entry: {
          record: {
            kind: 'outcome',
            id,
            sessionId: message.sessionId,
            host: target,
            status: failed ? 'error' : 'completed',
            started: at + 5,
            done,
            attempts: 1,
            reply: { type: 'HL7v2:ACK:2.5.1', code: failed ? 'AE' : 'AA' },
            error: failed
              ? {
                  code: 'ADAPTER_REJECTED',
                  text: `${target} answered AE: there is no such ward as W${any(99)}`,
                  retryable: false,
                }
              : undefined,
          },
          body: Buffer.from(reply),
        },
      },
    ];
  };

  return {
    *batches(size) {
      let inputs: TraceInput[] = [];
      let count = 0;
      for (let session = 0; session < sessions; session++) {
        const at = Math.floor(start + session * step);
        inputs.push(...inputsOf(idOf(session), at, session));
        count += LEGS;
        if (inputs.length < size && session + 1 < sessions) continue;
        yield { inputs, messages: count };
        inputs = [];
        count = 0;
      }
    },
    now(count) {
      const at = Date.now();
      return Array.from({ length: Math.ceil(count / LEGS) }, (_, number) =>
        inputsOf(idAtTime(at) + 256 + number, at, sequence + number),
      ).flat();
    },
    anyTime: () => start + random() * (end - start),
    anyTarget: () => TARGETS[any(TARGETS.length)] ?? 'ward',
    anyMrn: () => mrnOf(any(PATIENTS)),
    anySession: () => idOf(any(sessions)),
    anyControlId: () => `MSG${String(idOf(any(sessions))).slice(-12)}`,
  };
}

function mrnOf(patient: number): string {
  return `M${String(patient).padStart(6, '0')}`;
}

function explanation(
  rule: number,
): NonNullable<
  Extract<TraceInput, { kind: 'entry' }>['entry']['record'] & { kind: 'leg' }
>['explain'] {
  return {
    rules: [0, 1, 2, 3, 4].map((number) => ({
      rule: `rule number ${number}`,
      result: number === rule ? 'fired' : number < rule ? 'no' : 'skipped',
      when: `type == "ADT_A0${number}" && field("PV1-2") == "I"`,
    })),
    sent: [{ to: 'ward', rule: `rule number ${rule}`, transform: 'adt-to-ward' }],
  };
}

type Any = (count: number) => number;

function head(control: string, mrn: string, event: string, any: Any): string[] {
  const name = `NAME${any(30_000)}^FIRST${any(2_000)}^Q`;
  return [
    `MSH|^~\\&|EPIC|MAIN CAMPUS|WAYBILL|HUB|20261124120000||${event}|${control}|P|2.5.1|||AL|NE|||UNICODE UTF-8`,
    `EVN|${event.slice(4, 7)}|20261124120000|||OPERATOR${any(300)}^SURNAME^GIVEN^^^^^^MAIN`,
    `PID|1||${mrn}^^^MAIN^MR~${any(1e9)}^^^SSA^SS||${name}||19${any(89) + 10}0101|F|||${any(9_999)} LONG STREET^APT ${any(99)}^SPRINGFIELD^OH^4${any(9_999)}^US||(555)555-${any(9_999)}|||M||A${any(1e8)}|||||||||||N`,
    `PV1|1|I|W${any(40)}^${any(400)}^1^MAIN||||${any(1e5)}^ATTENDING^ANNA^^^DR^MD|||MED||||1|||${any(1e5)}^ADMITTING^ADAM|IP|V${any(1e8)}|||||||||||||||||||||||||20261123080000`,
  ];
}

function adt(control: string, mrn: string, any: Any): string {
  const insurance = [1, 2].map(
    (number) =>
      `IN1|${number}|PLAN${any(200)}|${any(1e5)}|INSURANCE COMPANY ${any(99)}|1 INSURANCE PLAZA^^COLUMBUS^OH^43215||(800)555-${any(9_999)}|GROUP${any(1e4)}||||20200101||||SELF`,
  );
  return [...head(control, mrn, 'ADT^A08^ADT_A01', any), ...insurance, ''].join('\r');
}

function oru(control: string, mrn: string, any: Any): string {
  const results = Array.from(
    { length: 8 },
    (_, number) =>
      `OBX|${number + 1}|NM|${any(9_999)}-${number}^ANALYTE ${any(600)}^LN||${any(500)}.${any(10)}|mg/dL|10-200|N|||F|||20261124110000`,
  );
  return [
    ...head(control, mrn, 'ORU^R01^ORU_R01', any),
    `ORC|RE|O${any(1e8)}|F${any(1e8)}|||||||||${any(1e5)}^ORDERING^OLGA`,
    `OBR|1|O${any(1e8)}|F${any(1e8)}|80053^COMPREHENSIVE METABOLIC PANEL^CPT|||20261124100000`,
    ...results,
    '',
  ].join('\r');
}

/** Equal numbers in every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
