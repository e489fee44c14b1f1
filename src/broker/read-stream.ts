import { AckPolicy, type ConsumerMessages, DeliverPolicy, type JsMsg } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { background } from '../error/background.ts';
import { EngineError } from '../error/engine-error.ts';
import { tolerate } from '../error/foreseen.ts';
import { orAbort } from '../time/or-abort.ts';
import { pause } from '../time/pause.ts';
import { isAway } from './away.ts';
import type { Broker } from './broker.ts';

/** Where to begin, and what to read. */
export interface Begin {
  /** The first sequence, or the time from which on. */
  readonly from: number | Date;
  /** Only messages of this subject. */
  readonly subject?: string | undefined;
  readonly headersOnly?: boolean;
}

export interface ReadRange extends Begin {
  /** The last sequence to read; later messages are not waited for. */
  readonly until: number;
  /** Ends reading, which throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

type Reads = Pick<Broker, 'jetstream' | 'manager'>;

/** Milliseconds without a message after which reading resumes with a new consumer. */
const SILENCE = 1_500;
/** Milliseconds without a message after which it fails. */
const PATIENCE = 30_000;
const PAUSE = 200;
/** Milliseconds between an idle server's heartbeats. */
const BEAT = 1_000;
/** Milliseconds without a heartbeat after which the server is considered gone. */
const DEAF = 3 * BEAT + 500;
/** Milliseconds that the server may take to make a reader's consumer. */
const MAKING = 5_000;
/** Milliseconds that a reader's consumer outlives it if it could not be removed. */
const LEFT = 30_000;

/**
 * Reads the content of a stream, in order, and ends at the last message or with an error that may
 * be retried. The client's own iteration does neither if the server dies meanwhile: its consumer is
 * gone, and it waits for ever. So silence is detected here, and reading resumes after the last
 * message received.
 */
export async function* readStream(
  broker: Reads,
  stream: string,
  { until, signal, ...begin }: ReadRange,
): AsyncGenerator<JsMsg> {
  let next = begin.from;
  let moved = performance.now();
  for (;;) {
    const part = delivered(broker, stream, { ...begin, from: next }, { silence: SILENCE, signal });
    for await (const message of part) {
      if (message === 'empty' || message.seq > until) return;
      next = message.seq + 1;
      yield message;
      moved = performance.now();
      if (message.seq >= until || message.info.pending === 0) return;
    }
    signal?.throwIfAborted();
    if (performance.now() - moved > PATIENCE) throw silent(stream);
    await pause(PAUSE, signal);
    signal?.throwIfAborted();
  }
}

/**
 * Yields the content of a stream and what it receives, in order, until the signal aborts. Throws an
 * error that may be retried as soon as the server is silent, gone or has forgotten the consumer:
 * afterwards the content of the stream may differ, so the follower has to start over.
 */
export async function* followStream(
  broker: Reads,
  stream: string,
  { signal, ...begin }: Begin & { readonly signal: AbortSignal },
): AsyncGenerator<JsMsg> {
  const all = delivered(broker, stream, begin, { silence: DEAF, signal, endless: true });
  for await (const message of all) if (message !== 'empty') yield message;
  if (!signal.aborted) throw silent(stream);
}

const silent = (stream: string): EngineError =>
  new EngineError('BROKER_UNAVAILABLE', `NATS does not return the content of ${stream}`, {
    retryable: true,
  });

interface Listening {
  /** Milliseconds without a message (or a heartbeat, if endless) after which it ends. */
  readonly silence: number;
  readonly signal?: AbortSignal | undefined;
  /** Wait for later messages. */
  readonly endless?: boolean;
}

/**
 * What a new consumer delivers, without a gap, until the server is silent or unreachable, or the
 * signal aborts. Returns `empty` if there is nothing to read.
 */
async function* delivered(
  { jetstream, manager }: Reads,
  stream: string,
  begin: Begin,
  { signal = new AbortController().signal, ...how }: Listening,
): AsyncGenerator<JsMsg | 'empty'> {
  let name: string | undefined;
  try {
    const making = AbortSignal.any([signal, AbortSignal.timeout(MAKING)]);
    const info = await orAbort(manager.consumers.add(stream, consumerFrom(begin)), making);
    ({ name } = info);
    if (how.endless !== true && info.num_pending === 0) yield 'empty';
    const consumer = jetstream.consumers.getConsumerFromInfo(info);
    yield* heard(await consumer.consume({ max_messages: 200, idle_heartbeat: BEAT, bind: true }), {
      ...how,
      signal,
    });
  } catch (error) {
    if (!signal.aborted && !isLate(error)) tolerate(error, isAway, `reading ${stream}`);
  } finally {
    if (name !== undefined) {
      background(manager.consumers.delete(stream, name), `ending the reading of ${stream}`, isAway);
    }
  }
}

/** The messages until none arrives for too long, one is missing, or the signal aborts. */
async function* heard(
  messages: ConsumerMessages,
  { silence, signal, endless = false }: Listening & { readonly signal: AbortSignal },
): AsyncGenerator<JsMsg> {
  let busy = false;
  const stop = (): void => messages.stop();
  // time the caller spends on a message does not count as silence of the server
  const deaf = setTimeout(() => (busy ? deaf.refresh() : stop()), silence);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  if (endless)
    background(
      eachBeat(messages, () => deaf.refresh()),
      'receiving an idle heartbeat',
    );
  try {
    let delivery = 0;
    for await (const message of messages) {
      delivery += 1;
      // a message was lost with a connection: the one after it must not be used in its place
      if (message.info.deliverySequence !== delivery || signal.aborted) return;
      busy = true;
      yield message;
      busy = false;
      deaf.refresh();
    }
  } finally {
    clearTimeout(deaf);
    signal.removeEventListener('abort', stop);
    stop();
  }
}

const isLate = (error: unknown): boolean =>
  error instanceof DOMException && error.name === 'TimeoutError';

async function eachBeat(messages: ConsumerMessages, beat: () => void): Promise<void> {
  for await (const { type } of messages.status()) if (type === 'heartbeat') beat();
}

const consumerFrom = ({ from, subject, headersOnly = false }: Begin) => ({
  ...(typeof from === 'number'
    ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: Math.max(1, from) }
    : { deliver_policy: DeliverPolicy.StartTime, opt_start_time: from.toISOString() }),
  ack_policy: AckPolicy.None,
  headers_only: headersOnly,
  inactive_threshold: nanos(LEFT),
  mem_storage: true,
  num_replicas: 1,
  ...(subject === undefined ? {} : { filter_subject: subject }),
});
