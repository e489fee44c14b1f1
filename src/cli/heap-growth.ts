import { setFlagsFromString } from 'node:v8';

/**
 * Has V8 collect the old generation of every thread once it has doubled. By itself it lets it grow to four times
 * what is in use, and an engine's messages leave some 5 KB each there: measured, 579 MiB were resident of which
 * 100 were in use. Collecting earlier costs no measurable processor time, since most of the work is done beside.
 */
export function limitHeapGrowth(): void {
  // what somebody set for the whole process counts
  if (/heap[-_]growing[-_]percent/.test(process.execArgv.join(' '))) return;
  setFlagsFromString('--heap-growing-percent=100');
}
