import type { InboundAdapter, OutboundAdapter } from '../adapter/adapter.ts';
import type { Expression } from '../expression/expression.ts';
import type { LookupTables } from '../lookup/lookup-tables.ts';
import type { RuleSet } from '../rule/rule.ts';
import type { RetryPolicy } from '../time/back-off.ts';
import type { Transform } from '../transform/transform.ts';
import type { Place } from './place.ts';
import type { Written } from './written/written.ts';

/** A whole production, read, checked and compiled: everything the director needs to run it. */
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
  readonly lookups: LookupTables;
  /** Entries under `credentials` with `${…}` values resolved; read by src/credential. Never logged. */
  readonly credentials: ReadonlyMap<string, CredentialEntry>;
  readonly alerts: AlertSettings | undefined;
  /** All files the definition was read from, for `--watch`. */
  readonly files: readonly string[];
  /**
   * Where a value stands, by the keys that lead to it: `['operations', 'ward', 'settings', 'connect']`;
   * the overlay's file where an overlay set it. Undefined for a value that was not written (a default).
   */
  placeOf(keys: readonly (string | number)[]): Place | undefined;
  /** What two definitions are compared by; see difference.ts. */
  readonly source: DefinitionSource;
}

/** What a definition was made from. */
interface DefinitionSource {
  /** Everything as written, after overlays were laid over it and values filled in. */
  readonly written: Written;
  /** Absolute path → hash of the content of each file, such as the code of a process. */
  readonly digests: ReadonlyMap<string, string>;
}

export interface CredentialEntry {
  readonly kind: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly place: Place;
  /** Absolute paths of the files that `${file:…}` in it read, to be watched for a renewal. */
  readonly files: readonly string[];
}

export interface ProductionSettings {
  /** Milliseconds that settled messages stay in the trace and can be replayed. Default 7d. */
  readonly keep: number;
  /** Name → path of what operators search by. */
  readonly search: ReadonlyMap<string, string>;
  /** Bodies above this many bytes go to the object store. Default 256KB. */
  readonly inlineLimit: number;
  /** Milliseconds in which an equal message from the same service is stored once. Default 10m. */
  readonly duplicateWindow: number;
  /** Bytes a queue may hold before senders are refused. */
  readonly queueLimit: number;
  /** Whether people may send messages of their own into hosts. Default false. */
  readonly testMessages: boolean;
  /** Milliseconds a stop waits for what is in flight. Default 120s. */
  readonly shutdownTimeout: number;
}

interface HostDefinition {
  readonly name: string;
  readonly place: Place;
  readonly title?: string | undefined;
  readonly comment?: string | undefined;
  readonly tags: readonly string[];
  /** false keeps the host stopped until a person starts it; its queue still fills. */
  readonly enabled: boolean;
  /** When the host is on; undefined is always. */
  readonly schedule?: string | undefined;
  readonly alert: HostAlert | undefined;
}

export interface ServiceDefinition extends HostDefinition {
  readonly kind: 'service';
  readonly adapter: InboundAdapter;
  /** As the adapter sees them. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** As written, after values were filled in except secrets; for showing and for comparing. */
  readonly given: Readonly<Record<string, unknown>>;
  readonly to: readonly string[];
  /** Whether equal messages inside the duplicate window are stored once. Default true. */
  readonly duplicates: 'once' | 'all';
}

export interface ProcessDefinition extends HostDefinition {
  readonly kind: 'process';
  readonly run: 'inline' | 'queued';
  /** A router has rule sets; a code process has a module. */
  readonly rules: readonly RuleSet[];
  /** Absolute path of the module with the default export of `defineProcess`. */
  readonly code?: string | undefined;
  /** The targets a code process may send to, where it says so: drawn in the map and checked at each send. */
  readonly to?: readonly string[] | undefined;
  readonly validate: 'none' | 'structure' | 'full';
  /** What happens to a message that does not validate: `suspend`, or a target's name. */
  readonly invalid: string;
  readonly pool: number;
  readonly order: QueueOrder;
  /** Whether the next message of a line waits with one whose code waits. */
  readonly whileWaiting: 'hold' | 'release';
  readonly retry: RetryPolicy;
}

export interface OperationDefinition extends HostDefinition {
  readonly kind: 'operation';
  readonly adapter: OutboundAdapter;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly given: Readonly<Record<string, unknown>>;
  readonly pool: number;
  readonly order: QueueOrder;
  readonly retry: RetryPolicy;
  /** Milliseconds one send may take. Default 60s. */
  readonly timeout: number;
  /** Reply code or problem → actions, over the adapter's defaults. */
  readonly replies: Readonly<Record<string, string | readonly string[]>>;
  /** Who gets each answer as a message of its own. */
  readonly answersTo: readonly string[];
}

export type QueueOrder =
  | 'fifo'
  | 'none'
  | { readonly byKey: Expression; readonly partitions: number };

export interface HostAlert {
  /** Queue depth above which to alert. */
  readonly queue?: number | undefined;
  /** Milliseconds the oldest message may wait. */
  readonly wait?: number | undefined;
  /** Milliseconds without any message. */
  readonly silent?: number | undefined;
  /** How many may fail or be suspended within an hour. */
  readonly failed?: number | undefined;
  /** `22:00-06:00`: no alert on silence in that time. */
  readonly quiet?: string | undefined;
}

interface AlertSettings {
  readonly to: readonly string[];
  readonly every: number;
}
