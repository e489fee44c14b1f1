import { randomUUID } from 'node:crypto';
import type { KV } from '@nats-io/kv';
import type { Audit } from '../access/audit/audit.ts';
import type { MetaDatabase, MetaPlace } from '../access/meta/meta-database.ts';
import type { Emergencies } from '../access/rights/emergency.ts';
import type { BodyMask } from '../access/rights/field-mask.ts';
import { type ConsoleGuard, consoleGuard, sharedKey } from '../access/sign-in/console-guard.ts';
import type { ConsoleSettings } from '../access/sign-in/console-settings.ts';
import { factorSeal } from '../access/sign-in/factor/factor-seal.ts';
import { type ApiOptions, type ApiServer, startApi } from '../api/api-server.ts';
import type { ApiContext } from '../api/context.ts';
import type { Bodies } from '../broker/bodies.ts';
import type { Broker } from '../broker/broker.ts';
import { leases } from '../broker/lease.ts';
import { state } from '../broker/state.ts';
import { type Alone, whileHeld } from '../broker/while-held.ts';
import { serveRelayed } from '../control/relay-server.ts';
import type { Logger } from '../log/logger.ts';
import { patientAudit, patientFields } from '../operator/access/patient-audit.ts';
import type { Alerting } from '../operator/alert/alerting.ts';
import { type DraftStore, draftStore, sealDrafts } from '../operator/draft-store.ts';
import { type Engines, engines } from '../operator/engines.ts';
import { frozenLists } from '../operator/job/frozen-lists.ts';
import { type JobRights, jobRights } from '../operator/job/job-rights.ts';
import { type JobRunner, jobRunner } from '../operator/job/job-runner.ts';
import { jobWork } from '../operator/job/job-work.ts';
import { jobStore } from '../operator/job/stored-jobs.ts';
import { liveRecord } from '../operator/live/live-record.ts';
import { liveStream } from '../operator/live/live-stream.ts';
import { otherProductions } from '../operator/other-productions.ts';
import { lately, remembered } from '../time/remembered.ts';
import type { Applied } from '../trace/projector.ts';
import type { TraceStore } from '../trace/trace-store.ts';
import { startAlerting } from './alerting.ts';
import type { Tracing } from './tracing.ts';

/** What the operator plane provides to its console. */
export interface ConsoleSources {
  /** Where users, jobs, alerts and the audit log are. */
  readonly place: MetaPlace;
  readonly broker: Broker;
  readonly trace: TraceStore;
  readonly bodies: Bodies;
  readonly tracing: Tracing;
  readonly log: Logger;
}

export interface ConsoleOptions extends Omit<ApiOptions, 'context' | 'signIn' | 'relayed'> {
  /** A sign-in to use instead of that of console.yaml and the local users. */
  readonly signIn?: ApiOptions['signIn'] | undefined;
  /** `console.yaml`: how people and programs sign in. Default: the one in the data folder. */
  readonly settingsFile?: string | undefined;
  /** See `ConsoleGuardOptions`. */
  readonly held?: ConsoleSettings | undefined;
  /** Where acts are recorded; audit.db by default. */
  readonly audit?: Audit | undefined;
  /** How bodies are masked; by default as configured in console.yaml. */
  readonly mask?: BodyMask | undefined;
  /** Milliseconds between two checks for alerts. Default 10 s. */
  readonly watchEvery?: number | undefined;
}

export interface OperatorConsole {
  readonly api: ApiServer;
  /** The settings from `console.yaml` when it was read. */
  readonly settings: ConsoleSettings;
  /** See `ConsoleGuard`. */
  readonly firstCode: string | undefined;
  readonly audit: Audit;
  readonly alerting: Alerting;
  /** Called with what has become visible in the trace. */
  applied(applied: Applied): void;
  stop(): Promise<void>;
}

/** Milliseconds. */
const LAG_FRESH = 2_000;
const USAGE_FRESH = 60_000;

