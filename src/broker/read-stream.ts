import { setTimeout as sleep } from 'node:timers/promises';
import { type ConsumerMessages, DeliverPolicy, type JsMsg } from '@nats-io/jetstream';
import { EngineError } from '../error/engine-error.ts';
import { tolerate } from '../error/foreseen.ts';
import { isAway } from './away.ts';
import type { Broker } from './broker.ts';

export interface Span {
  /** The first sequence, or the moment from which on. */
  readonly from: number | Date;
  /** The last sequence. What the stream gets meanwhile is not waited for. */
  readonly until: number;
  /** Only messages of this subject. */
  readonly subject?: string | undefined;
  readonly headersOnly?: boolean;
}

/** Milliseconds without a message after which the reading is begun again where it was. */
const SILENCE = 1_500;
/** Milliseconds without a message after which it fails. */
const PATIENCE = 30_000;
const PAUSE = 200;

/**
 * Reads what a stream holds, in order, and ends: at the last message, or with an error that may be retried.
 * The client's own iteration does neither where the server dies meanwhile: its consumer is gone, and it
 * waits for ever. So silence is noticed here, and the reading goes on after the last message that came.
 */
export async function* readStream(
  { jetstream }: Pick<Broker, 'jetstream'>,
  stream: string,
  span: Span,
): AsyncGenerator<JsMsg> {
  const { until } = span;
  let next = span.from;
  let moved = performance.now();
  for (;;) {
    for await (const message of onceRead(jetstream, stream, { ...span, from: next })) {
      if (message === 'end' || message.seq > until) return;
      moved = performance.now();
      next = message.seq + 1;
      yield message;
    }
    if (performance.now() - moved > PATIENCE) {
      throw new EngineError('BROKER_UNAVAILABLE', `NATS does not give what ${stream} holds`, {
        retryable: true,
      });
    }
    await sleep(PAUSE);
  }
}

/** What comes until the server falls silent or is away; `end` once it holds nothing more. */
async function* onceRead(
  jetstream: Broker['jetstream'],
  stream: string,
  { from, until, subject, headersOnly = false }: Span,
): AsyncGenerator<JsMsg | 'end'> {
  let messages: ConsumerMessages | undefined;
  const silence = setTimeout(() => messages?.stop(), SILENCE);
  try {
    const consumer = await jetstream.consumers.get(stream, {
      ...startingAt(from),
      headers_only: headersOnly,
      ...(subject === undefined ? {} : { filter_subjects: [subject] }),
    });
    if ((await consumer.info(true)).num_pending === 0) yield 'end';
    messages = await consumer.consume({ max_messages: 200 });
    silence.refresh();
    for await (const message of messages) {
      silence.refresh();
      yield message;
      if (message.seq >= until || message.info.pending === 0) yield 'end';
    }
  } catch (error) {
    tolerate(error, isAway, `reading ${stream}`);
  } finally {
    clearTimeout(silence);
    messages?.stop();
  }
}

const startingAt = (next: number | Date) =>
  typeof next === 'number'
    ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: next }
    : { deliver_policy: DeliverPolicy.StartTime, opt_start_time: next.toISOString() };
