import { NotConnectedError, toldElsewhere, wait } from 'waybill/adapter';
import { type Intake, unlessAborted } from 'waybill/peer/basics';
import { offsetAt } from './begin.ts';
import type { AnswerTo } from './broker.ts';
import { type KafkaCluster, SOON, type TopicFacts } from './cluster.ts';
import { CODE, isMoved } from './failure.ts';
import type { KafkaInLent } from './kafka-in.ts';
import type { Share } from './membership.ts';
import type { Partition } from './partition.ts';
import { recordsOf } from './records.ts';

/** Milliseconds for which a broker may wait for messages, and while another of its partitions waits for room. */
const LONG_POLL = 500;
const SHORT_POLL = 20;
const MOST_BYTES = 8 * 1024 * 1024;
const READ_COMMITTED = 1;
/** How often the leaders are looked at, and how soon where one is missing. */
const LOOK_AGAIN = 30_000;
const LOOK_SOON = 500;
/** The leader of a partition that none leads. */
const NOBODY = -1;

/** Reads our partitions from the brokers that lead them. */
export class Fetcher {
  readonly #lent: KafkaInLent;
  readonly #cluster: KafkaCluster;
  readonly #intake: Intake;
  /** What is told of the connection while all brokers are there. */
  readonly #state: () => string;
  #topics: readonly TopicFacts[];
  #partitions: readonly Partition[] = [];
  /** Resolves once a partition has room again. */
  #room: PromiseWithResolvers<void> | undefined;
  /** Whether a partition is not read, so that its leader is to be looked for. */
  #isUnsettled = false;
  /** The brokers that are away, to be told of once. */
  readonly #away = new Set<number>();

  constructor(
    lent: KafkaInLent,
    parts: {
      readonly cluster: KafkaCluster;
      readonly intake: Intake;
      readonly topics: readonly TopicFacts[];
      readonly state: () => string;
    },
  ) {
    this.#lent = lent;
    this.#cluster = parts.cluster;
    this.#intake = parts.intake;
    this.#topics = parts.topics;
    this.#state = parts.state;
  }

  get topics(): readonly TopicFacts[] {
    return this.#topics;
  }

  /** A partition has stored something: if it has room, those that wait for room are asked for more. */
  hasMoved(which: Partition): void {
    if (this.#room === undefined || !which.hasRoom) return;
    this.#room.resolve();
    this.#room = undefined;
  }

  /** Reads partitions from the brokers that lead them; ends if there are more partitions to share out. */
  async read(
    ours: readonly Partition[],
    { isLeader, signal }: { readonly isLeader: boolean; readonly signal: AbortSignal },
  ): Promise<void> {
    const shared = this.#topics.map(({ partitions }) => partitions.length);
    const isMore = (): boolean =>
      this.#topics.some(({ partitions }, index) => partitions.length > (shared[index] ?? 0));
    this.#partitions = ours;
    try {
      do await this.#turn(signal);
      while (!isLeader || !isMore());
    } finally {
      this.#partitions = [];
    }
  }

  /** Reads until others lead a partition. */
  async #turn(until: AbortSignal): Promise<void> {
    const turn = new AbortController();
    const signal = AbortSignal.any([until, turn.signal]);
    const byLeader = Map.groupBy(this.#partitions, (one) => this.#leaderOf(one));
    byLeader.delete(NOBODY);
    // one that is away and leads nothing of ours any more is missed no longer
    for (const node of this.#away) if (!byLeader.has(node)) this.#back(node);
    const loops = [...byLeader].map(([node, ones]) => this.#fetching(node, ones, signal));
    try {
      await Promise.race([...loops, this.#untilOtherLeaders(signal)]);
    } finally {
      turn.abort(new Error('other leaders'));
      for (const loop of loops) loop.catch(toldElsewhere);
      await Promise.allSettled(loops);
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
      await this.look(signal);
    }
  }

  /** What the topics look like now. NotConnectedError if one was made anew: its positions are of the earlier one. */
  async look(signal: AbortSignal): Promise<void> {
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
    // those that gave something are asked after the others: a broker gives the first whole, and the rest as far as it fits
    let turn = [...ones];
    for (;;) {
      if (broker.throttled > 0) await wait(broker.throttled, { signal });
      const asked = turn.filter(({ hasRoom }) => hasRoom);
      if (asked.length === 0) {
        await this.#untilRoom(signal);
        continue;
      }
      const poll = asked.length < ones.length ? SHORT_POLL : LONG_POLL;
      const answer = await broker.ask('fetch', this.#question(asked, poll), {
        signal,
        time: poll + SOON,
      });
      const before = asked.map(({ next }) => next);
      if (!(await this.#taken(answer, asked, signal))) return;
      const gave = new Set(asked.filter(({ next }, index) => next !== before[index]));
      turn = [...turn.filter((one) => !gave.has(one)), ...gave];
    }
  }

  async #untilRoom(signal: AbortSignal): Promise<void> {
    this.#room ??= Promise.withResolvers<void>();
    await unlessAborted(this.#room.promise, signal);
  }

  #question(asked: readonly Partition[], poll: number) {
    const topics = [...Map.groupBy(asked, ({ topic }) => topic)].map(([topicId, ones]) => ({
      topicId,
      partitions: ones.map(({ partition, next, share }) => ({
        partition,
        currentLeaderEpoch: -1,
        fetchOffset: next,
        lastFetchedEpoch: -1,
        partitionMaxBytes: share,
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
    await this.look(signal);
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
