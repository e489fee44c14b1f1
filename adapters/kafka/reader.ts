import { isUtf8 } from 'node:buffer';
import {
  background,
  EngineError,
  isTold,
  type NewMessage,
  toldElsewhere,
  wait,
} from 'waybill/adapter';
import { Intake, type Kept, UnderWay, unlessAborted } from 'waybill/peer/basics';
import { describedBody } from 'waybill/peer/http';
import {
  beginnings,
  readStandings,
  rememberTopics,
  standingsOf,
  writtenStandings,
} from './begin.ts';
import { KafkaCluster, type TopicFacts } from './cluster.ts';
import { Fetcher } from './fetcher.ts';
import type { KafkaInLent } from './kafka-in.ts';
import { groupOf, type Joined, keyOf, Membership, type Share } from './membership.ts';
import { type Held, Partition } from './partition.ts';
import type { KafkaRecord } from './records.ts';

/** What the records that wait may take in memory together, and those of one partition at most and at least. */
const MOST_HELD = 64 * 1024 * 1024;
const MOST_OF_A_PARTITION = 1024 * 1024;
const LEAST_OF_A_PARTITION = 16 * 1024;
/** Milliseconds before another round is joined, where others were quicker to begin one. */
const A_MOMENT = 300;
/** Milliseconds that members of a group have to finish what they have in hand. */
const HAND_OVER = 30_000;
/** How long leaving the group may take on closing. */
const LEAVE = 1_000;

/** Takes the messages of our partitions, round after round of the group. */
export class KafkaReader implements Kept {
  readonly #lent: KafkaInLent;
  readonly #cluster: KafkaCluster;
  readonly #membership: Membership;
  readonly #intake: Intake;
  readonly #fetcher: Fetcher;
  #partitions: readonly Partition[] = [];
  #working: Promise<void> = Promise.resolve();
  #heart: Heart | undefined;
  /** Those whose position is not written yet. */
  readonly #moved = new Set<Partition>();
  readonly #writes = new UnderWay();
  #isWriting = false;
  /** Resolves once a position cannot be written as others have the partitions now. */
  #isTaken = Promise.withResolvers<void>();

