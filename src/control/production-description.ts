import type { Definition, HostDefinition, ProductionSettings } from '../definition/definition.ts';
import type { Edge } from '../definition/edges.ts';
import type { Place } from '../definition/place.ts';

/** A production as plain data: what the console draws and shows. It holds no secret. */
export interface ProductionDescription {
  readonly name: string;
  readonly title: string;
  readonly settings: Omit<ProductionSettings, 'search'> & {
    readonly search: Readonly<Record<string, string>>;
  };
  readonly alerts: Definition['alerts'];
  readonly hosts: readonly HostDescription[];
  readonly edges: readonly Edge[];
  /** The adapters in use by type, with what their settings mean. */
  readonly adapters: Readonly<Record<string, AdapterDescription>>;
}

export interface AdapterDescription {
  readonly title: string;
  readonly summary: string;
  /** Path of a setting → what it is. */
  readonly settings: Readonly<
    Record<string, { readonly kind: string; readonly help: string; readonly advanced: boolean }>
  >;
}

/** What of a host's own settings is told by itself, not in the list of them. */
type Told = 'name' | 'kind' | 'title' | 'comment' | 'tags' | 'enabled' | 'schedule' | 'alert';

export interface HostDescription extends Pick<HostDefinition, Told> {
  /** Below the production's folder. */
  readonly place: Place;
  /** Its type; a process has none. */
  readonly adapter: string | undefined;
  /** A process that runs where its message is accepted: it has no queue and no state of its own. */
  readonly inline: boolean;
  /** What the adapter is set to, each with where it stands; then what holds for the host itself. */
  readonly settings: readonly DescribedSetting[];
  readonly rules: readonly DescribedRule[];
}

/** One setting as it was given, or its default. */
export interface DescribedSetting {
  /** `connect`, `tls.trust`; of the host itself: `pool`, `retry.every`. */
  readonly path: string;
  readonly of: 'adapter' | 'host';
  readonly value: unknown;
  readonly written: boolean;
  readonly place: Place | undefined;
  /** Of the host itself; what a setting of an adapter means is told with the adapter. */
  readonly help?: string | undefined;
}

export interface DescribedRule {
  readonly set: string;
  readonly name: string;
  readonly when: string | undefined;
  readonly send: readonly { readonly to: string; readonly transforms: readonly string[] }[];
  readonly disabled: boolean;
}
