import {
  background,
  EngineError,
  isTold,
  NotConnectedError,
  toldElsewhere,
  wait,
} from 'waybill/adapter';
import { Intake, type Kept, UnderWay, unlessAborted } from 'waybill/peer';
import { beginnings, offsetAt, rememberTopics } from './begin.ts';
import type { AnswerTo } from './broker.ts';
import { KafkaCluster, SOON, type TopicFacts } from './cluster.ts';
import { CODE, isMoved } from './failure.ts';
import type { KafkaInLent } from './kafka-in.ts';
import { messageOf } from './kafka-message.ts';
import { groupOf, keyOf, Membership, type Share } from './membership.ts';
import { Partition } from './partition.ts';
import { type KafkaRecord, recordsOf } from './records.ts';

/** Milliseconds for which a broker may wait for messages, and while another of its partitions waits for room. */
const LONG_POLL = 500;
const SHORT_POLL = 20;
const MOST_BYTES = 8 * 1024 * 1024;
const MOST_OF_A_PARTITION = 1024 * 1024;
const READ_COMMITTED = 1;
/** How many positions may be on their way to the brokers; what is stored meanwhile goes with the next one. */
const MOST_WRITTEN = 16;
/** How often the leaders are looked at, and how soon where one is missing. */
const LOOK_AGAIN = 30_000;
const LOOK_SOON = 500;
/** The leader of a partition that none leads. */
const NOBODY = -1;
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
  #topics: readonly TopicFacts[];
  #partitions: readonly Partition[] = [];
  #working: Promise<void> = Promise.resolve();
  readonly #writes = new UnderWay();
  #written = 0;
  /** Resolves once a position cannot be written as others have the partitions now. */
  #isTaken = Promise.withResolvers<void>();
  /** Whether a partition is not read, so that its leader is to be looked for. */
  #isUnsettled = false;
  /** The brokers that are away, to be told of once. */
  readonly #away = new Set<number>();

  private constructor(
    lent: KafkaInLent,
    cluster: KafkaCluster,
    joined: { readonly membership: Membership; readonly topics: readonly TopicFacts[] },
  ) {
    this.#lent = lent;
    this.#cluster = cluster;
    this.#membership = joined.membership;
    this.#topics = joined.topics;
    this.#intake = new Intake(lent, 1);
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
        },
        signal,
      );
      const reader = new KafkaReader(lent, cluster, { membership, topics });
      const shares = await membership.join(signal);
      await reader.#assign(shares, signal);
      reader.#intake.opened(reader.#state());
      reader.#working = reader.#work();
      background(reader.#working, 'taking messages of Kafka', isTold);
      return reader;
    } catch (error) {
      cluster.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#intake.stop();
    try {
      if (!this.#lent.signal.aborted) await this.#finish();
    } finally {
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
    await this.#commit(AbortSignal.any([limit, AbortSignal.timeout(LEAVE)])).catch(toldElsewhere);
    await this.#membership.leave(LEAVE, limit).catch(toldElsewhere);
  }

  async #stored(): Promise<void> {
    await Promise.all(this.#partitions.map((partition) => partition.stored()));
  }

  #state(): string {
    const { topics } = this.#lent.settings;
    const which = topics.length === 1 ? topics[0] : `${topics.length} topics`;
    const all = this.#topics.reduce((sum, { partitions }) => sum + partitions.length, 0);
    return `Kafka, ${this.#cluster.account.who}, ${which}: ${this.#partitions.length} of ${all} partitions in the group ${groupOf(this.#lent)}`;
  }

  /** Works until the connection is lost or the service stops. */
  async #work(): Promise<void> {
    const over = this.#intake.signal;
    try {
      for (;;) {
        await this.#round(over);
        if (over.aborted) return;
        this.#lent.connection('waiting', 'the group shares its partitions out anew');
        const shares = await this.#membership.join(over);
        this.#partitions = [];
        await this.#look(over);
        await this.#assign(shares, over);
        this.#lent.connection('connected', this.#state());
      }
    } catch (error) {
      if (over.aborted) return;
      // opened again in any case; what nobody foresaw is reported, too
      this.#intake.lose(error as Error);
      if (!(error instanceof EngineError)) throw error;
    }
  }

  /** Our partitions from now on; where they stand is written at once, as nobody else knows it. */
  async #assign(shares: readonly Share[], signal: AbortSignal): Promise<void> {
    const { parallel, topics } = this.#lent.settings;
    const positions = await this.#membership.positions(this.#topics, signal);
    const known = { cluster: this.#cluster, topics: this.#topics, positions };
    const all = await beginnings(this.#lent, shares, known, signal);
    this.#partitions = all.map(
      (one) =>
        new Partition(one, one, {
          parallel,
          signal: this.#intake.signal,
          keep: (record, from, stop) => this.#keep(record, from, stop),
          moved: () => this.#write(),
        }),
    );
    await this.#commit(signal);
    if (all.length > 0) await rememberTopics(this.#lent, topics);
  }

  /** Takes messages until the group begins another round. */
  async #round(over: AbortSignal): Promise<void> {
    const ending = new AbortController();
    const signal = AbortSignal.any([over, ending.signal]);
    this.#isTaken = Promise.withResolvers<void>();
    this.#isTaken.promise.catch(toldElsewhere);
    const parts = [this.#beating(signal), this.#reading(signal)];
    try {
      await Promise.race([...parts, this.#isTaken.promise]);
    } finally {
      ending.abort(new Error('another round'));
      for (const part of parts) part.catch(toldElsewhere);
      await Promise.allSettled(parts);
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
    await this.#commit(over);
    this.#partitions = [];
  }

  async #beating(signal: AbortSignal): Promise<void> {
    const pace = this.#lent.settings.session / 3;
    for (;;) {
      await wait(pace, { signal });
      if ((await this.#membership.beat(signal)) === 'again') return;
    }
  }

  /** Writes where we stand after each message: a killed engine repeats only the last one. */
  #write(): void {
    const hasMoved = this.#partitions.some(({ position, written }) => position !== written);
    // with nothing to write it would end at once, and be called again for as long as the others are under way
    if (!hasMoved || this.#written >= MOST_WRITTEN || this.#intake.isOver) return;
    this.#written += 1;
    const { resolve, reject } = this.#isTaken;
    const writing = this.#commit(this.#intake.signal, 'moved').finally(() => {
      const isBehind = this.#written === MOST_WRITTEN;
      this.#written -= 1;
      if (isBehind) this.#write();
    });
    this.#writes.run(writing).then((result) => result === 'again' && resolve(), reject);
  }

  async #commit(signal: AbortSignal, what: 'all' | 'moved' = 'all'): Promise<'on' | 'again'> {
    const due = this.#partitions.filter(
      ({ position, committed, written }) => position !== (what === 'all' ? committed : written),
    );
    if (due.length === 0) return 'on';
    const positions = due.map(({ topic, partition, position, topicId }) => ({
      topic,
      partition,
      offset: position,
      topicId,
    }));
    for (const partition of due) partition.written = partition.position;
    const result = await this.#membership.commit(positions, signal);
    if (result === 'again') return 'again';
    for (const [index, partition] of due.entries()) {
      partition.committed = positions[index]?.offset ?? partition.committed;
    }
    return 'on';
  }

  /** Reads from the leaders of our partitions; ends if there are more partitions to share out. */
  async #reading(round: AbortSignal): Promise<void> {
    const shared = this.#topics.map(({ partitions }) => partitions.length);
    for (;;) {
      const turn = new AbortController();
      const signal = AbortSignal.any([round, turn.signal]);
      const byLeader = Map.groupBy(this.#partitions, (one) => this.#leaderOf(one));
      byLeader.delete(NOBODY);
      const loops = [...byLeader].map(([node, ones]) => this.#fetching(node, ones, signal));
      try {
        await Promise.race([...loops, this.#untilOtherLeaders(signal)]);
      } finally {
        turn.abort(new Error('other leaders'));
        for (const loop of loops) loop.catch(toldElsewhere);
        await Promise.allSettled(loops);
      }
      const isMore = this.#topics.some(
        ({ partitions }, index) => partitions.length > (shared[index] ?? 0),
      );
      if (isMore && this.#membership.isLeader) return;
    }
  }

  #leaderOf({ topic, partition }: Share): number {
    const found = this.#topics.find(({ name }) => name === topic);
    return found?.partitions[partition]?.leader ?? -1;
  }

  /** Looks now and then, and soon while a partition is not read. */
  async #untilOtherLeaders(signal: AbortSignal): Promise<void> {
    const before = this.#leaders();
    while (this.#leaders() === before) {
      for (let waited = 0; waited < LOOK_AGAIN; waited += LOOK_SOON) {
        await wait(LOOK_SOON, { signal });
        if (this.#isUnsettled || /(?:^|[ /])-1/.test(before)) break;
      }
      this.#isUnsettled = false;
      await this.#look(signal);
    }
  }

  /** What the topics look like now. NotConnectedError if one was made anew: its positions are of the earlier one. */
  async #look(signal: AbortSignal): Promise<void> {
    this.#topics = await this.#cluster.topics(this.#lent.settings.topics, signal);
    for (const { name, id } of this.#topics) {
      if (id === '' || !this.#partitions.some((one) => isOther(one, name, id))) continue;
      throw new NotConnectedError(
        `The topic ${name} of ${this.#cluster.place} was deleted and made anew. It is opened again, and read from its beginning.`,
      );
    }
  }

  #leaders(): string {
    return this.#topics
      .map(({ partitions }) => partitions.map(({ leader }) => leader).join(' '))
      .join('/');
  }

  /** Reads from one leader, until the signal aborts: the others do not wait for one that is away. */
  async #fetching(node: number, ones: readonly Partition[], signal: AbortSignal): Promise<never> {
    for (;;) {
      try {
        await this.#fetchedFrom(node, ones, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof NotConnectedError)) throw error;
        this.#tellAway(node, error);
      }
      this.#isUnsettled = true;
      await wait(LOOK_SOON, { signal });
    }
  }

  /** Resolves once others may lead a partition. */
  async #fetchedFrom(node: number, ones: readonly Partition[], signal: AbortSignal): Promise<void> {
    const broker = await this.#cluster.broker(node, signal, 'fetch');
    this.#back(node);
    for (;;) {
      const asked = ones.filter(({ hasRoom }) => hasRoom);
      if (broker.throttled > 0 || asked.length === 0) {
        await wait(Math.max(SHORT_POLL, broker.throttled), { signal });
        continue;
      }
      const poll = asked.length < ones.length ? SHORT_POLL : LONG_POLL;
      const answer = await broker.ask('fetch', this.#question(asked, poll), {
        signal,
        time: poll + SOON,
      });
      if (!(await this.#taken(answer, asked, signal))) return;
    }
  }

  #question(asked: readonly Partition[], poll: number) {
    const topics = [...Map.groupBy(asked, ({ topic }) => topic)].map(([topicId, ones]) => ({
      topicId,
      partitions: ones.map(({ partition, next }) => ({
        partition,
        currentLeaderEpoch: -1,
        fetchOffset: next,
        lastFetchedEpoch: -1,
        partitionMaxBytes: MOST_OF_A_PARTITION,
      })),
    }));
    return [poll, 1, MOST_BYTES, READ_COMMITTED, 0, -1, topics, [], ''] as [
      number,
      number,
      number,
      number,
      number,
      number,
      typeof topics,
      [],
      string,
    ];
  }

  /** False if others lead a partition now. */
  async #taken(
    { responses, errorCode }: AnswerTo<'fetch'>,
    asked: readonly Partition[],
    signal: AbortSignal,
  ): Promise<boolean> {
    if (errorCode !== 0) throw this.#unread(errorCode);
    let isOn = true;
    for (const { topicId: topic, partitions } of responses) {
      for (const fetched of partitions) {
        const one = asked.find(
          (each) => each.topic === topic && each.partition === fetched.partitionIndex,
        );
        if (one === undefined) continue;
        const { errorCode: code } = fetched;
        if (code === 0) one.take(recordsOf(fetched, one.next, this.#cluster.library));
        else if (isMoved(code)) isOn = false;
        else if (code === CODE.OFFSET_OUT_OF_RANGE) await this.#outOfRange(one, signal);
        else throw this.#unread(code, topic);
      }
    }
    return isOn;
  }

  #unread(code: number, topic?: string): Error {
    return topic === undefined
      ? new NotConnectedError(
          `${this.#cluster.place} gives error ${code} for messages. Look at the log of the brokers.`,
        )
      : this.#cluster.noTopic(topic, code);
  }

  /** The position is not there: older messages were deleted before they were taken, or the partition is shorter than it was. */
  async #outOfRange(one: Partition, signal: AbortSignal): Promise<void> {
    await this.#look(signal);
    const topic = this.#topics.find(({ name }) => name === one.topic);
    if (topic === undefined) throw this.#cluster.noTopic(one.topic, CODE.UNKNOWN_TOPIC);
    const first = await offsetAt(this.#cluster, one, { topic, which: 'earliest' }, signal);
    const what = `${this.#cluster.place}: partition ${one.partition} of the topic ${one.topic}`;
    if (one.next < first) {
      this.#lent.event(
        'error',
        'message-lost',
        `${what} has deleted ${first - one.next} messages before they were taken, the offsets ${one.next} to ${first - 1n}: they were kept no longer, as retention.ms and retention.bytes say. It goes on with the oldest that is there; have the missing ones sent again.`,
      );
      one.goOnAt(first);
      return;
    }
    const { start } = this.#lent.settings;
    const offset = await offsetAt(this.#cluster, one, { topic, which: start }, signal);
    if (one.next === offset) return;
    this.#lent.event(
      'error',
      'position-gone',
      `${what} is shorter than it was: we stood at ${one.next}, and it ends before. It was made anew, or a broker has lost messages. It goes on at ${offset} (start: ${start}); look for missing or repeated messages.`,
    );
    one.goOnAt(offset);
  }

  async #keep(record: KafkaRecord, from: Partition, stop: AbortSignal): Promise<boolean> {
    const { settings, deliver, event } = this.#lent;
    if (record.value === null && settings.tombstones === 'skip') return true;
    const place = this.#cluster.place;
    const { topic, partition, topicId } = from;
    const what = `${place}: the message ${record.offset} of ${keyOf(from)}`;
    const store = async (): Promise<void> => {
      const taken = { topic, partition, topicId, place };
      try {
        await deliver(messageOf(record, taken, settings));
      } catch (error) {
        const isFinal = error instanceof EngineError && !error.retryable;
        if (!isFinal || settings.refused === 'hold') throw error;
        event(
          'error',
          'message-refused',
          `${what} is refused for good (${error.code}) and was passed over.`,
        );
      }
    };
    return await this.#intake.keep(store, { what, signal: stop });
  }

  /** A leader that is away is told of, and the others go on. Thrown if none is left. */
  #tellAway(node: number, error: NotConnectedError): void {
    this.#away.add(node);
    const leaders = new Set(this.#partitions.map((one) => this.#leaderOf(one)));
    if ([...leaders].every((leader) => this.#away.has(leader))) throw error;
    this.#lent.connection('waiting', error.message);
    if (this.#intake.isNews('away')) this.#lent.event('warn', 'broker-away', error.message);
  }

  #back(node: number): void {
    if (!this.#away.delete(node) || this.#away.size > 0) return;
    this.#lent.connection('connected', this.#state());
  }
}

const isOther = ({ topic, topicId }: Partition, name: string, id: string): boolean =>
  topic === name && topicId !== '' && topicId !== id;