  private constructor(
    lent: KafkaInLent,
    cluster: KafkaCluster,
    joined: { readonly membership: Membership; readonly topics: readonly TopicFacts[] },
  ) {
    this.#lent = lent;
    this.#cluster = cluster;
    this.#membership = joined.membership;
    this.#intake = new Intake(lent, 1);
    this.#fetcher = new Fetcher(lent, {
      cluster,
      intake: this.#intake,
      topics: joined.topics,
      state: () => this.#state(),
    });
    this.#intake.watch(joined.membership.coordinator.ended);
    this.#isTaken.promise.catch(toldElsewhere);
  }

  get lost(): Promise<Error> {
    return this.#intake.lost;
  }

  /** Connects, joins the group, and takes messages from then on. Throws the errors of connecting. */
  static async open(lent: KafkaInLent, signal: AbortSignal): Promise<KafkaReader> {
    const { topics: names, session } = lent.settings;
    const cluster = await KafkaCluster.open(lent, signal);
    try {
      const topics = await cluster.topics(names, signal);
      const membership = await Membership.find(
        cluster,
        {
          settings: lent.settings,
          group: groupOf(lent),
          topics: names,
          session,
          handOver: HAND_OVER,
          word: (of, until) => wordOf(lent, topics, of, until),
        },
        signal,
      );
      const reader = new KafkaReader(lent, cluster, { membership, topics });
      await reader.#begin(signal);
      return reader;
    } catch (error) {
      cluster.close();
      throw error;
    }
  }

  async #begin(signal: AbortSignal): Promise<void> {
    try {
      const heart = await this.#join(signal);
      this.#intake.opened(this.#state());
      this.#working = this.#work(heart);
    } catch (error) {
      this.#heart?.stop();
      throw error;
    }
    background(this.#working, 'taking messages of Kafka', isTold);
  }

  async close(): Promise<void> {
    this.#intake.stop();
    try {
      if (!this.#lent.signal.aborted) await this.#finish();
    } finally {
      this.#heart?.stop();
      this.#membership.forsake();
      this.#cluster.close();
    }
    await this.#working.catch(toldElsewhere);
  }

  /** What is in hand is stored, its position written, and our place given to the others. */
  async #finish(): Promise<void> {
    const limit = this.#lent.signal;
    await unlessAborted(this.#stored(), limit).catch(toldElsewhere);
    if (limit.aborted || this.#membership.coordinator.isLost) return;
    // both are of use only while the broker answers; without them its messages come again
    await this.#writes.ended();
    const time = AbortSignal.any([limit, AbortSignal.timeout(LEAVE)]);
    await this.#commit(this.#partitions, time).catch(toldElsewhere);
    await this.#membership.leave(LEAVE, limit).catch(toldElsewhere);
  }

  async #stored(): Promise<void> {
    await Promise.all(this.#partitions.map((partition) => partition.stored()));
  }

  #state(): string {
    const { topics } = this.#lent.settings;
    const which = topics.length === 1 ? topics[0] : `${topics.length} topics`;
    const all = this.#fetcher.topics.reduce((sum, { partitions }) => sum + partitions.length, 0);
    return `Kafka, ${this.#cluster.account.who}, ${which}: ${this.#partitions.length} of ${all} partitions in the group ${groupOf(this.#lent)}`;
  }

  /** Works until the connection is lost or the service stops. */
  async #work(first: Heart): Promise<void> {
    const over = this.#intake.signal;
    try {
      for (let heart = first; ; ) {
        await this.#round(heart, over);
        if (over.aborted) return;
        this.#lent.connection('waiting', 'the group shares its partitions out anew');
        heart = await this.#join(over);
        this.#lent.connection('connected', this.#state());
      }
    } catch (error) {
      if (over.aborted) return;
      // opened again in any case; what nobody foresaw is reported, too
      this.#intake.lose(error as Error);
      if (!(error instanceof EngineError)) throw error;
    }
  }

  /** Takes part in a round of the group, and begins to take what it gives us. */
  async #join(signal: AbortSignal): Promise<Heart> {
    this.#heart?.stop();
    const joined = await this.#membership.join(signal);
    const heart = new Heart(this.#membership, this.#lent.settings.session);
    this.#heart = heart;
    this.#isTaken = Promise.withResolvers<void>();
    this.#isTaken.promise.catch(toldElsewhere);
    this.#partitions = [];
    await this.#fetcher.look(signal);
    await this.#assign(joined, signal);
    return heart;
  }

  /** Our partitions from now on; where they stand is written at once, as nobody else knows it. */
  async #assign({ shares, word }: Joined, signal: AbortSignal): Promise<void> {
    const { parallel, topics } = this.#lent.settings;
    const positions = await this.#membership.positions(this.#fetcher.topics, signal);
    const standings = readStandings(word);
    const known = { cluster: this.#cluster, topics: this.#fetcher.topics, positions, standings };
    const all = await beginnings(this.#lent, shares, known, signal);
    const held = heldBy(all.length);
    this.#moved.clear();
    this.#partitions = all.map(
      (one) =>
        new Partition(one, one, {
          parallel,
          held,
          signal: this.#intake.signal,
          store: (record, from) => this.#store(record, from),
          again: (error, unstored, stop) => this.#again(error, unstored, stop),
          moved: (which) => this.#hasMoved(which),
        }),
    );
    // what was not written does not count as read: a group that has read a topic begins it otherwise
    if ((await this.#commit(this.#partitions, signal)) === 'again') {
      await wait(A_MOMENT, { signal });
      this.#isTaken.resolve();
    } else if (all.length > 0) await rememberTopics(this.#lent, topics);
  }

  /** Takes messages until the group begins another round. */
  async #round({ again }: Heart, over: AbortSignal): Promise<void> {
    const ending = new AbortController();
    const signal = AbortSignal.any([over, ending.signal]);
    const { isLeader } = this.#membership;
    const reading = this.#fetcher.read(this.#partitions, { isLeader, signal });
    try {
      await Promise.race([this.#isTaken.promise, again, reading]);
    } finally {
      ending.abort(new Error('another round'));
      await Promise.allSettled([reading]);
    }
    if (over.aborted) return;
    await this.#handOver(over);
  }

  /** Others get our partitions: what is in hand is stored before, unless that takes too long. */
  async #handOver(over: AbortSignal): Promise<void> {
    const partitions = this.#partitions;
    for (const partition of partitions) partition.giveUp();
    await unlessAborted(
      this.#stored(),
      AbortSignal.any([over, AbortSignal.timeout(HAND_OVER / 2)]),
    ).catch(toldElsewhere);
    if (over.aborted) return;
    await this.#writes.ended();
    await this.#commit(partitions, over);
    // what is stored later is no longer ours to say
    for (const partition of partitions) partition.release();
    this.#moved.clear();
    this.#partitions = [];
  }

  #hasMoved(which: Partition): void {
    this.#moved.add(which);
    this.#fetcher.hasMoved(which);
    if (this.#isWriting || this.#intake.isOver) return;
    this.#isWriting = true;
    const { resolve, reject } = this.#isTaken;
    this.#writes.run(this.#write()).then((result) => result === 'again' && resolve(), reject);
  }

  /** Writes where we stand until it is written: what is stored while one is under way goes with the next one. */
  async #write(): Promise<'on' | 'again'> {
    try {
      while (this.#moved.size > 0 && !this.#intake.isOver) {
        const moved = [...this.#moved];
        this.#moved.clear();
        if ((await this.#commit(moved, this.#intake.signal)) === 'again') return 'again';
      }
      return 'on';
    } finally {
      this.#isWriting = false;
    }
  }

  async #commit(which: readonly Partition[], signal: AbortSignal): Promise<'on' | 'again'> {
    const due = which
      .filter(({ position, committed }) => position !== committed)
      .map((one) => ({ one, offset: one.position }));
    if (due.length === 0) return 'on';
    const positions = due.map(({ one: { topic, partition, topicId }, offset }) => ({
      topic,
      partition,
      offset,
      topicId,
    }));
    const result = await this.#membership.commit(positions, signal);
    if (result === 'on') for (const { one, offset } of due) one.committed = offset;
    return result;
  }

  #store(record: KafkaRecord, from: Partition): Promise<unknown> | undefined {
    const { settings, deliver } = this.#lent;
    if (record.value === null && settings.tombstones === 'skip') return undefined;
    return deliver(messageOf(record, from, this.#cluster.place, settings));
  }

  /** A record that could not be stored: held until it is, so that the order stays. */
  #again(
    error: unknown,
    { record, from }: { readonly record: KafkaRecord; readonly from: Partition },
    signal: AbortSignal,
  ): Promise<boolean> {
    const what = (): string =>
      `${this.#cluster.place}: the message ${record.offset} of ${keyOf(from)}`;
    let isTried = true;
    const store = async (): Promise<void> => {
      if (isTried) {
        isTried = false;
        throw error;
      }
      await this.#store(record, from);
    };
    const passedOver = (why: EngineError): boolean => this.#isPassedOver(why, what);
    return this.#intake.keep(store, { what, passedOver, signal });
  }

  #isPassedOver({ retryable, code }: EngineError, what: () => string): boolean {
    if (retryable || this.#lent.settings.refused === 'hold') return false;
    const text = `${what()} is refused for good (${code}) and was passed over.`;
    this.#lent.event('error', 'message-refused', text);
    return true;
  }
}

/** A broker gives a batch whole, however small what is asked for. */
const heldBy = (partitions: number): Held => ({
  bytes: 0,
  most: MOST_HELD,
  share: Math.max(
    LEAST_OF_A_PARTITION,
    Math.min(MOST_OF_A_PARTITION, Math.floor(MOST_HELD / Math.max(1, partitions))),
  ),
});

/** What we tell all members of a round that we lead. */
async function wordOf(
  lent: KafkaInLent,
  topics: readonly TopicFacts[],
  membership: Membership,
  signal: AbortSignal,
): Promise<string> {
  const positions = await membership.positions(topics, signal);
  return writtenStandings(await standingsOf(lent, topics, positions));
}

/**
 * Says to the group that we live, from the moment at which partitions became ours: also while we find out where they begin,
 * and while what is in hand is stored before others get them. A member that is silent for a session is thrown out, and can
 * no longer write where it stands.
 */
class Heart {
  readonly #again = Promise.withResolvers<void>();
  readonly #ending = new AbortController();
  /** Resolves once the group begins another round; rejects if its broker is lost. */
  readonly again = this.#again.promise;

  /** @param session milliseconds */
  constructor(membership: Membership, session: number) {
    this.again.catch(toldElsewhere);
    this.#beat(membership, session / 3).catch(this.#again.reject);
  }

  stop(): void {
    this.#ending.abort(new Error('not a member any more'));
  }

  async #beat(membership: Membership, pace: number): Promise<void> {
    const { signal } = this.#ending;
    while (membership.isMember) {
      await wait(pace, { signal });
      if ((await membership.beat(signal)) === 'again') this.#again.resolve();
    }
  }
}

/** Where a message was taken from. The id of the topic may be empty. */
type Taken = Pick<Partition, 'topic' | 'topicId' | 'partition'>;

interface Shown {
  readonly as: 'value' | 'record';
  readonly type: string | undefined;
}

const LONGEST_NAME = 250;
/** The last moment of a Date, in milliseconds. */
const LAST_TIME = 8.64e15;

/** What is delivered for a record. `place` is for people. */
function messageOf(
  record: KafkaRecord,
  { topic, partition, topicId }: Taken,
  place: string,
  { as, type }: Shown,
): NewMessage {
  const { key, headers } = record;
  const at = `${partition}/${record.offset}`;
  const isWhole = as === 'record';
  const body = isWhole
    ? Buffer.from(JSON.stringify(wholeOf(record, { topic, partition })))
    : (record.value ?? NOTHING);
  const described = isWhole
    ? JSON_TEXT
    : describedBody(body, headerOf(headers, 'content-type'), type);
  // each by its name: an object put together of others costs as much as the rest of this
  return {
    origin: `${place}/${topic}/${at}`,
    // a topic that was made anew counts from 0 again
    dedupeKey: `${topicId === '' ? topic : topicId}/${at}`,
    name: key !== null && isUtf8(key) ? key.toString().slice(0, LONGEST_NAME) : undefined,
    traceparent: tracedBy(headerOf(headers, 'traceparent')),
    body,
    type: described.type,
    charset: described.charset,
  };
}

const NOTHING = Buffer.alloc(0);
const JSON_TEXT = { type: 'application/json', charset: 'utf-8' } as const;

const headerOf = (headers: KafkaRecord['headers'], name: string): string | undefined =>
  headers.length === 0
    ? undefined
    : headers.findLast((one) => one[0].toLowerCase() === name)?.[1].toString();

const tracedBy = (header: string | undefined): string | undefined =>
  header !== undefined && /^00-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/.test(header)
    ? header
    : undefined;

/** A record as JSON: bytes that are no text are in base64, under a name that says so. */
function wholeOf(
  { offset, timestamp, key, value, headers }: KafkaRecord,
  { topic, partition }: Share,
): object {
  return {
    topic,
    partition,
    offset: Number(offset),
    // a sender may write any number
    timestamp: Math.abs(timestamp) <= LAST_TIME ? new Date(timestamp).toISOString() : null,
    ...named('key', key),
    headers: Object.fromEntries(headers.map(([name, content]) => [name, content.toString()])),
    ...named('value', value),
  };
}

const named = (name: string, bytes: Buffer | null): object =>
  bytes === null || isUtf8(bytes)
    ? { [name]: bytes === null ? null : bytes.toString() }
    : { [`${name}Base64`]: bytes.toString('base64') };
