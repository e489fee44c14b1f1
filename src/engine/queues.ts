import { outcomeTail } from '../broker/outcome-tail.ts';
import { acknowledgeAgain } from '../broker/queue.ts';
import { changeKind, KIND, type QueueStream, queueStreams, SHAPE } from '../broker/queue-survey.ts';
import {
  doubtDelivered,
  ensureProjector,
  ensureStream,
  ensureWorker,
  lastSequence,
  READ_AHEAD,
  reclaimWorker,
  settledFloor,
  type TakenOver,
  takeOverLine,
  workerInfo,
} from '../broker/streams.ts';
import { askAll } from '../control/control.ts';
import { ENGINE } from '../control/verbs.ts';
import type {
  Definition,
  OperationDefinition,
  ProcessDefinition,
  QueueOrder,
} from '../definition/definition.ts';
import { isLine, queueLines } from '../definition/wiring.ts';
import { toldElsewhere } from '../error/foreseen.ts';
import { type Doubts, doubts } from '../flow/doubts.ts';
import { type SettledMemory, settledMemory } from '../flow/settled-memory.ts';
import type { OtherLine, OtherLines } from '../host/other-lines.ts';
import { type Remembered, remembered } from '../time/remembered.ts';
import { type ChangedKind, changedKinds } from './changed-kinds.ts';
import type { Engine } from './engine.ts';
import { recollection } from './recollection.ts';

/** One stream of a queue. */
interface Line {
  readonly stream: string;
  readonly subject: string;
  readonly shape: string;
  /** The kind of host for which it holds messages. */
  readonly kind: string;
  /** How many messages are worked on at once. */
  readonly pool: number;
  /** A strict line, which the one engine that takes it over reads ahead. */
  readonly line: boolean;
}

/**
 * Which generation of its streams each queue of a definition uses. A change of its order or of its
 * number of lines begins a new one, so that messages accepted before the change go first.
 */
export interface QueuePlan {
  readonly definition: Definition;
  readonly generations: ReadonlyMap<string, number>;
}

export type Queued = ProcessDefinition | OperationDefinition;

/** Messages settled this shortly before the journal's end may be delivered again after a crash. */
const TAIL = 60_000;
/** Milliseconds for which a list of the streams is reused. */
const FRESH = 2_000;
/** After a power loss, consumers may have forgotten as much as the outcomes that the janitor keeps. */
const LONG_TAIL = 5 * 60_000;
/** A consumer that was made again begins where its queue was last known to be settled, which may be longer ago. */
const LOST_TAIL = 60 * 60_000;

/** For each message being sent, the outcome of another may have been on its way. */
const IN_DOUBT = 2;

/** The queues of a production on this engine, and what is known about what they have sent. */
export class Queues {
  readonly #engine: Engine;
  readonly #settled = new Map<string, SettledMemory>();
  readonly doubts: Doubts;
  #reading: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  /** Hosts that were another kind when what waits for them was stored, until somebody decides. */
  #changed = new Map<string, ChangedKind>();
  /** Those that engines share, as they were last made. */
  #shared: readonly Line[] = [];
  /** The existing streams: every host asks for them every few seconds. */
  readonly #streams: Remembered<QueueStream[]>;
  /** After a reconnect: resolves once it is known what other engines have sent; undefined otherwise. */
  readonly recollecting: () => Promise<void> | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.doubts = doubts(engine.uncertain);
    this.#streams = remembered(FRESH, () => queueStreams(engine.broker));
    this.recollecting = recollection(engine.sending.connection, () => this.#recollect());
  }

  /** The streams into which messages are stored now. */
  streams(plan: QueuePlan): string[] {
    return this.#lines(plan).map(({ stream }) => stream);
  }

