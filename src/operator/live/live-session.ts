import { maskedText } from '../../access/rights/masked-text.ts';
import { isAway } from '../../broker/away.ts';
import type { Broker } from '../../broker/broker.ts';
import { followStream } from '../../broker/read-stream.ts';
import { isTold, tolerate, unless } from '../../error/foreseen.ts';
import { pause } from '../../time/pause.ts';
import type { EventStream } from './event-stream.ts';
import { joinedRecords, type LiveMessage, type LiveRecord, NOTHING_LIVE } from './live-record.ts';
import type { LiveStream } from './live-stream.ts';

export const TOPICS = ['messages', 'events', 'alerts', 'jobs', 'hosts'] as const;
export type Topic = (typeof TOPICS)[number];

export interface LiveRequest {
  readonly topics: ReadonlySet<Topic>;
  /** Only messages and events of these hosts, and only of visible ones. */
  readonly hosts: readonly string[] | undefined;
  readonly visible: readonly string[] | undefined;
  /** false masks what texts may quote. */
  readonly unmasked: boolean;
  readonly session: number | undefined;
  /** Says that hosts changed, without their states: those of thousands are megabytes. */
  readonly brief: boolean;
  /** `Last-Event-ID` of a reconnect. */
  readonly after: string | undefined;
  /** Reads the state of all hosts; called while `hosts` is followed. */
  readonly readHosts: () => Promise<unknown>;
  /** Whether the caller may still see this; checked repeatedly. */
  readonly isAllowed: () => Promise<boolean>;
}

/** Milliseconds between two frames: nobody can read faster than ten a second. */
const FRAME = 100;
const HOSTS_EVERY = 2_000;
/** The longest, in milliseconds, that somebody who was signed out, or may now see less, still gets events. */
const RIGHTS_EVERY = 3_000;
/** Milliseconds after which a connection is closed; it reconnects without a gap. */
const LONGEST = 15 * 60_000;

/**
 * Sends one console what happens, from where it left off. The id of each event is the sequence in the live
 * stream with the stream's epoch. If events are no longer available after a reconnect, it gets `reset`.
 */
export async function liveSession(
  broker: Broker,
  live: LiveStream,
  out: EventStream,
  request: LiveRequest,
): Promise<void> {
  const { first, last, epoch } = await live.position();
  const idOf = (sequence: number): string => `${sequence}.${epoch}`;
  const after = sequenceOf(request.after, epoch);
  const lostTrack =
    request.after !== undefined && (after === undefined || after > last || after + 1 < first);
  const from = lostTrack || after === undefined ? last : after;
  if (lostTrack) out.send('reset', { why: 'too far behind' }, idOf(from));
  else out.send('hello', { at: Date.now() }, idOf(from));

  const frames = framer(out, request, idOf);
  const over = new AbortController();
  const following = followLive(broker, from + 1, {
    take: (record, sequence) => frames.take(record, sequence),
    lost: () => out.end(),
    signal: AbortSignal.any([out.signal, over.signal]),
  });
  const timer = setTimeout(() => out.end(), LONGEST);
  const watching = endUnlessAllowed(out, request);
  try {
    if (request.topics.has('hosts')) await tellHosts(out, request);
    else await aborted(out.signal);
  } finally {
    clearTimeout(timer);
    frames.close();
    over.abort();
    await following;
    out.end();
    await watching;
  }
}

/** A permission that cannot be looked up counts as missing. */
const refused = (error: unknown): boolean =>
  tolerate(error, isTold, 'looking a right up again') ?? false;

async function endUnlessAllowed(out: EventStream, { isAllowed }: LiveRequest): Promise<void> {
  const { signal } = out;
  while (!signal.aborted) {
    await pause(RIGHTS_EVERY, signal, { ref: false });
    if (!signal.aborted && !(await isAllowed().catch(refused))) out.end();
  }
}

function sequenceOf(id: string | undefined, epoch: string): number | undefined {
  const [, sequence, of] = /^(\d{1,15})\.(\w{1,12})$/.exec(id ?? '') ?? [];
  return of === epoch ? Number(sequence) : undefined;
}

