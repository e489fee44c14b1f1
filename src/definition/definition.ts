import type { InboundAdapter, LookupAdapter, OutboundAdapter } from '../adapter/adapter.ts';
import type { Expression } from '../expression/expression.ts';
import type { LookupTables } from '../lookup/lookup-tables.ts';
import type { Profile } from '../rule/profile/profile.ts';
import type { RuleSet } from '../rule/rule.ts';
import type { RetryPolicy } from '../time/back-off.ts';
import type { Transform } from '../transform/transform.ts';
import type {
  HostKind,
  OperationGiven,
  ProcessGiven,
  ServiceGiven,
} from './grammar/host-settings.ts';
import type { SettingsGiven } from './grammar/production-form.ts';
import type { Place } from './place.ts';
import type { Written } from './written/written.ts';

/** A whole production, read, checked and compiled: all that the director needs to run it. */
export interface Definition {
  readonly name: string;
  readonly title: string;
  /** The absolute path of the production's folder. */
  readonly folder: string;
  readonly settings: ProductionSettings;
  readonly services: ReadonlyMap<string, ServiceDefinition>;
  readonly processes: ReadonlyMap<string, ProcessDefinition>;
  readonly operations: ReadonlyMap<string, OperationDefinition>;
  readonly transforms: ReadonlyMap<string, Transform>;
  /** Profiles of HL7 v2. */
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly lookups: LookupTables;
  /** Where those of them that are loaded while the production runs come from. */
  readonly lookupSources: ReadonlyMap<string, LookupSource>;
  /** Entries under `credentials` with `${…}` values resolved; read by src/credential. Never logged. */
  readonly credentials: ReadonlyMap<string, CredentialEntry>;
  readonly alerts: AlertSettings | undefined;
  /** All files the definition was read from, for `--watch`. */
  readonly files: readonly string[];
  /**
   * Where a value is, by the keys that lead to it: `['operations', 'ward', 'settings', 'connect']`;
   * the overlay's file where an overlay set it. Undefined for a default that was not written.
   */
  placeOf(keys: readonly (string | number)[]): Place | undefined;
  /** What definitions are compared by; see difference.ts. */
  readonly source: DefinitionSource;
}

/** What a definition was made from. */
interface DefinitionSource {
  /** Everything as written, after overlays were applied and values filled in. */
  readonly written: Written;
  /** Absolute path → hash of the content of each file, such as the code of a process. */
  readonly digests: ReadonlyMap<string, string>;
}

export interface CredentialEntry {
  readonly kind: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly place: Place;
  /** Absolute paths of the files that `${file:…}` in it read, to be watched for renewal. */
  readonly files: readonly string[];
}

/** The settings of the whole production; each key is explained where it is declared. */
export interface ProductionSettings extends Omit<SettingsGiven, 'search'> {
  /** Search field → path. */
  readonly search: ReadonlyMap<string, string>;
}

interface Named<Kind extends HostKind> {
  readonly kind: Kind;
  readonly name: string;
  readonly place: Place;
}

/** A host's adapter, with its settings. */
interface Adapted<Adapter> {
  readonly adapter: Adapter;
  /** As the adapter sees them. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** As written, with values filled in except secrets; for showing and comparing. */
  readonly given: Readonly<Record<string, unknown>>;
}

/** Where a code table is loaded from. */
export interface LookupSource extends Adapted<LookupAdapter> {
  readonly name: string;
  readonly place: Place;
  /** Milliseconds between two loads. */
  readonly every: number;
  /** Of all that is asked for: another one means that other rows are wanted. */
  readonly question: string;
}

/** How many messages go at once and in which order; the two do not contradict each other. */
export interface Line {
  readonly pool: number;
  readonly order: QueueOrder;
}

/*
 * The other settings of hosts are declared and explained in grammar/host-settings.ts; here are
 * those for which the definition holds something other than what was written.
 */

export interface ServiceDefinition
  extends Named<'service'>,
    Adapted<InboundAdapter>,
    Omit<ServiceGiven, 'adapter' | 'settings' | 'to'> {
  readonly to: readonly string[];
}

export interface ProcessDefinition
  extends Named<'process'>,
    Line,
    Omit<ProcessGiven, 'rules' | 'run' | 'pool' | 'order' | 'whileWaiting' | 'retry'> {
  /** A router has rule sets; a code process has a module, of which `code` is the absolute path; others collect. */
  readonly rules: readonly RuleSet[];
  readonly run: 'inline' | 'queued';
  readonly whileWaiting: 'hold' | 'release';
  readonly retry: RetryPolicy;
}

export interface OperationDefinition
  extends Named<'operation'>,
    Adapted<OutboundAdapter>,
    Line,
    Omit<OperationGiven, 'adapter' | 'settings' | 'pool' | 'order' | 'retry' | 'replies'> {
  readonly retry: RetryPolicy;
  /** Reply code or problem → actions, over the adapter's defaults. */
  readonly replies: Readonly<Record<string, string | readonly string[]>>;
}

export type HostDefinition = ServiceDefinition | ProcessDefinition | OperationDefinition;

export type QueueOrder =
  | 'fifo'
  | 'none'
  | { readonly byKey: Expression; readonly partitions: number };

interface AlertSettings {
  readonly to: readonly string[];
  readonly every: number;
}