/** Starts the API and everything that is only for people: live events, jobs, alerts. */
export async function startConsole(
  parts: ConsoleSources,
  { audit, mask, watchEvery, settingsFile, held, ...options }: ConsoleOptions,
): Promise<OperatorConsole> {
  const { place, broker, log } = parts;
  const reached = engines(broker, options.tls?.certificate);
  const guard = await consoleGuard({
    production: broker.production,
    place,
    file: settingsFile,
    held,
    host: options.host,
    hosts: async () => (await reached.describe()).hosts,
    log,
  });
  const service = await peopleService(parts, {
    meta: guard.meta,
    rights: jobRights(guard.rightsNow, guard.settings.bulkLimit),
    reached,
    every: watchEvery,
    settings: guard.settings,
    emergencies: guard.emergencies,
  });
  const { live, watcher, jobs } = service;
  const context: ApiContext = {
    ...contextParts(parts, service.jobs),
    ...guardedParts(parts, guard),
    ...service,
    drafts: await sealedDrafts(guard.meta),
    engines: reached,
    audit: patientAudit(audit ?? guard.audit, { ...parts, ...fieldsOf(parts, guard) }),
    mask: mask ?? guard.mask,
  };
  const end = async (): Promise<void> => {
    for (const one of [watcher, jobs]) await one.stop();
    for (const one of [live, guard]) await one.close();
  };
  try {
    const { relayed, signIn: own } = guard;
    const { signIn = own } = options;
    const api = await startApi({ ...options, signIn, relayed, context });
    const server = serveRelayed(broker, api.answerRelayed);
    return {
      api,
      settings: guard.settings,
      firstCode: guard.firstCode,
      audit: context.audit,
      alerting: service.alerting,
      applied: (applied) => live.tell(liveRecord(applied)),
      async stop() {
        server.close();
        await api.close();
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

async function sealedDrafts(meta: MetaDatabase): Promise<DraftStore> {
  const own = await sharedKey(meta, 'file-change');
  const seal = await factorSeal(own, process.env);
  await sealDrafts(meta, seal);
  return draftStore(meta, seal);
}

/** The search fields, and which of them identify a patient; both may change while it runs. */
function fieldsOf(
  { tracing }: ConsoleSources,
  { settings }: ConsoleGuard,
): {
  readonly search: () => ReadonlyMap<string, string>;
  readonly fields: () => readonly string[];
} {
  const search = (): ReadonlyMap<string, string> => tracing.settings.search;
  return { search, fields: () => patientFields(search(), settings.patientFields) };
}

/** What `console.yaml` decides. */
function guardedParts(
  parts: ConsoleSources,
  guard: ConsoleGuard,
): Pick<ApiContext, 'others' | 'patientFields' | 'traceUrl' | 'bulkLimit'> {
  const { settings, traceUrl } = guard;
  return {
    others: otherProductions(parts.broker, settings.productions),
    patientFields: fieldsOf(parts, guard).fields,
    traceUrl,
    bulkLimit: settings.bulkLimit,
  };
}

type PeopleService = Pick<ApiContext, 'meta' | 'live' | 'alerts' | 'alerting' | 'jobs'> & {
  readonly watcher: { stop(): Promise<void> };
};

/** Services for people that run whether or not the console is open. */
async function peopleService(
  parts: ConsoleSources,
  {
    meta,
    rights,
    reached,
    every,
    settings,
    emergencies,
  }: {
    readonly meta: MetaDatabase;
    readonly rights: JobRights;
    readonly reached: Engines;
    readonly every: number | undefined;
    readonly emergencies: Emergencies;
    readonly settings: Pick<ConsoleSettings, 'alerts' | 'publicUrl'>;
  },
): Promise<PeopleService> {
  const { broker, trace, tracing, log } = parts;
  const live = await liveStream(broker, log);
  const { kv } = await state(broker);
  const { alone, isFull } = leaseTaker(kv, log);
  const jobs = jobRunner({
    store: jobStore(meta),
    lists: frozenLists(meta),
    work: jobWork({ broker, trace, engines: reached }),
    rights,
    trace,
    keep: () => tracing.settings.keep,
    live,
    log,
    alone: alone('jobs'),
  });
  const alerting = startAlerting(parts, {
    meta,
    reached,
    live,
    emergencies,
    alone: alone('alerts'),
    isFull: () => isFull('alerts'),
    every,
    settings,
  });
  return { meta, live, alerts: alerting.store, alerting, jobs, watcher: alerting };
}

/** Runs things on one plane at a time, and knows for which of them NATS has no room. */
function leaseTaker(kv: KV, log: Logger) {
  const held = leases(kv, randomUUID());
  const full = new Set<string>();
  const alone =
    (lease: string): Alone =>
    (run, signal) =>
      whileHeld(held, lease, {
        signal,
        onWaiting({ problem, isWithoutRoom = false }) {
          if (isWithoutRoom) full.add(lease);
          else full.delete(lease);
          const event = `${lease}-wait`;
          if (problem !== undefined) log.debug({ event, problem }, event);
        },
        run: async (still) => {
          full.delete(lease);
          await run(still);
          return 'clean';
        },
      });
  return { alone, isFull: (lease: string): boolean => full.has(lease) };
}

function contextParts(
  { broker, trace, bodies, tracing, log }: ConsoleSources,
  jobs: JobRunner,
): Omit<
  ApiContext,
  | keyof PeopleService
  | 'engines'
  | 'drafts'
  | 'others'
  | 'audit'
  | 'mask'
  | 'traceUrl'
  | 'bulkLimit'
  | 'patientFields'
> {
  const usage = remembered(USAGE_FRESH, () => trace.usage());
  // a request to NATS for each queue, which takes its time while that writes
  const lag = lately({ renewed: LAG_FRESH, atMost: 10 * LAG_FRESH }, () => tracing.lag());
  return {
    production: broker.production,
    broker,
    trace,
    bodies,
    search: () => tracing.settings.search,
    keep: () => tracing.settings.keep,
    log,
    lag: () => lag.get(),
    failingSince: () => tracing.failingSince(),
    usage: () => usage.get(),
    async purge() {
      const report = await tracing.purge();
      usage.forget();
      return { ...report, jobs: (await jobs.purge()).jobs };
    },
  };
}