/** Collects what arrives between two frames. */
function framer(
  out: EventStream,
  request: LiveRequest,
  idOf: (sequence: number) => string,
): { take(record: LiveRecord, sequence: number): void; close(): void } {
  let gathered: LiveRecord | undefined;
  let at = 0;
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    timer = undefined;
    if (gathered === undefined) return;
    const record = gathered;
    gathered = undefined;
    sendFrames(out, record, idOf(at));
  };
  return {
    take(record, sequence) {
      at = sequence;
      gathered = joinedRecords(gathered ?? NOTHING_LIVE, filtered(record, request));
      timer ??= setTimeout(flush, FRAME);
    },
    close: () => clearTimeout(timer),
  };
}

/** The id is on the last event of a frame: if the connection breaks within a frame, that frame is repeated. */
function sendFrames(out: EventStream, record: LiveRecord, id: string): void {
  const { messages, more, events, alerts, jobs, missed } = record;
  const parts: [string, unknown][] = [];
  if (missed === true) parts.push(['reset', { why: 'something could not be reported' }]);
  if (messages.length > 0 || more > 0) parts.push(['messages', { items: messages, more }]);
  if (events.length > 0) parts.push(['events', { items: events }]);
  if (alerts.length > 0) parts.push(['alerts', { items: alerts }]);
  if (jobs.length > 0) parts.push(['jobs', { items: jobs }]);
  for (const [index, [event, data]] of parts.entries()) {
    out.send(event, data, index === parts.length - 1 ? id : undefined);
  }
}

function filtered(
  record: LiveRecord,
  { topics, hosts, visible, unmasked, session }: LiveRequest,
): LiveRecord {
  const isShown = (message: LiveMessage): boolean =>
    isAmong(hosts, message) &&
    isAmong(visible, message) &&
    (session === undefined || message.sessionId === session);
  const isOf = (host: string): boolean =>
    (hosts?.includes(host) ?? true) && (visible?.includes(host) ?? true);
  const all = hosts === undefined && visible === undefined && session === undefined;
  return {
    messages: topics.has('messages') ? record.messages.filter(isShown) : [],
    more: topics.has('messages') && all ? record.more : 0,
    events: topics.has('events')
      ? record.events
          .filter(({ host }) => isOf(host))
          .map((one) => (unmasked ? one : { ...one, text: maskedText(one.text, [one.host]) }))
      : [],
    alerts: topics.has('alerts')
      ? record.alerts.filter(
          ({ host }) => visible === undefined || (host !== undefined && isOf(host)),
        )
      : [],
    jobs: topics.has('jobs') ? record.jobs : [],
    missed: record.missed,
  };
}

function isAmong(names: readonly string[] | undefined, { source, target }: LiveMessage): boolean {
  return (
    names === undefined ||
    names.includes(target) ||
    (source !== undefined && names.includes(source))
  );
}

/** States are not events: they are sent whole, without an id, whenever they change. */
async function tellHosts(out: EventStream, { readHosts, brief }: LiveRequest): Promise<void> {
  let told = '';
  while (!out.signal.aborted) {
    const hosts = await readHosts().catch(unless(isTold, 'reading the hosts for live events'));
    const text = JSON.stringify(hosts);
    if (hosts !== undefined && text !== told) out.send('hosts', brief ? {} : { hosts });
    told = text;
    await pause(HOSTS_EVERY, out.signal, { ref: false });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  signal.addEventListener('abort', () => resolve(), { once: true });
  return promise;
}

/**
 * Yields every record of the live stream from a sequence on, in order, until the signal aborts. `lost` is
 * called if it ends by itself: the stream is in memory, and after a server's death sequences start over.
 */
async function followLive(
  broker: Broker,
  from: number,
  {
    take,
    lost,
    signal,
  }: {
    readonly take: (record: LiveRecord, sequence: number) => void;
    readonly lost: () => void;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { stream } = broker.names.live;
  try {
    for await (const message of followStream(broker, stream, { from, signal })) {
      take(message.json<LiveRecord>(), message.seq);
    }
  } catch (error) {
    tolerate(error, isAway, 'following the live stream');
    lost();
  }
}
