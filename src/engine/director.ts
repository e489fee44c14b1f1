import { isAway } from '../broker/away.ts';
import { startJanitor } from '../broker/janitor.ts';
import { type Override, overrideStore } from '../broker/overrides.ts';
import { againWhileAway } from '../broker/patiently.ts';
import type { Switch } from '../broker/state.ts';
import type { WaitingMessages } from '../control/engine-report.ts';
import type { Definition, HostDefinition } from '../definition/definition.ts';
import { background } from '../error/background.ts';
import { describeError, EngineError } from '../error/engine-error.ts';
import type { EndOrder } from '../flow/end-message.ts';
import type { Storing } from '../flow/enqueue.ts';
import type { Routing } from '../flow/route.ts';
import type { SettledMemory } from '../flow/settled-memory.ts';
import type { Process } from '../flow/wiring.ts';
import type { Host, HostStatus } from '../host/host.ts';
import type { Events } from '../log/events.ts';
import { Deadline } from '../time/deadline.ts';
import { type Assembly, assemble, type Works } from './assemble.ts';
import { watchClock, watchStanding } from './clock-watch.ts';
import { notWaiting } from './end-queued.ts';
import type { Engine } from './engine.ts';
import { LateTurns } from './late-turns.ts';
import { collects, tellLeftBatches } from './left-batches.ts';
import { tellLeftProductions, tellLeftQueues } from './left-queues.ts';
import { LookupLoader } from './lookup-loader.ts';
import { describeOverride, followOverrides, type Overrides } from './overrides.ts';
import { OwnSwitches } from './own-switches.ts';
import { type QueuePlan, Queues } from './queues.ts';
import { followSchedules, isScheduledOn, whyResting } from './scheduler.ts';
import { type Turns, turns } from './turns.ts';
import { startWaker, type Waker } from './waker.ts';

/**
 * Runs one production on this engine: makes its queues, starts and stops its hosts, and changes it
 * while it runs. Operations are started first, then processes, then services; they are stopped in
 * reverse, so that accepted messages can still be sent.
 */
export class Director {
  readonly #works: Works;
  readonly #engine: Engine;
  readonly #events: Events;
  readonly #hosts = new Map<string, { host: Host; of: HostDefinition }>();
  readonly #queues: Queues;
  readonly #lookups: LookupLoader;
  readonly #own: OwnSwitches;
  /** Starts and stops of one host are done one at a time. */
  readonly #turns: Turns = turns();
  readonly #late: LateTurns;
  readonly #began = Date.now();
  #plan: QueuePlan;
  #assembly: Assembly;
  #janitor: { close(): Promise<void> } | undefined;
  #waker: Waker | undefined;
  readonly #stopping = new AbortController();
  #schedules: Promise<void> | undefined;
  #overrides: Overrides | undefined;

