import type { Definition, HostDefinition, ProductionSettings } from '../definition/definition.ts';
import type { Edge } from '../definition/edges.ts';
import type { Place } from '../definition/place.ts';

/** A production as plain data, for the console. It contains no secret. */
export interface ProductionDescription {
  readonly name: string;
  readonly title: string;
  readonly settings: Omit<ProductionSettings, 'search'> & {
    readonly search: Readonly<Record<string, string>>;
  };
  readonly alerts: Definition['alerts'];
  readonly hosts: readonly HostDescription[];
  readonly edges: readonly Edge[];
  /** The adapters in use by type, with the meaning of their settings. */
  readonly adapters: Readonly<Record<string, AdapterDescription>>;
}

export interface AdapterDescription {
  readonly title: string;
  readonly summary: string;
  /** Path of a setting → its meaning. */
  readonly settings: Readonly<
    Record<string, { readonly kind: string; readonly help: string; readonly advanced: boolean }>
  >;
}

/** A host's own settings that have a field of their own here, outside the list. */
type Told = 'name' | 'kind' | 'title' | 'comment' | 'tags' | 'enabled' | 'schedule' | 'alert';

export interface HostDescription extends Pick<HostDefinition, Told> {
  /** Below the production's folder. */
  readonly place: Place;
  /** Its type; a process has none. */
  readonly adapter: string | undefined;
  /** Whether it is a process that runs while its message is accepted: it has no queue and no state of its own. */
  readonly inline: boolean;
  /** The adapter's settings, each with where it is written; then the host's own. */
  readonly settings: readonly DescribedSetting[];
  readonly rules: readonly DescribedRule[];
}

/** One setting as given, or its default. */
export interface DescribedSetting {
  /** `connect`, `tls.trust`; or the host's own: `pool`, `retry.every`. */
  readonly path: string;
  readonly of: 'adapter' | 'host';
  readonly value: unknown;
  readonly written: boolean;
  readonly place: Place | undefined;
  /** Only for the host's own settings; an adapter's are explained with the adapter. */
  readonly help?: string | undefined;
}

export interface DescribedRule {
  readonly set: string;
  readonly name: string;
  readonly when: string | undefined;
  readonly send: readonly { readonly to: string; readonly transforms: readonly string[] }[];
  readonly disabled: boolean;
}
