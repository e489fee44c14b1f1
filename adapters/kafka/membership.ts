import { NotConnectedError, pause } from 'waybill/adapter';
import type { KafkaBroker, KafkaLibrary } from './broker.ts';
import type { KafkaCluster, TopicFacts } from './cluster.ts';
import { SOON } from './cluster.ts';
import { CODE } from './failure.ts';

/** One partition of a topic. */
export interface Share {
  readonly topic: string;
  readonly partition: number;
}

/** The places in groups that were not left, by the settings of their services: one that is opened again takes its own. */
const PLACES = new WeakMap<object, string>();

interface MembershipOptions {
  /** Of the service, while this process runs. */
  readonly settings: object;
  readonly group: string;
  readonly topics: readonly string[];
  /** Milliseconds without a sign of life after which our partitions go to others. */
  readonly session: number;
  /** Milliseconds that members have to finish what they have in hand. */
  readonly handOver: number;
  /** What whoever shares out tells all members with their shares; asked before any of them can write a position. */
  readonly word: (membership: Membership, signal: AbortSignal) => Promise<string>;
}

/** What a round gave us. */
export interface Joined {
  readonly shares: readonly Share[];
  /** What its leader said; empty of one that is not ours. */
  readonly word: string;
}

/** The member is not known, or of an earlier round: it begins anew. */
const BEGIN_ANEW: ReadonlySet<number> = new Set([
  CODE.UNKNOWN_MEMBER,
  CODE.ILLEGAL_GENERATION,
  CODE.REBALANCING,
  CODE.MEMBER_ID_REQUIRED,
]);
/** The names under which others know sharing out anew in each round; whoever leads may share as it likes. */
const PROTOCOLS = ['range', 'roundrobin'];
const ATTEMPTS = 50;
const PER_SECOND = 3;

/** Our place in a consumer group: which partitions are ours, until the next round. */
export class Membership {
  readonly coordinator: KafkaBroker;
  readonly #cluster: KafkaCluster;
  readonly #options: MembershipOptions;
  #memberId = '';
  #generation = -1;
  #isLeader = false;

  private constructor(cluster: KafkaCluster, coordinator: KafkaBroker, options: MembershipOptions) {
    this.#cluster = cluster;
    this.coordinator = coordinator;
    this.#options = options;
  }

  static async find(
    cluster: KafkaCluster,
    options: MembershipOptions,
    signal: AbortSignal,
  ): Promise<Membership> {
    return new Membership(cluster, await cluster.coordinator(options.group, signal), options);
  }

  /** Whether the group knows us. */
  get isMember(): boolean {
    return this.#memberId !== '';
  }

  /** Whether we share out the partitions, and so see to it when there are more of them. */
  get isLeader(): boolean {
    return this.#isLeader;
  }

  /** Takes part in a round: resolves once everybody has joined, with our partitions. */
  async join(signal: AbortSignal): Promise<Joined> {
    const { settings } = this.#options;
    if (this.#memberId === '') this.#memberId = PLACES.get(settings) ?? '';
    // another engine of this process has a place of its own
    PLACES.delete(settings);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const joined = await this.#round(signal);
      if (joined !== undefined) return joined;
      await pause(1_000 / PER_SECOND, signal);
      signal.throwIfAborted();
    }
    throw new NotConnectedError(
      `The group ${this.#options.group} on ${this.coordinator.place} does not come to rest: its members join it again and again. Look for consumers in it that start anew, or name a group of its own.`,
    );
  }

