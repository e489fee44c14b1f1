import type { TraceFiles } from './trace-files.ts';

const MARK = 'mark';

/** The note of held.db about the mark. */
interface Marked {
  readonly mark?: string | undefined;
  /** The newest file at that time, which has the mark too. */
  readonly day?: string | undefined;
  /** Set while all streams are noted: a version that does not note them marks without it. */
  readonly isNoted?: true | undefined;
}

function marked({ held }: TraceFiles): Marked {
  const note = held.note(MARK);
  return note === undefined ? {} : (JSON.parse(note) as Marked);
}

const remark = ({ held }: TraceFiles, now: Marked): void => held.setNote(MARK, JSON.stringify(now));

/** Whether `read-floors.ts` has noted all that was read. */
export const isNoted = (files: TraceFiles): boolean => marked(files).isNoted === true;

/** From here on it has. */
export const setNoted = (files: TraceFiles): void =>
  remark(files, { ...marked(files), isNoted: true });

/** Undefined also if the day that was marked is gone, or was put back from an older copy. */
export function mark(files: TraceFiles): string | undefined {
  const { mark: own, day } = marked(files);
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
  files.held.unsynced(() => remark(files, { ...marked(files), mark: own, day }));
}

/** Before a day is removed for good: it is not missing then. Only within a transaction of held.db. */
export function unmarkDay(files: TraceFiles, day: string): void {
  const known = marked(files);
  if (known.day === day) remark(files, { ...known, day: undefined });
}
