import { idAtTime } from '../../src/message/id.ts';
import type { Envelope } from '../../src/message/message.ts';
import type { LegRecord, OutcomeRecord, RecordedError } from '../../src/message/record.ts';
import type { SearchKey, TraceInput } from '../../src/trace/trace-input.ts';

/** Noon of a day without any other events in these tests. */
export const NOON = Date.UTC(2026, 2, 10, 12);

export interface SampleSession {
  readonly root: number;
  /** The message in the queue of the target. */
  readonly derived: number;
  readonly arrival: TraceInput;
  readonly queued: TraceInput;
  readonly outcome: TraceInput;
  readonly all: readonly TraceInput[];
}

export interface SampleOptions {
  readonly at?: number;
  /** Keeps ids made at the same time apart. */
  readonly number?: number;
  readonly mrn?: string;
  readonly source?: string;
  readonly target?: string;
  readonly type?: string;
  readonly body?: string;
  readonly sent?: string;
  readonly bodyRef?: string;
  readonly outcome?: Partial<OutcomeRecord>;
  readonly envelope?: Partial<Envelope>;
}

export function hl7(control: string, mrn: string, name = 'DOE^JOHN'): string {
  return [
    `MSH|^~\\&|EPIC|MAIN|WAYBILL|HUB|20260310120000||ADT^A01^ADT_A01|${control}|P|2.5.1`,
    'EVN|A01|20260310120000',
    `PID|1||${mrn}^^^MAIN^MR||${name}||19700101|M|||1 STREET^^CITY`,
    'PV1|1|I|W1^101^1^MAIN||||1234^ATTENDING^ANNA||||||||||||V100',
    '',
  ].join('\r');
}

/** A message accepted by `adt-in`, routed inline by `router` to `ward`, sent there and answered with AA. */
export function sampleSession(options: SampleOptions = {}): SampleSession {
  const { at = NOON, number = 0, mrn = 'M1', source = 'adt-in', target = 'ward' } = options;
  const root = idAtTime(at) + number;
  const derived = idAtTime(at + 2) + number;
  const body = Buffer.from(options.body ?? hl7(`C${root}`, mrn));
  const sent = Buffer.from(options.sent ?? hl7(`C${root}`, mrn).replace('WAYBILL', 'WARD'));
  const type = options.type ?? 'HL7v2:ADT_A01:2.5.1';
  const common = { sessionId: root, type, received: at, charset: 'utf-8' };
  const keys: SearchKey[] = [
    { name: 'mrn', value: mrn },
    { name: 'control-id', value: `C${root}` },
  ];
  const leg: LegRecord = {
    kind: 'leg',
    message: {
      ...common,
      id: root,
      source,
      target: 'router',
      created: at,
      size: body.byteLength,
      origin: '10.0.0.7:4711',
    },
    status: 'completed',
    started: at,
    done: at + 2,
    explain: {
      rules: [{ rule: 'inpatient admissions', result: 'fired', when: 'type == "ADT_A01"' }],
      sent: [{ to: target, rule: 'inpatient admissions' }],
    },
  };
  const envelope: Envelope = {
    ...common,
    id: derived,
    parentId: root,
    source: 'router',
    target,
    created: at + 2,
    size: sent.byteLength,
    ...options.envelope,
  };
  const outcome: OutcomeRecord = {
    kind: 'outcome',
    id: derived,
    sessionId: root,
    host: target,
    status: 'completed',
    started: at + 5,
    done: at + 25,
    attempts: 1,
    reply: { type: 'HL7v2:ACK:2.5.1', code: 'AA' },
    ...options.outcome,
  };
  const arrival: TraceInput = { kind: 'entry', entry: { record: leg, body }, keys };
  const queued: TraceInput = {
    kind: 'message',
    envelope,
    status: 'queued',
    ...(options.bodyRef === undefined ? { body: sent } : { bodyRef: options.bodyRef }),
    queue: { stream: `WB_hub_Q_${target}`, sequence: number + 1 },
    keys,
  };
  const settled: TraceInput = {
    kind: 'entry',
    entry: { record: outcome, body: Buffer.from(`MSH|^~\\&|WARD\rMSA|AA|C${root}\r`) },
  };
  return { root, derived, arrival, queued, outcome: settled, all: [arrival, queued, settled] };
}

/** A retry of a session's queued message. */
export function sampleAttempt(
  session: SampleSession,
  attempt: number,
  at = NOON,
  error: Partial<RecordedError> = {},
): TraceInput {
  return {
    kind: 'entry',
    entry: {
      record: {
        kind: 'attempt',
        id: session.derived,
        sessionId: session.root,
        host: 'ward',
        attempt,
        at: at + attempt * 1_000,
        next: at + (attempt + 1) * 1_000,
        error: {
          code: 'ADAPTER_NOT_CONNECTED',
          text: 'ward refused the connection',
          retryable: true,
          ...error,
        },
      },
    },
  };
}
