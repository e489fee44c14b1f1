import type { Machine } from './machine.ts';
import type { Paced } from './rig.ts';
import type { WorkloadName } from './shape.ts';
import type { Stored } from './stored.ts';
import type { WorkloadResult } from './workload.ts';

/** All data of the report page, as stored in bench/report.json. Nothing in it names the machine. */
export interface Report {
  /** `2026-11-27`. */
  readonly made: string;
  readonly version: string;
  readonly machine: Machine;
  /** Every workload with every number of connections. */
  readonly results: readonly WorkloadResult[];
  /** Fractions of the sustained rate, held for a while. */
  readonly shares: readonly Share[];
  readonly stored?: StoredSeries | undefined;
}

export interface Share {
  readonly workload: WorkloadName;
  readonly connections: number;
  /** Of the sustained rate. */
  readonly share: number;
  readonly run: Paced;
}

export interface StoredSeries {
  readonly workload: WorkloadName;
  readonly connections: number;
  readonly messages: number;
  readonly steps: readonly Stored[];
}
