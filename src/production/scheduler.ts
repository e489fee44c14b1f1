import { setTimeout as sleep } from 'node:timers/promises';
import { readSchedule, type Schedule } from '../time/schedule.ts';

/** A timer's longest wait; a clock that was set is noticed after it at the latest. */
const LONGEST = 60_000;

/** Whether a host with this schedule is on now; one without is always on. */
export function isScheduledOn(schedule: string | undefined, at: number): boolean {
  const read = scheduleOf(schedule);
  return read === undefined || read.isOn(at);
}

function scheduleOf(text: string | undefined): Schedule | undefined {
  if (text === undefined) return undefined;
  const read = readSchedule(text);
  return 'problem' in read ? undefined : read;
}

/** Calls `onSwitch` with a host's name whenever its schedule turns it on or off, until the signal aborts. */
export async function followSchedules(
  hosts: () => readonly { readonly name: string; readonly schedule?: string | undefined }[],
  onSwitch: (host: string, on: boolean) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let last = Date.now();
  while (!signal.aborted) {
    const scheduled = hosts().flatMap(({ name, schedule }) => {
      const read = scheduleOf(schedule);
      return read === undefined ? [] : [{ name, read }];
    });
    const next = Math.min(...scheduled.map(({ read }) => read.nextSwitch(last) ?? Infinity));
    const wait = Math.max(10, Math.min(LONGEST, next - Date.now()));
    await sleep(wait, undefined, { signal, ref: false }).catch(() => undefined);
    if (signal.aborted) return;
    const now = Date.now();
    for (const { name, read } of scheduled) {
      if (read.isOn(now) !== read.isOn(last)) await onSwitch(name, read.isOn(now));
    }
    last = now;
  }
}
