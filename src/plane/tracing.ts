import { randomUUID } from 'node:crypto';
import { isAway } from '../broker/away.ts';
import type { Bodies } from '../broker/bodies.ts';
import type { Broker } from '../broker/broker.ts';
import { leases } from '../broker/lease.ts';
import { state } from '../broker/state.ts';
import {
  allUnread,
  countOf,
  projectorFloors,
  projectorUnread,
  type Unread,
} from '../broker/stream-reader.ts';
import { bodySweeper } from '../broker/swept-bodies.ts';
import { aborted, whileHeld } from '../broker/while-held.ts';
import { askAll } from '../control/control.ts';
import { ENGINE } from '../control/verbs.ts';
import { background } from '../error/background.ts';
import { isTold, tolerate, unless } from '../error/foreseen.ts';
import type { Logger } from '../log/logger.ts';
import { retryDelay } from '../time/back-off.ts';
import { pause } from '../time/pause.ts';
import { keyReader } from '../trace/key-reader.ts';
import { type Applied, type Failing, type Projector, startProjector } from '../trace/projector.ts';
import type { Damage } from '../trace/store/damage.ts';
import { type StreamSource, streamSource } from '../trace/stream-source.ts';
import type { PurgeOptions, PurgeReport, TraceStore } from '../trace/trace-store.ts';
import { type VerifyReport, verifyTrace } from '../trace/verify.ts';
import { purgeRegularly } from './regular-purge.ts';
import { type Behind, behindOf, comparedOnce, goneOf } from './trace-behind.ts';
import { tellDamaged, tellGone, tellMissing, tellOther } from './trace-losses.ts';
import { hasOtherBodies, keepMark, sawOther, untilAnswered } from './trace-mark.ts';
import { followSettings, isSameSearch, type TraceSettings } from './trace-settings.ts';

export interface TracingOptions {
  readonly broker: Broker;
  readonly store: TraceStore;
  readonly bodies: Bodies;
  readonly log: Logger;
  /** The settings until an engine answers. */
  readonly settings: TraceSettings;
  readonly onApplied: (applied: Applied) => void;
}

/** The trace of a production while it is being built. */
export interface Tracing extends Pick<Projector, 'lag' | 'stop'> {
  /** What it has not read yet, by stream. */
  unread(): Promise<readonly Unread[]>;
  /** Since when the trace has not been built, or its store failing; undefined while it works. */
  failingSince(): number | undefined;
  /** The engines' current settings. */
  readonly settings: TraceSettings;
  /**
   * Call when a file of the trace was set aside: what the streams still have of it is read again,
   * and people are notified.
   */
  damaged(damage: Damage): void;
  /**
   * Call, with how far it still has read the streams, when the trace turns out to be behind what was written into it:
   * what they still have is read again, and people are told of the rest.
   */
  behind(read: ReadonlyMap<string, number>): void;
  /** Compares the trace with the streams, and repairs it on request. */
  verify(options: { readonly repair: boolean }): Promise<VerifyReport>;
  /** Uses the production's `keep` unless `keep` is given. */
  purge(options?: Pick<PurgeOptions, 'dryRun'> & { readonly keep?: number }): Promise<PurgeReport>;
}

/** Milliseconds without anybody building the trace after which this counts as a failure. */
const UNBUILT = 30_000;

/** Milliseconds in which NATS has to say of all streams how far they were read. */
const COMPARED_WITHIN = 60_000;

const SWEEP_EVERY = 60 * 60_000;

/**
 * Builds the trace from the streams, indexes it by the search fields, and purges it. Only one of
 * several operator planes does this, the one that holds the lease: they share a store, and the
 * streams are read once.
 */