  /** `again` if a round begins, to be joined. Says that we live. */
  async beat(signal: AbortSignal): Promise<'on' | 'again'> {
    const { group, session } = this.#options;
    const { errorCode } = await this.coordinator.ask(
      'heartbeat',
      [group, this.#generation, this.#memberId, null],
      { signal, time: session },
    );
    return this.#judged(errorCode);
  }

  /** Where the group stands in partitions: its offset, or -1, with what was written beside it. */
  async positions(
    topics: readonly TopicFacts[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Position>> {
    const { group } = this.#options;
    const asked = topics.map(({ name, partitions }) => ({
      name,
      partitionIndexes: [...partitions.keys()],
    }));
    const answer = await this.coordinator.ask(
      'offsetFetch',
      [[{ groupId: group, memberEpoch: -1, topics: asked }], false],
      { signal, time: SOON },
    );
    if (answer.errorCode !== 0) throw this.#cluster.noGroup(group, answer.errorCode);
    const found = new Map<string, Position>();
    for (const { name, partitions } of answer.topics) {
      for (const { partitionIndex, committedOffset, metadata, errorCode } of partitions) {
        if (errorCode !== 0) throw this.#cluster.noGroup(group, errorCode);
        found.set(keyOf({ topic: name, partition: partitionIndex }), {
          offset: committedOffset,
          topicId: metadata ?? '',
        });
      }
    }
    return found;
  }

  /** Writes where the group stands. `again` if it is no longer ours to say. */
  async commit(
    positions: readonly (Share & Position)[],
    signal: AbortSignal,
  ): Promise<'on' | 'again'> {
    const byTopic = Map.groupBy(positions, ({ topic }) => topic);
    const topics = [...byTopic].map(([name, ones]) => ({
      name,
      partitions: ones.map(({ partition, offset, topicId }) => ({
        partitionIndex: partition,
        committedOffset: offset,
        committedLeaderEpoch: -1,
        committedMetadata: topicId,
      })),
    }));
    const answer = await this.coordinator.ask(
      'offsetCommit',
      [this.#options.group, this.#generation, this.#memberId, null, topics],
      { signal, time: SOON },
    );
    const codes = answer.topics.flatMap(({ partitions }) => partitions.map((one) => one.errorCode));
    return this.#judged(codes.find((code) => code !== 0) ?? 0);
  }

  /** Leaves at once what is ours to the others. */
  async leave(time: number, signal: AbortSignal): Promise<void> {
    const { group } = this.#options;
    await this.coordinator.ask('leaveGroup', [group, [{ memberId: this.#memberId }]], {
      signal,
      time,
    });
    this.#memberId = '';
  }

  /** What was not left is taken again by whoever is opened next. */
  forsake(): void {
    if (this.#memberId !== '') PLACES.set(this.#options.settings, this.#memberId);
  }

  async #round(signal: AbortSignal): Promise<Joined | undefined> {
    const { group, session, handOver } = this.#options;
    const joined = await this.coordinator.ask(
      'joinGroup',
      [group, session, handOver, this.#memberId, null, 'consumer', this.#protocols(), null],
      { signal, time: handOver + session + SOON },
    );
    if (!this.#mayGoOn(joined.errorCode, joined.memberId)) return undefined;
    this.#memberId = joined.memberId;
    this.#generation = joined.generationId;
    this.#isLeader = joined.leader === joined.memberId;
    const synced = await this.coordinator.ask(
      'syncGroup',
      [
        group,
        this.#generation,
        this.#memberId,
        null,
        'consumer',
        joined.protocolName,
        this.#isLeader ? await this.#shared(joined.members, signal) : [],
      ],
      { signal, time: handOver + session + SOON },
    );
    if (!this.#mayGoOn(synced.errorCode)) return undefined;
    const { assignedPartitions, userData } = this.#cluster.library.decodeConsumerProtocolAssignment(
      synced.assignment,
    );
    const shares = assignedPartitions.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => ({ topic, partition })),
    );
    // others may send nothing, whatever the types of the library say
    return { shares, word: (userData as Buffer | null)?.toString() ?? '' };
  }

  /** False if the round is to be begun anew. */
  #mayGoOn(code: number, memberId = ''): boolean {
    if (code === 0) return true;
    if (!BEGIN_ANEW.has(code)) throw this.#cluster.noGroup(this.#options.group, code);
    if (code === CODE.MEMBER_ID_REQUIRED) this.#memberId = memberId;
    else if (code === CODE.UNKNOWN_MEMBER) this.#memberId = '';
    return false;
  }

  #judged(code: number): 'on' | 'again' {
    return this.#mayGoOn(code) ? 'on' : 'again';
  }

  #protocols(): { readonly name: string; readonly metadata: Buffer }[] {
    const metadata = this.#cluster.library.encodeConsumerProtocolSubscription({
      version: 0,
      topics: [...this.#options.topics],
      userData: Buffer.alloc(0),
    });
    return PROTOCOLS.map((name) => ({ name, metadata }));
  }

  /** The partitions of each topic in turn to the members that want it. */
  async #shared(members: readonly JoinedMember[], signal: AbortSignal) {
    const { library } = this.#cluster;
    const wants = members
      .map(({ memberId, metadata }) => ({
        memberId,
        topics: topicsIn(metadata, library),
      }))
      .toSorted((one, other) => (one.memberId < other.memberId ? -1 : 1));
    const shares = new Map(wants.map(({ memberId }) => [memberId, new Map<string, number[]>()]));
    const wanted = [...new Set(wants.flatMap(({ topics }) => topics))].toSorted();
    const userData = await this.#options.word(this, signal);
    let turn = 0;
    for (const { name, partitions } of await this.#cluster.existing(wanted, signal)) {
      const takers = wants.filter(({ topics }) => topics.includes(name));
      for (const partition of partitions.keys()) {
        const of = shares.get(takers[turn++ % takers.length]?.memberId ?? '');
        of?.set(name, [...(of.get(name) ?? []), partition]);
      }
    }
    return [...shares].map(([memberId, of]) => ({
      memberId,
      assignment: library.encodeConsumerProtocolAssignment({
        version: 0,
        assignedPartitions: [...of].map(([topic, partitions]) => ({ topic, partitions })),
        userData,
      }),
    }));
  }
}

/** What a member wants. One that says it in a form of its own gets nothing, and the others go on. */
function topicsIn(
  metadata: Buffer,
  { decodeConsumerProtocolSubscription: decode }: KafkaLibrary,
): readonly string[] {
  try {
    return decode(metadata).topics;
  } catch {
    // any member of the group may send any bytes
    return [];
  }
}

interface JoinedMember {
  readonly memberId: string;
  readonly metadata: Buffer;
}

export interface Position {
  /** The next one to read; -1 if the group has none. */
  readonly offset: bigint;
  /** Of the topic that the offset is of; empty if nobody has written it. */
  readonly topicId: string;
}

export const keyOf = ({ topic, partition }: Share): string => `${topic}-${partition}`;

/** The group of a service. */
export const groupOf = ({
  production,
  host,
  settings,
}: {
  readonly production: string;
  readonly host: string;
  readonly settings: { readonly group: string | undefined };
}): string => settings.group ?? `${production}-${host}`;
