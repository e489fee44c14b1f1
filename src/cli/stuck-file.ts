import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Stuck } from '../flow/work-marks.ts';

/** One occasion on which an engine was stuck. */
export interface StuckRecord {
  readonly at: number;
  /** How long, in milliseconds. */
  readonly after: number;
  /** What it was working on, if known. */
  readonly work: readonly Stuck[];
  /** Whether it is in the event log. */
  readonly told?: boolean;
}

const KEPT = 100;

const place = (data: string): string => join(data, 'stuck.json');

/** Stores what the restarted engine must not take up. */
export function addStuck(data: string, record: StuckRecord): void {
  write(data, [...stuckRecords(data), record].slice(-KEPT));
}

/** What engines of this data folder got stuck on since the last orderly end. */
export function stuckRecords(data: string): StuckRecord[] {
  try {
    const read: unknown = JSON.parse(readFileSync(place(data), 'utf8'));
    return Array.isArray(read) ? (read as StuckRecord[]) : [];
  } catch {
    // none was written, or the disk was full: an unknown message is tried again
    return [];
  }
}

export function stuckTold(data: string): void {
  const records = stuckRecords(data);
  if (records.some(({ told }) => told !== true)) {
    write(
      data,
      records.map((one) => ({ ...one, told: true })),
    );
  }
}

/** A person has stopped or changed the production: what was stuck may be tried again. */
export function forgetStuck(data: string): void {
  rmSync(place(data), { force: true });
}

function write(data: string, records: readonly StuckRecord[]): void {
  writeFileSync(place(data), JSON.stringify(records), { mode: 0o600 });
}