  /**
   * Creates what is missing: every stream with its consumers, before anything is stored in it.
   *
   * @param before the running definition; undefined while no host is working on a queue
   */
  async make(definition: Definition, before?: QueuePlan): Promise<QueuePlan> {
    const { broker } = this.#engine;
    const { queueLimit, duplicateWindow } = definition.settings;
    const found = await queueStreams(broker);
    const plan = planOf(definition, found, before);
    const hosts = queued(definition);
    if (before === undefined) this.#changed = await changedKinds(broker, hosts, found);
    for (const [name, { was }] of this.#changed) {
      if ((hosts.find(isNamed(name))?.kind ?? was) === was) this.#changed.delete(name);
    }
    await Promise.all(
      this.#lines(plan).map(async ({ stream, subject, shape, kind, pool, line }) => {
        await ensureStream(broker, stream, [subject], {
          duplicateWindow,
          limit: queueLimit,
          metadata: { [SHAPE]: shape, [KIND]: kind },
        });
        if (before === undefined && !line) await this.#takeUp(stream, pool);
        await this.ensureWorker(stream, pool);
        await ensureProjector(broker, stream);
      }),
    );
    await this.#adoptEarlier(hosts, found, plan);
    this.#streams.forget();
    this.#shared = this.#lines(plan).filter(({ line }) => !line);
    return plan;
  }

  /** Where nobody has to decide any more, what waits in earlier streams of a host is meant for it as it is now. */
  async #adoptEarlier(
    hosts: readonly Queued[],
    found: readonly QueueStream[],
    plan: QueuePlan,
  ): Promise<void> {
    const current = new Set(this.streams(plan));
    await Promise.all(
      found.map(async ({ host, stream, kind: was = '' }) => {
        const { kind = was } = hosts.find(isNamed(host)) ?? {};
        if (was === '' || was === kind || current.has(stream) || this.#changed.has(host)) return;
        await changeKind(this.#engine.broker, stream, kind);
      }),
    );
  }

  /** Hosts that must not be started before somebody has said so. */
  get changed(): ReadonlyMap<string, ChangedKind> {
    return this.#changed;
  }

  /** Somebody has said that what waits is meant for a host although it was another kind. */
  async adopt(host: string, plan: QueuePlan): Promise<void> {
    if (this.#changed.delete(host)) await this.make(plan.definition, plan);
  }

  /** What other engines sent before the server was lost, and what may have been on its way then. */
  async #recollect(): Promise<void> {
    const { broker, sending, leases, compare } = this.#engine;
    // where it has lost more than that, anything may have been sent
    await compare(sending);
    if (this.#isLost) await this.doubtEverything();
    if (this.#shared.length === 0) return;
    // the others may have been killed with the server
    if ((await leases.heldByOthers('engine', { evenGone: true })).length === 0) return;
    await this.recall();
    await Promise.all(
      this.#shared.map(async ({ stream, pool }) => {
        const until = await lastSequence(broker, stream);
        this.doubts.raise(stream, { until, most: IN_DOUBT * pool });
      }),
    );
  }

  /** NATS has lost what it had acknowledged: anything that it delivers from now on may have been sent. */
  doubtEverything(): Promise<void> {
    this.#isLost = true;
    const doubt = async (): Promise<void> => {
      const { broker } = this.#engine;
      const streams = await queueStreams(broker);
      await Promise.all(
        streams.map(async ({ stream }) =>
          this.#doubtAll(stream, await lastSequence(broker, stream)),
        ),
      );
      this.#isLost = false;
    };
    // one for all that is found at once; where NATS is away again, the next reconnect does it
    this.#doubting ??= doubt().finally(() => {
      this.#doubting = undefined;
    });
    return this.#doubting;
  }

  #doubting: Promise<void> | undefined;
  /** Whether that has still to be done. */
  #isLost = false;

  /** Recreates consumers of a stream that were removed while the production runs. */
  async restore(plan: QueuePlan, stream: string): Promise<void> {
    const { broker } = this.#engine;
    const found = this.#lines(plan).find((line) => line.stream === stream);
    if (broker.names.isQueue(stream)) await this.ensureWorker(stream, found?.pool ?? 1);
    await ensureProjector(broker, stream);
  }

  /** Creates the consumer of a stream that has none. */
  async ensureWorker(stream: string, pool: number): Promise<void> {
    await this.#doubtAll(stream, await ensureWorker(this.#engine.broker, stream, pool));
  }

  /** Takes over a strict line for this engine, which holds its lease. */
  async takeOver(stream: string, signal?: AbortSignal): Promise<TakenOver> {
    const taken = await takeOverLine(this.#engine.broker, stream, signal);
    await this.#doubtAll(stream, taken.doubt);
    return taken;
  }

  /** What this engine leaves unfinished in a queue that engines share may have been sent. */
  async cutOff(stream: string): Promise<void> {
    await doubtDelivered(this.#engine.broker, stream);
  }

  /** Everything up to there may have been sent through a consumer that is gone; 0 means nothing. */
  async #doubtAll(stream: string, until: number): Promise<void> {
    if (until === 0) return;
    this.#tail = LOST_TAIL;
    await this.recall();
    this.doubts.raise(stream, { until, most: Number.POSITIVE_INFINITY });
  }

  /**
   * Redelivers at once what a killed engine had taken, if no other engine works on the queue. It may
   * be unknown which of it was sent, whoever gets it.
   */
  async #takeUp(stream: string, pool: number): Promise<void> {
    const { broker, sole, afterCrash, uncertain } = this.#engine;
    const wasSent = afterCrash || uncertain;
    if (sole) await this.#doubtAll(stream, await reclaimWorker(broker, stream, pool, { wasSent }));
    if (!wasSent) return;
    this.doubts.raise(stream, { until: await lastSequence(broker, stream), most: IN_DOUBT * pool });
    // it may come again only after the acknowledge wait, when this engine has ended in order
    if (!sole) await doubtDelivered(broker, stream);
  }

  /** The other lines of a host's queue: of its earlier orders, and of engines with a different one. */
  others(host: string, { generations }: QueuePlan): OtherLines {
    const generation = generations.get(host) ?? 0;
    return {
      find: () => this.#findOthers(host, generation),
      prepare: (line) => this.#prepareOther(line),
      isSettled: async ({ stream, until }) =>
        ((await settledFloor(this.#engine.broker, stream)) ?? 0) >= until ||
        (await this.#isEmpty(stream)),
    };
  }

  async #findOthers(host: string, generation: number): Promise<OtherLine[]> {
    const others = (await this.#streams.get()).filter(
      (one) => one.host === host && one.generation !== generation,
    );
    return Promise.all(
      others.map(async ({ stream, generation: its }) => ({
        stream,
        generation: its,
        earlier: its < generation,
        waits: !(await this.#isEmpty(stream)),
        until: await lastSequence(this.#engine.broker, stream),
      })),
    );
  }

  /** Whether a stream belongs to an earlier order of its queue and no engine stores into it any more. */
  async isLeft(stream: string): Promise<boolean> {
    const { broker, leases } = this.#engine;
    const part = broker.names.queueOf(stream);
    const isEarlier = (await queueStreams(broker)).some(
      ({ host, generation }) => host === part?.host && generation > part.generation,
    );
    if (!isEarlier) return false;
    const engines = 1 + (await leases.heldByOthers('engine')).length;
    const used = await askAll(broker, ENGINE.queues, null, {
      count: engines,
      atMost: 2_000,
    });
    return used.length === engines && !used.flat().includes(stream);
  }

  async #isEmpty(stream: string): Promise<boolean> {
    const info = await workerInfo(this.#engine.broker, stream);
    return info !== undefined && info.num_pending + info.num_ack_pending === 0;
  }

  /** If another engine may work on the line, the server delivers one message at a time; otherwise it is read ahead. */
  async #prepareOther({
    stream,
    earlier,
  }: OtherLine): Promise<(() => Promise<unknown>) | undefined> {
    const { broker, leases, afterCrash } = this.#engine;
    const info = await workerInfo(broker, stream);
    if (info === undefined) await this.ensureWorker(stream, 1);
    // an engine that had it may have settled what the server still has
    await this.recall();
    if (afterCrash) {
      const most = Math.max(info?.num_ack_pending ?? 0, 3);
      this.doubts.raise(stream, { until: await lastSequence(broker, stream), most });
    }
    const alone = (await leases.heldByOthers('engine')).length === 0;
    if (alone) {
      const takeOver = (): Promise<unknown> => this.takeOver(stream);
      await takeOver();
      return takeOver;
    }
    if (earlier) await this.ensureWorker(stream, 1);
    return undefined;
  }

  /** What a host's queue has recently settled. */
  settled(host: string): SettledMemory {
    let memory = this.#settled.get(host);
    if (memory === undefined) {
      memory = settledMemory();
      this.#settled.set(host, memory);
    }
    return memory;
  }

  /** Repeats, after a reconnect, the acknowledgements of what was settled lately. */
  acknowledgeAgain(): void {
    for (const memory of this.#settled.values()) {
      for (const at of memory.acknowledgements()) acknowledgeAgain(this.#engine.broker, at);
    }
  }

  /** How far back it is read next, if further than usual. */
  #tail: number | undefined;

  /** Reads what all engines recently settled. All who ask before a read begins share it. */
  recall(): Promise<void> {
    this.#next ??= this.#reading.catch(toldElsewhere).then(() => {
      this.#next = undefined;
      this.#reading = this.#readTail();
      return this.#reading;
    });
    return this.#next;
  }

  async #readTail(): Promise<void> {
    const { broker, uncertain } = this.#engine;
    const span = this.#tail ?? (uncertain ? LONG_TAIL : TAIL);
    for await (const { record } of outcomeTail(broker, span)) {
      if (record.kind === 'outcome') this.settled(record.host).add(record.id);
    }
    if (span === this.#tail) this.#tail = undefined;
  }

  #lines({ definition, generations }: QueuePlan): Line[] {
    const { names } = this.#engine.broker;
    return queued(definition).flatMap((of) => {
      const line = of.kind === 'operation' && isLine(of);
      return queueLines(of.order, of.pool).map(({ partition, pool }) => ({
        ...names.queue(of.name, partition, generations.get(of.name)),
        shape: shapeOf(of.order),
        kind: this.#changed.get(of.name)?.was ?? of.kind,
        pool: line ? READ_AHEAD : pool,
        line,
      }));
    });
  }
}

