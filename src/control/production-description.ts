import type { HostAlert } from '../definition/definition.ts';
import type { Place } from '../definition/place.ts';

/** A production as plain data: what the console draws and shows. It holds no secret. */
export interface ProductionDescription {
  readonly name: string;
  readonly title: string;
  readonly settings: {
    readonly keep: number;
    readonly search: Readonly<Record<string, string>>;
    readonly inlineLimit: number;
    readonly duplicateWindow: number;
    readonly queueLimit: number;
    readonly testMessages: boolean;
    readonly shutdownTimeout: number;
  };
  readonly alerts: { readonly to: readonly string[]; readonly every: number } | undefined;
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

export interface HostDescription {
  readonly name: string;
  readonly kind: 'service' | 'process' | 'operation';
  readonly title: string | undefined;
  readonly comment: string | undefined;
  readonly tags: readonly string[];
  readonly enabled: boolean;
  readonly schedule: string | undefined;
  readonly alert: HostAlert | undefined;
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
}

export interface DescribedRule {
  readonly set: string;
  readonly name: string;
  readonly when: string | undefined;
  readonly send: readonly { readonly to: string; readonly transforms: readonly string[] }[];
  readonly disabled: boolean;
}

/** That one host may send to another, and why. */
export interface Edge {
  readonly from: string;
  readonly to: string;
  /** `to` of a service, a rule, a code process, what does not validate, or a setting of an adapter. */
  readonly by: 'to' | 'rule' | 'code' | 'invalid' | 'setting';
  /** Names of the rules or the setting. */
  readonly labels: readonly string[];
}
