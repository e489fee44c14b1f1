import type { TraceFiles } from './trace-files.ts';

const MARK = 'mark';

/** The note of held.db about the mark. */
interface Marked {
  readonly mark: string;
  /** The newest file at that time, which has the mark too. */
  readonly day?: string | undefined;
}

/** Undefined also if the day that was marked is gone, or was put back from an older copy. */
export function mark(files: TraceFiles): string | undefined {
  const note = files.held.note(MARK);
  if (note === undefined) return undefined;
  const { mark: own, day } = JSON.parse(note) as Marked;
  const isWhole =
    day === undefined || (files.days().includes(day) && files.day(day).note(MARK) === own);
  return isWhole ? own : undefined;
}

export function setMark(files: TraceFiles, own: string): void {
  const [day] = files.days();
  // what is lost with the power is read again
  if (day !== undefined) {
    const file = files.day(day);
    file.unsynced(() => file.setNote(MARK, own));
  }
  files.held.unsynced(() =>
    files.held.setNote(MARK, JSON.stringify({ mark: own, day } satisfies Marked)),
  );
}

/** Before a day is removed for good: it is not missing then. Only within a transaction of held.db. */
export function unmarkDay({ held }: TraceFiles, day: string): void {
  const note = held.note(MARK);
  const known = note === undefined ? undefined : (JSON.parse(note) as Marked);
  if (known?.day === day) held.setNote(MARK, JSON.stringify({ mark: known.mark }));
}