/** The generation that each queue of a definition uses, given what is already in JetStream. */
function planOf(
  definition: Definition,
  found: readonly QueueStream[],
  before: QueuePlan | undefined,
): QueuePlan {
  const generations = queued(definition).map((of): [string, number] => {
    const known = before?.generations.get(of.name);
    const old =
      before === undefined ? undefined : queued(before.definition).find(isNamed(of.name))?.order;
    const isSame = old !== undefined && shapeOf(old) === shapeOf(of.order);
    const lines = found.filter(isOf(of.name));
    return [of.name, known !== undefined && isSame ? known : generationFor(of.order, lines)];
  });
  return { definition, generations: new Map(generations) };
}

const isNamed =
  (name: string) =>
  (of: Queued): boolean =>
    of.name === name;
const isOf =
  (host: string) =>
  (line: QueueStream): boolean =>
    line.host === host;

/** The latest one, if it was made for this order; otherwise a new one. */
function generationFor(order: QueueOrder, lines: readonly QueueStream[]): number {
  if (lines.length === 0) return 0;
  const latest = Math.max(...lines.map(({ generation }) => generation));
  const those = lines.filter(({ generation }) => generation === latest);
  return those.every((line) => isMadeFor(order, line, those.length)) ? latest : latest + 1;
}

function isMadeFor(order: QueueOrder, { shape, partition }: QueueStream, count: number): boolean {
  if (shape !== undefined) return shape === shapeOf(order);
  // made by an earlier version, which recorded nothing
  if (typeof order === 'string') return partition === undefined;
  return partition !== undefined && order.partitions === count;
}

/**
 * Equal for queues that distribute messages to lines in the same way: to one, or by the same key to
 * the same number.
 */
function shapeOf(order: QueueOrder): string {
  if (typeof order === 'string') return 'one line';
  return `${order.partitions} lines by ${order.byKey.source}`;
}

/** The hosts of a definition that have a queue. */
export function queued({ operations, processes }: Definition): Queued[] {
  return [...operations.values(), ...[...processes.values()].filter(({ run }) => run === 'queued')];
}