// oxlint-disable-next-line max-lines-per-function -- a factory: its closures share the state above them
export async function startTracing(parts: TracingOptions): Promise<Tracing> {
  const { broker, store, bodies, log } = parts;
  const stopping = new AbortController();
  let held: Held | undefined;
  /** Whether the next reader here must read everything again. */
  let again = false;
  const settings = followSettings(broker, parts.settings, (now) => held?.follow(now));
  const purge: Tracing['purge'] = ({ keep = settings.now.keep, dryRun } = {}) =>
    store.purge({
      now: Date.now(),
      keep,
      dryRun,
      removeBody: (ref) => bodies.remove(ref),
      signal: stopping.signal,
    });
  const tellRestored = (behind: readonly Behind[] = []): void => {
    const telling = async (): Promise<void> => {
      await tellOther({ store, log });
      for (const range of goneOf(behind)) await tellGone({ broker, store, log }, range);
    };
    background(telling(), 'reporting a restored trace', isTold);
  };
  let waiting = false;
  /** Since when nobody has been building the trace. */
  let unbuiltSince: number | undefined;
  /** What was told of it. */
  const problems = new Set<string>();
  const { kv } = await state(broker);
  const holding = whileHeld(leases(kv, randomUUID()), 'projector', {
    signal: stopping.signal,
    onWaiting: ({ problem }) => {
      if (problem === undefined) {
        if (!waiting) log.info({ event: 'trace-built-elsewhere' }, 'trace-built-elsewhere');
        unbuiltSince = undefined;
        problems.clear();
      } else {
        // that there is no answer yet comes before what is wrong
        if (!problems.has(problem)) log.warn({ event: 'trace-waits', problem }, 'trace-waits');
        problems.add(problem);
        unbuiltSince ??= Date.now();
      }
      waiting = problem === undefined;
    },
    run: async (signal, lease) => {
      waiting = false;
      unbuiltSince = undefined;
      problems.clear();
      const soon = AbortSignal.any([signal, AbortSignal.timeout(COMPARED_WITHIN)]);
      const floors = await untilAnswered(() => projectorFloors(broker), soon);
      if (signal.aborted) return 'clean';
      // one stream that does not answer must not keep the others from the trace
      if (floors?.every(({ floor }) => floor !== undefined) !== true)
        log.warn({ event: 'trace-not-compared' }, 'trace-not-compared');
      const compared = comparedOnce(store, floors, (behind) => {
        held?.again();
        tellRestored(behind);
        background(sawOther(kv), 'noting a restored trace', isAway);
      });
      held = project(parts, settings.now, compared);
      if (again) held.again();
      again = false;
      const purging = purgeRegularly({ purge, store, kv, log }, signal);
      const sweeping = sweepRegularly(parts, () => hasOtherBodies(kv, settings.now.keep), signal);
      const recording = recordRunningHosts(parts, signal);
      const projecting = held;
      const onOther = (): void => {
        projecting.again();
        tellRestored();
      };
      const ended = new AbortController();
      const marking = keepMark(
        { store, kv, isOurs: () => lease.isHeld(), isBehind: compared, onOther },
        ended.signal,
      );
      await aborted(signal);
      await Promise.all([purging, sweeping, recording, held.stop()]);
      // the last mark comes after what was read last
      ended.abort();
      await marking;
      held = undefined;
      return 'clean';
    },
  });
  return {
    get settings() {
      return settings.now;
    },
    damaged(damage) {
      again = true;
      held?.again();
      again = held === undefined;
      background(tellDamaged({ store, log }, damage), 'reporting a damaged file', isTold);
    },
    behind(read) {
      const looking = async (): Promise<void> => {
        // before they begin again
        const floors = await projectorFloors(broker).catch(unless(isAway, 'asking what was read'));
        held?.again();
        tellRestored(behindOf(floors ?? [], read));
        await sawOther(kv);
      };
      background(looking(), 'noting a restored trace', isAway);
    },
    purge,
    verify: ({ repair }) =>
      verifyTrace(broker, store, {
        repair,
        keys: keyReader(settings.now.search, Promise.resolve(bodies)),
        failing: () => held?.failing()?.why,
      }),
    lag: async () => countOf(await projectorUnread(broker)),
    unread: () => allUnread(broker),
    failingSince() {
      if (held !== undefined) return held.failing()?.since;
      const since = unbuiltSince ?? Number.POSITIVE_INFINITY;
      return Date.now() - since > UNBUILT ? since : undefined;
    },
    async stop() {
      settings.close();
      stopping.abort();
      await holding;
    },
  };
}

/** What is done while the lease is held. */
interface Held {
  failing(): Failing | undefined;
  again(): void;
  /** Adopts changed settings. */
  follow(settings: TraceSettings): void;
  stop(): Promise<void>;
}

