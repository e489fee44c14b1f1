import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { DisableError, NotConnectedError, type setting } from 'waybill/adapter';
import { firstReached, optionalPackage, placeOf } from 'waybill/peer/basics';
import { type Account, accountOf, type KafkaLent } from './account.ts';
import {
  type AnswerTo,
  type BrokerAt,
  KafkaBroker,
  type KafkaLibrary,
  type Limit,
  type RequestName,
} from './broker.ts';
import { CODE, isMoved } from './failure.ts';

/** A partition as the cluster describes it. */
export interface PartitionFacts {
  /** The number of the broker that leads it; -1 while there is none. */
  readonly leader: number;
  readonly replicas: number;
}

export interface TopicFacts {
  readonly name: string;
  /** Differs from that of an earlier topic of the same name; empty where the cluster is too old to tell. */
  readonly id: string;
  /** By their numbers. */
  readonly partitions: readonly PartitionFacts[];
}

/** How long a broker may take to say what it knows at once, in milliseconds. */
export const SOON = 10_000;
const NO_ID = '00000000-0000-0000-0000-000000000000';
const GROUP = 0;

/** Connections to the brokers of a cluster, each opened once it is needed. They are never opened again. */
export class KafkaCluster {
  readonly library: KafkaLibrary;
  readonly account: Account;
  /** The broker that was reached first. */
  readonly place: string;
  readonly #lent: KafkaLent;
  readonly #brokers = new Map<string, Promise<KafkaBroker>>();
  readonly #nodes = new Map<number, BrokerAt>();
  #first: KafkaBroker;
  #isClosed = false;

  private constructor(
    lent: KafkaLent,
    library: KafkaLibrary,
    { account, first }: { readonly account: Account; readonly first: KafkaBroker },
  ) {
    this.#lent = lent;
    this.library = library;
    this.account = account;
    this.place = first.place;
    this.#first = first;
    this.#brokers.set(`${first.place} `, Promise.resolve(first));
  }

  /** Connects to the first broker that answers. DisableError if the sign-in was refused. */
  static async open(lent: KafkaLent, signal: AbortSignal): Promise<KafkaCluster> {
    const library = await optionalPackage(
      '@platformatic/kafka',
      () => import('@platformatic/kafka'),
    );
    limitUnpacking(library);
    const account = await accountOf(lent);
    const reach = (address: setting.Address): Promise<KafkaBroker> =>
      KafkaBroker.open(library, lent, { address, name: address.host }, signal);
    const first = await firstReached(lent.settings.connect, reach, { signal, what: 'broker' });
    return new KafkaCluster(lent, library, { account, first });
  }

  /** What a cluster says of topics now. NotConnectedError for one that is not there, DisableError for one not allowed. */
  async topics(names: readonly string[], signal: AbortSignal): Promise<readonly TopicFacts[]> {
    const { topics } = await this.#metadata(names, signal);
    return names.map((name) => {
      const found = topics.find((one) => one.name === name);
      const code = found?.errorCode ?? CODE.UNKNOWN_TOPIC;
      if (found === undefined || !isThere(code)) throw this.noTopic(name, code);
      return factsOf(found);
    });
  }

  /** What the cluster says of a topic now, or the error code if it is not there. */
  async describe(name: string, signal: AbortSignal): Promise<TopicFacts | number> {
    const { topics } = await this.#metadata([name], signal);
    const found = topics.find((one) => one.name === name);
    if (found === undefined) return CODE.UNKNOWN_TOPIC;
    return isThere(found.errorCode) ? factsOf(found) : found.errorCode;
  }

  /** As `topics`, of those that are there. */
  async existing(names: readonly string[], signal: AbortSignal): Promise<readonly TopicFacts[]> {
    const { topics } = await this.#metadata(names, signal);
    return topics.filter(({ errorCode }) => isThere(errorCode)).map(factsOf);
  }

  noTopic(name: string, code: number): Error {
    if (code === CODE.TOPIC_DENIED) {
      return new DisableError(
        `${this.place} does not let us, ${this.account.who}, use the topic ${name}. Have the account allowed: an ACL on the topic.`,
      );
    }
    return code === CODE.UNKNOWN_TOPIC || code === CODE.UNKNOWN_TOPIC_ID
      ? new NotConnectedError(
          `There is no topic ${name} on ${this.place}. Correct the name, or have it made: it is not created by itself. It may also be that the account may not see it.`,
        )
      : new NotConnectedError(
          `${this.place} answers error ${code} for the topic ${name}. Correct the name; look at the log of the broker.`,
        );
  }

