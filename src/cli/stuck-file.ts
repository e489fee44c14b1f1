import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Stuck } from '../flow/work-marks.ts';

/** One time that an engine stood still. */
export interface StuckRecord {
  readonly at: number;
  /** For how many milliseconds. */
  readonly after: number;
  /** What it was at work on, as far as that is known. */
  readonly work: readonly Stuck[];
  /** Whether the event log has it. */
  readonly told?: boolean;
}

const KEPT = 100;

const place = (data: string): string => join(data, 'stuck.json');

/** Keeps for the engine that is begun again what it must not take up. */
export function addStuck(data: string, record: StuckRecord): void {
  write(data, [...stuckRecords(data), record].slice(-KEPT));
}

/** What engines of this data folder stood still at since one ended in order. */
export function stuckRecords(data: string): StuckRecord[] {
  try {
    const read: unknown = JSON.parse(readFileSync(place(data), 'utf8'));
    return Array.isArray(read) ? (read as StuckRecord[]) : [];
  } catch {
    // none was written, or the disk was full when it was: what is not known is tried again
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

/** A person has ended or changed what ran: what was stuck may be tried again. */
export function forgetStuck(data: string): void {
  rmSync(place(data), { force: true });
}

function write(data: string, records: readonly StuckRecord[]): void {
  writeFileSync(place(data), JSON.stringify(records), { mode: 0o600 });
}