  constructor(works: Works, definition: Definition) {
    this.#works = works;
    this.#engine = works.engine;
    this.#events = works.events;
    this.#queues = new Queues(works.engine);
    this.#lookups = new LookupLoader({ ...works, kv: works.engine.state.kv });
    this.#own = new OwnSwitches({
      state: works.engine.state,
      events: works.events,
      signal: this.#stopping.signal,
    });
    this.#late = new LateTurns(works.engine.state.kv, works.events);
    this.#plan = { definition, generations: new Map() };
    this.#assembly = this.#assemble(this.#plan);
  }

  get definition(): Definition {
    return this.#plan.definition;
  }

  /** How messages are routed now; for messages that a person resends. */
  get routing(): Routing {
    return this.#assembly.routing();
  }

  /** A process of the running definition. */
  process(name: string): Process {
    return this.#assembly.process(name);
  }

  /** How their legs are stored. */
  get storing(): Storing {
    return this.#assembly.storing;
  }

  async start(): Promise<void> {
    const store = overrideStore(this.#engine.state.kv);
    const [plan] = await Promise.all([this.#queues.make(this.definition), this.#queues.recall()]);
    this.#plan = plan;
    this.#assembly = this.#assemble(plan);
    this.#tellChanged();
    this.#overrides = await followOverrides(store, (now, before) => this.#overridden(now, before));
    await this.#lookups.start(this.definition);
    const hosts = hostsOf(this.definition);
    // each checks whether it was switched off: one round trip for all of a kind
    for (const kind of ['operation', 'process', 'service'] as const) {
      const those = hosts.filter((of) => of.kind === kind);
      await Promise.all(those.map((of) => this.#turns.take(of.name, () => this.#startHost(of))));
    }
    this.#schedules = followSchedules(
      {
        hosts: () => hostsOf(this.definition),
        late: this.#late,
        isOff: (name) => this.#isKeptOff(this.#find(name)),
        onSwitch: (name, on) => this.#scheduled(name, on),
      },
      this.#stopping.signal,
    );
    const ways = {
      wiring: () => this.#assembly.wiring,
      collects: (host: string) => collects(this.definition, host),
      operationStreams: () => this.queueStreams().filter((stream) => this.#isOperation(stream)),
    };
    this.#waker = startWaker(this.#engine, ways, this.#events);
    const { broker, leases } = this.#engine;
    const { margin, isFull: isTight } = this.#works;
    const onKept = (stream: string, why: string | undefined): void => this.#kept(stream, why);
    const isLeft = (stream: string): Promise<boolean> => this.#queues.isLeft(stream);
    this.#janitor = startJanitor({ broker, margin, isTight, onKept, isLeft }, leases);
    const clocks = { kv: this.#engine.state.kv, events: this.#events };
    background(watchClock(clocks, this.#stopping.signal), 'comparing the clocks');
    background(
      watchStanding(clocks, this.#stopping.signal),
      'looking whether the engine stood still',
    );
    this.#tellLeft();
  }

  #isOperation(stream: string): boolean {
    const part = this.#engine.broker.names.queueOf(stream);
    return part !== undefined && this.definition.operations.has(part.host);
  }

  /** What waits for hosts that the production no longer has. */
  #tellLeft(): void {
    const { broker } = this.#engine;
    const hasQueue = (name: string): boolean => this.hasQueue(name);
    const isLeft = (host: string): boolean => hasQueue(host) && !collects(this.definition, host);
    const tell = async (): Promise<void> => {
      await tellLeftQueues(broker, { events: this.#events, hasQueue });
      await tellLeftBatches(this.#engine, { events: this.#events, isLeft });
    };
    background(this.#onceAnswered(tell), 'looking for queues without a host', isAway);
  }

  /** What other productions left on the NATS server that only this engine uses. */
  tellLeftByOthers(): void {
    const tell = (): Promise<void> => tellLeftProductions(this.#engine.broker, this.#events);
    background(this.#onceAnswered(tell), 'looking for what other productions left', isAway);
  }

  /** Messages flow by now: what is only told waits up to five minutes until NATS answers. */
  #onceAnswered(tell: () => Promise<void>): Promise<void> {
    const { signal } = this.#stopping;
    return againWhileAway(tell, { tries: 60, between: 5_000, signal });
  }

  /** Reports hosts that are not started, since what waits for them was stored for another kind of host. */
  #tellChanged(): void {
    for (const [name, { why }] of this.#queues.changed) {
      this.#events.told(name, 'error', 'queue-of-another-kind', why);
    }
  }

  /** Whether a host is not started, since what waits for it was stored for another kind of host. */
  isHeld(host: string): boolean {
    return this.#queues.changed.has(host);
  }

  /** The janitor has stopped cleaning up a stream, or has resumed. */
  #kept(stream: string, why: string | undefined): void {
    const host = this.#engine.broker.names.queueOf(stream)?.host ?? '';
    if (why === undefined) {
      this.#events.told(host, 'info', 'stream-tidied', `${stream} is being cleaned up again`);
      return;
    }
    this.#events.told(host, 'warn', 'stream-kept', `nothing is removed from ${stream}: ${why}`);
    background(
      this.#queues.restore(this.#plan, stream),
      `making the consumers of ${stream} again`,
      isAway,
    );
  }

  /**
   * Stops services first, then waits for what is in flight. Everything ends by the deadline,
   * whatever NATS or a peer does; unfinished messages stay in their queue.
   *
   * @returns whether every host ended
   */
  async stop(deadline = new Deadline(this.definition.settings.shutdownTimeout)): Promise<boolean> {
    this.#stopping.abort();
    const aside = [
      deadline.within('ending schedules', Promise.resolve(this.#schedules), isAway),
      deadline.within('ending overrides', Promise.resolve(this.#overrides?.close()), isAway),
      deadline.within('ending the janitor', Promise.resolve(this.#janitor?.close()), isAway),
      deadline.within('ending the waker', Promise.resolve(this.#waker?.close()), isAway),
      deadline.within('closing lookups', this.#lookups.close(), isAway),
    ];
    const kinds = [['service'], ['process', 'operation']];
    const ended: boolean[] = [];
    for (const those of kinds) {
      const stopped = [...this.#hosts.values()]
        .filter(({ of }) => those.includes(of.kind))
        .map(({ host }) => {
          const stop = this.#turns.take(host.name, () => host.stop(deadline.left));
          return deadline.within(`stopping ${host.name}`, stop, isAway);
        });
      ended.push(...(await Promise.all(stopped)));
    }
    ended.push(...(await Promise.all(aside)));
    this.#hosts.clear();
    return !ended.includes(false);
  }

  /** Creates queues again that are missing, empty. */
  async makeQueuesAgain(): Promise<void> {
    await this.#queues.make(this.definition, this.#plan);
  }

  /** The streams that this engine stores messages into. */
  queueStreams(): string[] {
    return this.#queues.streams(this.#plan);
  }

  /** Whether a host of the production gets its messages from a queue. */
  hasQueue(host: string): boolean {
    return this.#plan.generations.has(host);
  }

  /** What waits for a time or an answer, by host; undefined if another engine keeps the time. */
  waiting(): ReadonlyMap<string, WaitingMessages> | undefined {
    return this.#waker?.waiting();
  }

  /** Repeats, after a reconnect, the acknowledgements of recently settled messages. */
  acknowledgeAgain(): void {
    this.#queues.acknowledgeAgain();
  }

  /** NATS has lost what it had acknowledged, such as what was settled. */
  doubtEverything(): Promise<void> {
    return this.#queues.doubtEverything();
  }

  statuses(): HostStatus[] {
    return hostsOf(this.definition).map((of) => {
      const { name, kind } = of;
      const running = this.#hosts.get(name)?.host.status();
      return (
        running ?? {
          host: name,
          kind,
          state: 'stopped',
          connection: undefined,
          detail: whyResting(of, Date.now()),
          reconnect: undefined,
          inFlight: 0,
          retrying: undefined,
          lastError: undefined,
          lastActivity: undefined,
          messages: 0,
        }
      );
    });
  }

  /** Switching by a person: kept across restarts, and followed by every engine. */
  async switchOff(name: string, by: Switch): Promise<void> {
    this.#find(name);
    await this.#turns.take(name, async () => {
      await this.#engine.state.switchOff(name, by);
      this.#own.forget(name);
      await this.#stopHost(name, by.reason, by.by);
    });
  }

  /** Why a host is off, by a person or by itself; undefined while it is on. */
  async switchedOff(name: string): Promise<Switch | undefined> {
    const changed = this.#queues.changed.get(name);
    if (changed !== undefined) return { by: 'waybill', at: this.#began, reason: changed.why };
    return this.#own.of(name) ?? (await this.#engine.state.switchedOff(name));
  }

  /** A host stopped itself: it is off even if that cannot be stored. */
  async #disabled(name: string, reason: string): Promise<void> {
    const off = { by: 'waybill', at: Date.now(), reason };
    const kept = this.#own.keep(name, off);
    await this.#turns.take(name, () => this.#stopHost(name, reason, off.by));
    await kept;
  }

  async switchOn(name: string): Promise<void> {
    this.#find(name);
    await this.#turns.take(name, async () => {
      const of = this.#find(name);
      await this.#queues.adopt(name, this.#plan);
      await this.#engine.state.switchOn(name);
      this.#own.forget(name);
      await this.#startHost({ ...of, enabled: true });
    });
  }

  async #stopHost(name: string, why: string, by?: string): Promise<void> {
    const running = this.#hosts.get(name);
    if (running === undefined) return;
    await running.host.stop(this.definition.settings.shutdownTimeout);
    this.#hosts.delete(name);
    this.#events.hostStopped(name, why, by);
  }

  retryNow(name: string): void {
    this.#find(name);
    this.#hosts.get(name)?.host.retryNow();
  }

  /** The overrides that people set for a host. */
  overridesOf(host: string): readonly Override[] {
    return this.#overrides?.of(host) ?? [];
  }

  /** Sets an override for every engine, or ends one. Throws HOST_UNKNOWN. */
  async override({ host, kind }: Pick<Override, 'host' | 'kind'>, set?: Override): Promise<void> {
    this.#find(host);
    const store = overrideStore(this.#engine.state.kv);
    await (set === undefined ? store.remove(host, kind) : store.put(set));
    await this.#overrides?.refresh();
  }

  /** Ends a message that a host of this engine is working on; see `Host.endMessage`. */
  async endMessage(name: string, id: number, order: EndOrder): Promise<boolean> {
    if (this.settledAt(name).has(id)) throw notWaiting(id, name);
    return (await this.#hosts.get(name)?.host.endMessage?.(id, order)) ?? false;
  }

  /**
   * Changes the running production: only the given hosts are stopped, recreated or removed; all
   * others continue with the new rules and transforms at once. Rejects before anything is changed
   * if the queues cannot be made. A host that then cannot be started does not stop the others from
   * starting, and is named in the result.
   *
   * @param ready called once the queues are made, before a host is stopped
   */
  async apply(
    next: Definition,
    changed: readonly string[],
    { by, ready }: { readonly by?: string; readonly ready?: () => Promise<void> } = {},
  ): Promise<void> {
    const plan = await this.#queues.make(next, this.#plan);
    await ready?.();
    await Promise.all(
      changed.map((name) =>
        this.#turns.take(name, () => this.#stopHost(name, 'configuration changed', by)),
      ),
    );
    this.#plan = plan;
    this.#lookups.apply(next);
    this.#assembly = this.#assemble(plan);
    const failed: string[] = [];
    const isChanged = new Set(changed);
    for (const of of hostsOf(next)) {
      await this.#turns
        .take(of.name, async () => {
          // a schedule or a person may have started it meanwhile as it was before
          if (isChanged.has(of.name)) await this.#stopHost(of.name, 'configuration changed', by);
          await this.#startHost(of);
        })
        .catch((error: unknown) => failed.push(this.#notStarted(of.name, error)));
    }
    const { connection, names } = this.#engine.broker;
    connection.publish(names.control('applied'));
    this.#events.configurationChanged(`changed: ${changed.join(', ') || 'rules only'}`, by);
    this.#tellLeft();
    if (failed.length > 0) {
      const text = `applied, but not started: ${failed.join('; ')}. Apply again to start them`;
      throw new EngineError('BROKER_UNAVAILABLE', text, { retryable: true });
    }
  }

  #notStarted(name: string, error: unknown): string {
    this.#hosts.delete(name);
    const { text } = describeError(error);
    this.#events.told(name, 'error', 'host-not-started', text);
    return `${name} (${text})`;
  }

  /** An override began, changed or ended. */
  async #overridden(now: Override | undefined, before: Override | undefined): Promise<void> {
    const { host = '', kind } = now ?? before ?? {};
    const of = hostsOf(this.definition).find(({ name }) => name === host);
    if (kind === 'log-level') this.#works.logs.setLevel(host, now?.level);
    if (of === undefined) return;
    if (kind === 'hold') {
      await this.#turns.take(host, () =>
        now === undefined ? this.#startNow(host) : this.#stopHost(host, now.reason, now.by),
      );
    }
    this.#events.told(host, 'info', 'override', describeOverride(now, before));
  }

  async #scheduled(name: string, on: boolean): Promise<void> {
    await this.#turns.take(name, () =>
      on ? this.#startNow(name) : this.#stopHost(name, 'off by its schedule'),
    );
  }

  /** As the production has it when its turn has come; not at all if it no longer does. */
  async #startNow(name: string): Promise<void> {
    const of = hostsOf(this.definition).find((host) => host.name === name);
    if (of !== undefined) await this.#startHost(of);
  }

  /** Whether it would be off even if its schedule turned it on. */
  async #isKeptOff({ name, enabled }: HostDefinition): Promise<boolean> {
    const isHeld = this.#overrides?.find(name, 'hold') !== undefined;
    return !enabled || isHeld || (await this.switchedOff(name)) !== undefined;
  }

  #find(name: string): HostDefinition {
    const of = hostsOf(this.definition).find((host) => host.name === name);
    if (of === undefined) {
      throw new EngineError('HOST_UNKNOWN', `there is no host ${name} in ${this.definition.name}`);
    }
    return of;
  }

  async #startHost(of: HostDefinition): Promise<void> {
    if (of.kind === 'process' && of.run === 'inline') return;
    if (this.#stopping.signal.aborted) return;
    if (this.#hosts.has(of.name)) return;
    const now = Date.now();
    if (!isScheduledOn(of.schedule, now) && !this.#late.isOn(of.name, now)) return;
    if (await this.#isKeptOff(of)) return;
    const host = this.#assembly.host(of);
    this.#hosts.set(of.name, { host, of });
    await host.start();
  }

  #assemble(plan: QueuePlan): Assembly {
    return assemble(this.#works, plan, {
      queues: this.#queues,
      testing: (host) => this.#overrides?.find(host, 'test'),
      disable: (host, reason) => this.#disabled(host, reason),
      wiring: () => this.#assembly.wiring,
      process: (name) => this.process(name),
    });
  }

  /** What the queue of a host has recently settled. */
  settledAt(host: string): SettledMemory {
    return this.#queues.settled(host);
  }
}

/** All hosts in the order in which they are started. */
export function hostsOf({ operations, processes, services }: Definition): HostDefinition[] {
  return [...operations.values(), ...processes.values(), ...services.values()];
}