  /** The broker of a number. `use` keeps connections apart on which others would wait. */
  async broker(node: number, signal: AbortSignal, use = ''): Promise<KafkaBroker> {
    const at = this.#nodes.get(node);
    if (at === undefined) {
      throw new NotConnectedError(
        `${this.place} names broker ${node} and not its address. It is asked again; look at the brokers of the cluster.`,
      );
    }
    const key = `${placeOf(at.address)} ${use}`;
    const known = this.#brokers.get(key);
    if (known !== undefined) {
      const broker = await known;
      if (!broker.isLost) return broker;
    }
    const opening = this.#open(at, signal);
    this.#brokers.set(key, opening);
    try {
      return await opening;
    } catch (error) {
      if (this.#brokers.get(key) === opening) this.#brokers.delete(key);
      throw error;
    }
  }

  /** The broker that keeps the positions of a group. */
  async coordinator(group: string, signal: AbortSignal): Promise<KafkaBroker> {
    const { coordinators } = await this.ask('findCoordinator', [GROUP, [group]], signal);
    const [found] = coordinators;
    const code = found?.errorCode ?? CODE.NO_COORDINATOR;
    if (found === undefined || code !== 0) throw this.noGroup(group, code);
    this.#learn([found]);
    return await this.broker(found.nodeId, signal, 'group');
  }

  noGroup(group: string, code: number): Error {
    if (code === CODE.GROUP_DENIED) {
      return new DisableError(
        `${this.place} does not let us, ${this.account.who}, be in the group ${group}. Have the account allowed: an ACL with READ on the group.`,
      );
    }
    if (code === CODE.OTHER_PROTOCOL) {
      return new DisableError(
        `The group ${group} on ${this.place} is used by others who share partitions in a way that we do not know. Name a group of its own.`,
      );
    }
    if (code === CODE.BAD_SESSION_TIMEOUT) {
      return new DisableError(
        `${this.place} does not allow the session of the group ${group} to be that long. Set session between its group.min.session.timeout.ms and group.max.session.timeout.ms.`,
      );
    }
    const why =
      code === CODE.GROUP_FULL
        ? 'it has as many members as it may'
        : `no broker coordinates it yet (error ${code})`;
    return new NotConnectedError(
      `The group ${group} cannot be used on ${this.place}: ${why}. It is tried again; look at the log of the brokers if it lasts.`,
    );
  }

  close(): void {
    this.#isClosed = true;
    for (const opening of this.#brokers.values()) {
      opening.then(
        (broker) => broker.destroy(),
        () => undefined,
      );
    }
    this.#brokers.clear();
    this.#first.destroy();
  }

  async #metadata(names: readonly string[], signal: AbortSignal): Promise<AnswerTo<'metadata'>> {
    const answer = await this.ask('metadata', [[...names], false], signal);
    this.#learn(answer.brokers);
    return answer;
  }

  #learn(
    brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[],
  ): void {
    for (const { nodeId, host, port } of brokers) {
      const advertised = placeOf({ host, port });
      const mapped = this.#lent.settings.addresses.find((one) => one.advertised === advertised);
      this.#nodes.set(nodeId, {
        address: mapped?.reached ?? { host, port },
        name: host,
        toldBy: this.#first.place,
      });
    }
  }

  /** Asks any broker: the first while it is there, then each that is known. */
  async ask<Name extends RequestName>(
    name: Name,
    rest: Parameters<typeof KafkaBroker.prototype.ask<Name>>[1],
    signal: AbortSignal,
  ): Promise<AnswerTo<Name>> {
    const limit: Limit = { signal, time: Math.min(SOON, this.#lent.settings.connectTimeout) };
    if (!this.#first.isLost) {
      try {
        return await this.#first.ask(name, rest, limit);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof NotConnectedError) || this.#nodes.size === 0) {
          throw this.#ifUnasked(error);
        }
      }
    }
    this.#first = await firstReached([...this.#nodes.keys()], (node) => this.broker(node, signal), {
      signal,
      what: 'broker',
    });
    return await this.#first.ask(name, rest, limit);
  }

  /** A broker that wants a sign-in ends the connection at the first request. */
  #ifUnasked(error: unknown): unknown {
    if (!(error instanceof NotConnectedError) || this.account.sasl !== undefined) return error;
    return new NotConnectedError(
      `${this.place} was reached and gave no answer: ${error.message.replace(/\..*$/s, '')}. It may want a sign-in (${this.account.who}): ${this.account.remedy}.`,
      { cause: error },
    );
  }

  async #open(at: BrokerAt, signal: AbortSignal): Promise<KafkaBroker> {
    const broker = await KafkaBroker.open(this.library, this.#lent, at, signal);
    if (this.#isClosed) broker.destroy();
    return broker;
  }
}

const isThere = (code: number): boolean => code === 0 || isMoved(code);

function factsOf({
  name,
  topicId,
  partitions: described,
}: AnswerTo<'metadata'>['topics'][number]): TopicFacts {
  const partitions: PartitionFacts[] = [];
  for (const { partitionIndex, leaderId, replicaNodes } of described) {
    partitions[partitionIndex] = { leader: leaderId, replicas: replicaNodes.length };
  }
  // before version 10 of the answer there is none
  const id = (topicId as string | undefined) ?? NO_ID;
  return { name: name ?? '', id: id === NO_ID ? '' : id, partitions };
}

/** A batch of a few hundred KB may be packed to become gigabytes: the engine would end. */
const MOST_UNPACKED = 256 * 1024 * 1024;

const LIMITED = new WeakSet<object>();

/** Has the library stop unpacking a batch that becomes too large; it has no setting for it. */
function limitUnpacking({ compressionsAlgorithms: algorithms }: KafkaLibrary): void {
  if (LIMITED.has(algorithms)) return;
  LIMITED.add(algorithms);
  const limits = { maxOutputLength: MOST_UNPACKED };
  const { gzip, zstd } = algorithms as Record<string, { decompressSync: Unpack }>;
  if (gzip !== undefined) gzip.decompressSync = (data) => gunzipSync(bytesOf(data), limits);
  if (zstd !== undefined) zstd.decompressSync = (data) => zstdDecompressSync(bytesOf(data), limits);
}

type Packed = Buffer | { readonly buffer: Buffer };
type Unpack = (data: Packed) => Buffer;

const bytesOf = (data: Packed): Buffer => (Buffer.isBuffer(data) ? data : data.buffer);
