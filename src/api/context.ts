import type { Audit } from '../access/audit/audit.ts';
import type { MetaDatabase } from '../access/meta/meta-database.ts';
import type { BodyMask } from '../access/rights/field-mask.ts';
import type { Bodies } from '../broker/bodies.ts';
import type { Broker } from '../broker/broker.ts';
import type { Logger } from '../log/logger.ts';
import type { AlertStore } from '../operator/alert/alert-store.ts';
import type { Alerting } from '../operator/alert/alerting.ts';
import type { DraftStore } from '../operator/draft-store.ts';
import type { Engines } from '../operator/engines.ts';
import type { JobRunner } from '../operator/job/job-runner.ts';
import type { LiveStream } from '../operator/live/live-stream.ts';
import type { OtherProductions } from '../operator/other-productions.ts';
import type { PurgeReport, TraceStore, TraceUsage } from '../trace/trace-store.ts';

/** What the routes depend on. */
export interface ApiContext {
  readonly production: string;
  readonly broker: Broker;
  readonly others: OtherProductions;
  readonly trace: TraceStore;
  readonly bodies: Bodies;
  readonly engines: Engines;
  readonly audit: Audit;
  readonly mask: BodyMask;
  readonly meta: MetaDatabase;
  /** Changes of the production's files that were proposed. */
  readonly drafts: DraftStore;
  readonly live: LiveStream;
  readonly alerts: AlertStore;
  readonly alerting: Alerting;
  readonly jobs: JobRunner;
  /** The production's search fields, name → path. */
  readonly search: () => ReadonlyMap<string, string>;
  /** Those of them whose values identify a patient. */
  readonly patientFields: () => readonly string[];
  /** Milliseconds that settled messages stay in the trace. */
  readonly keep: () => number;
  readonly log: Logger;
  /** Address of a trace in another system; `{traceId}` stands for its id. */
  readonly traceUrl: string | undefined;
  /** How many messages somebody may act on at once who lacks `message.bulk_unlimited`. */
  readonly bulkLimit: number;
  /** Messages that the trace does not show yet. */
  readonly lag: () => Promise<number>;
  /** Since when the trace store has been failing. */
  readonly failingSince: () => number | undefined;
  /** The size of the store, at most a minute old, since it has to be counted. */
  readonly usage: () => Promise<TraceUsage>;
  /** Also returns how many ended jobs were removed. */
  readonly purge: () => Promise<PurgeReport & { readonly jobs: number }>;
}
