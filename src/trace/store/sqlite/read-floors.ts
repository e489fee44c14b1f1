import type { StreamRead } from '../../../broker/stream-reader.ts';
import { isNoted, setNoted } from './mark.ts';
import type { TraceFile } from './trace-file.ts';
import type { TraceFiles } from './trace-files.ts';

/** The note of a file about how far all streams have been read: a number by the id of each. */
const READ = 'read';

type Floors = Readonly<Record<string, number>>;

/**
 * How far each stream has been read into the trace, noted with what was read: in the newest day's file, so that neither a
 * copy of all files nor of that one says more than it has. The held file has it while there is no day.
 */
const newest = (files: TraceFiles): TraceFile => files.file(files.days()[0] ?? 'held');

/** Of the newest file that says it: on a new day that is the one before. */
function floors(files: TraceFiles): Floors {
  for (const name of [...files.days(), 'held']) {
    const note = files.file(name).note(READ);
    if (note !== undefined) return JSON.parse(note) as Floors;
  }
  return {};
}

/** How far each stream has been read; empty if it is not known. */
export const readUpTo = (files: TraceFiles): ReadonlyMap<string, number> =>
  new Map(isNoted(files) ? Object.entries(floors(files)) : []);

/** Notes what was just written. It is durable once the log of the returned file is. */
export function noteRead(files: TraceFiles, read: readonly StreamRead[]): TraceFile {
  const noted = {
    ...floors(files),
    ...Object.fromEntries(read.map(({ id, floor }) => [id, floor])),
  };
  const file = newest(files);
  file.unsynced(() => file.setNote(READ, JSON.stringify(noted)));
  return file;
}

/** Notes how far the streams were read at least, by who did not note it. */
export function setReadUpTo(files: TraceFiles, read: readonly StreamRead[]): void {
  const noted: Record<string, number> = { ...floors(files) };
  for (const { id, floor } of read) noted[id] = Math.max(floor, noted[id] ?? 0);
  newest(files).setNote(READ, JSON.stringify(noted));
  setNoted(files);
}

/** Before a day is removed for good. Only within a transaction of held.db. */
export function keepRead(files: TraceFiles, day: string): void {
  if (files.days()[0] === day) files.held.setNote(READ, files.day(day).note(READ));
}
