import type { Logger } from '../log/logger.ts';
import type { Envelope } from '../message/message.ts';
import type { LegRecord, OutcomeRecord } from '../message/record.ts';
import type { Status } from '../message/status.ts';
import { givenIds, spanIdOf, traceIdOf } from './span-id.ts';
import type { TraceInput } from './trace-input.ts';

export interface SpanExporterOptions {
  /** Base address of an OTLP/HTTP collector, such as `http://127.0.0.1:4318`. */
  readonly endpoint: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly production: string;
  readonly log: Logger;
}

export interface SpanExporter {
  /** Receives what the projector writes. Never fails and never waits. */
  take(inputs: readonly TraceInput[]): void;
  /** Sends the rest. */
  close(): Promise<void>;
}

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly {
    key: string;
    value: { stringValue: string } | { intValue: string };
  }[];
  readonly status: { readonly code: number; readonly message?: string };
}

/** The most messages whose outcome is awaited; beyond it the oldest are dropped. */
const PENDING = 50_000;
const BATCH = 512;
/** The most spans that wait for the collector. */
const WAITING = 10 * BATCH;
const EVERY = 1_000;
const INTERNAL = 1;
const PRODUCER = 4;
const ERROR = 2;

/**
 * One OpenTelemetry span per leg, made from the input of the trace, so that it costs the path of a
 * message nothing. It is written as OTLP/HTTP with JSON, since there are 13 official packages, and
 * it is easier to see in one file that no patient data gets into an attribute. What a collector
 * refuses, or is too slow for, is dropped.
 */
export function spanExporter(options: SpanExporterOptions): SpanExporter {
  const { production } = options;
  const pending = new Map<number, Envelope>();
  const sender = spanSender(options);

  const remember = (message: Envelope): void => {
    pending.set(message.id, message);
    if (pending.size <= PENDING) return;
    const [oldest] = pending.keys();
    if (oldest !== undefined) pending.delete(oldest);
  };

  const settled = ({ id, done, status, attempts, error }: OutcomeRecord): void => {
    const message = pending.get(id);
    if (message === undefined) return;
    pending.delete(id);
    const [start, code] = [message.created, error?.code];
    sender.add(spanOf(message, { production, start, end: done, status, attempts, error: code }));
  };

  const leg = ({ message, started: start, done: end, status, error }: LegRecord): void =>
    sender.add(
      spanOf(message, { production, start, end, status, attempts: 1, error: error?.code }),
    );

  return {
    take(inputs) {
      for (const input of inputs) {
        if (input.kind === 'message') remember(input.envelope);
        else if (input.entry.record.kind === 'outcome') settled(input.entry.record);
        else if (input.entry.record.kind === 'leg') leg(input.entry.record);
      }
    },
    close: () => sender.close(),
  };
}

/** Sends spans in batches, one batch at a time; what a slow collector leaves waiting has a limit. */
function spanSender(options: SpanExporterOptions): {
  add(span: Span): void;
  close(): Promise<void>;
} {
  let waiting: Span[] = [];
  let timer: NodeJS.Timeout | undefined;
  let sending: Promise<void> | undefined;
  let dropping = false;
  let closing = false;

  const dropped = (why: { readonly err: unknown } | { readonly waiting: number }): void => {
    if (!dropping) options.log.warn({ event: 'spans-dropped', ...why }, 'spans-dropped');
    dropping = true;
  };

  const sendAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      try {
        await post(options, waiting.splice(0, BATCH));
        dropping = false;
      } catch (error) {
        dropped({ err: error });
        // each further batch could take as long
        if (closing) waiting = [];
      }
    }
    sending = undefined;
  };

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.length > 0) sending ??= sendAll();
  };

  return {
    add(span) {
      if (waiting.length >= WAITING) return dropped({ waiting: WAITING });
      waiting.push(span);
      if (waiting.length >= BATCH) flush();
      else timer ??= setTimeout(flush, EVERY);
    },
    async close() {
      closing = true;
      flush();
      await sending;
    },
  };
}

interface LegFacts {
  readonly production: string;
  readonly start: number;
  readonly end: number;
  readonly status: Status;
  readonly attempts: number;
  readonly error: string | undefined;
}

const text = (key: string, value: string): Span['attributes'][number] => ({
  key,
  value: { stringValue: value },
});

function spanOf(message: Envelope, facts: LegFacts): Span {
  const { id, parentId, traceparent } = message;
  const failed = facts.status === 'error' || facts.status === 'suspended';
  return {
    traceId: traceIdOf(facts.production, message),
    spanId: spanIdOf(id),
    parentSpanId:
      parentId === undefined ? (givenIds(traceparent)?.spanId ?? '') : spanIdOf(parentId),
    name: `${message.source} → ${message.target}`,
    kind: facts.attempts > 0 ? PRODUCER : INTERNAL,
    startTimeUnixNano: nanoseconds(facts.start),
    endTimeUnixNano: nanoseconds(Math.max(facts.start, facts.end)),
    attributes: [
      text('messaging.system', 'nats'),
      text('messaging.destination.name', message.target),
      text('messaging.message.id', String(message.id)),
      text('waybill.production', facts.production),
      text('waybill.source', message.source),
      text('waybill.target', message.target),
      text('waybill.session', String(message.sessionId)),
      text('waybill.type', message.type),
      text('waybill.status', facts.status),
      { key: 'waybill.attempts', value: { intValue: String(facts.attempts) } },
    ],
    status: failed ? { code: ERROR, message: facts.error ?? facts.status } : { code: 0 },
  };
}

const nanoseconds = (time: number): string => `${Math.round(time)}000000`;

async function post(
  { endpoint, headers, production }: SpanExporterOptions,
  spans: readonly Span[],
): Promise<void> {
  const body = {
    resourceSpans: [
      {
        resource: {
          attributes: [{ key: 'service.name', value: { stringValue: `waybill/${production}` } }],
        },
        scopeSpans: [{ scope: { name: 'waybill' }, spans }],
      },
    ],
  };
  const response = await fetch(new URL('/v1/traces', endpoint), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`the collector answered ${response.status}`);
}