function project(
  { broker, store, bodies, log, onApplied }: TracingOptions,
  first: TraceSettings,
  compared: () => Promise<unknown>,
): Held {
  const source = streamSource(broker, first.search, {
    onMissing: (range) => {
      tellMissing({ broker, store, log }, range).catch((error: unknown) =>
        // the store or NATS is unreachable; it is in the log anyway
        log.error({ event: 'messages-missing', err: error, ...range }, 'messages-missing'),
      );
    },
  });
  const projector = startProjector({
    source,
    store,
    log,
    before: compared,
    onApplied,
  });
  let known = first;
  let indexing = index(source, { store, bodies, log }, first);
  return {
    failing: () => projector.failing(),
    again: () => source.again(),
    follow(settings) {
      const before = known;
      known = settings;
      if (isSameSearch(before, settings)) return;
      const old = indexing;
      old.stop.abort();
      indexing = index(source, { store, bodies, log }, settings, old.done);
    },
    async stop() {
      indexing.stop.abort();
      await projector.stop();
      await indexing.done;
    },
  };
}

/** After a failure, such as a database that is away or a full disk. */
const REINDEX_AGAIN = { every: 60_000, backoff: 2, max: 3_600_000 };

/** Makes earlier messages searchable by the new search fields. */
function index(
  source: StreamSource,
  { store, bodies, log }: Pick<TracingOptions, 'store' | 'bodies' | 'log'>,
  { search }: TraceSettings,
  before?: Promise<void>,
): { readonly stop: AbortController; readonly done: Promise<void> } {
  const stop = new AbortController();
  const { signal } = stop;
  const attempt = async (): Promise<void> => {
    await Promise.all([before, source.index(search)]);
    signal.throwIfAborted();
    const began = performance.now();
    let begun = false;
    const report = await store.reindex({
      search,
      keys: keyReader(search, Promise.resolve(bodies)),
      onBegin(begin) {
        begun = true;
        log.info({ event: 'reindex-began', ...begin }, 'reindex-began');
      },
      signal,
    });
    const seconds = Math.round((performance.now() - began) / 1_000);
    if (begun) log.info({ event: 'reindexed', ...report, seconds }, 'reindexed');
  };
  // until it succeeds or nobody needs it: a search tells what is missing meanwhile
  const run = async (): Promise<void> => {
    for (let tries = 1; !signal.aborted; tries++) {
      try {
        return await attempt();
      } catch (error) {
        if (signal.aborted) return;
        const nextIn = retryDelay(REINDEX_AGAIN, tries);
        log.error({ event: 'reindex-failed', err: error, nextIn }, 'reindex-failed');
        await pause(nextIn, signal, { ref: false });
      }
    }
  };
  return { stop, done: run() };
}

/**
 * Regularly removes large bodies to which nothing refers, for example because their engine died
 * before storing the message.
 */
async function sweepRegularly(
  { broker, store, log }: TracingOptions,
  areOthers: () => Promise<boolean>,
  signal: AbortSignal,
): Promise<void> {
  const sweeper = bodySweeper(broker);
  while (!signal.aborted) {
    await pause(SWEEP_EVERY, signal, { ref: false });
    if (signal.aborted) return;
    try {
      if (await areOthers()) continue;
      const isTraced = (bodyRef: string): Promise<boolean> => store.pointsTo(bodyRef);
      const count = await sweeper.sweep({ now: Date.now(), isTraced, signal });
      if (count > 0) log.info({ event: 'bodies-swept', count }, 'bodies-swept');
    } catch (error) {
      if (!signal.aborted) log.warn({ event: 'sweep-failed', err: error }, 'sweep-failed');
    }
  }
}

/** Milliseconds between two looks: two for each ten minutes that the trace distinguishes. */
const LOOK = 5 * 60_000;
/** Records regularly which hosts run on any engine, until the signal. */
async function recordRunningHosts(
  { broker, store }: { readonly broker: Broker; readonly store: TraceStore },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const reports = await askAll(broker, ENGINE.status, null);
      const hosts = reports.flatMap((report) =>
        report.hosts.flatMap((one) => (one.state === 'running' ? [one.host] : [])),
      );
      if (hosts.length > 0) await store.sawRunning([...new Set(hosts)], Date.now());
    } catch (error) {
      // nothing runs that could be seen, or the trace is away, which its projector tells
      tolerate(error, (cause) => isAway(cause) || isTold(cause), 'recording which hosts run');
    }
    await pause(LOOK, signal, { ref: false });
  }
}
