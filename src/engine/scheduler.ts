import { isAway } from '../broker/away.ts';
import { tolerate } from '../error/foreseen.ts';
import { pause } from '../time/pause.ts';
import { readSchedule, type Schedule } from '../time/schedule.ts';
import type { LateTurns } from './late-turns.ts';

/** A timer's longest wait, after which a change of the system's clock or of a schedule is noticed. */
const LONGEST = 5_000;
/** The wait after a host could not be switched because NATS was unreachable. */
const AGAIN = 2_000;

interface Scheduled {
  readonly name: string;
  readonly schedule?: string | undefined;
  /** Milliseconds within which a missed time is made up for. */
  readonly catchUp?: number | undefined;
}

export interface Following {
  readonly hosts: () => readonly Scheduled[];
  /** Turns for times that were missed. */
  readonly late: Pick<LateTurns, 'isOn' | 'endOf' | 'look'>;
  /** Whether a host is kept off, by a person or the definition. */
  readonly isOff: (host: string) => Promise<boolean>;
  readonly onSwitch: (host: string, on: boolean) => Promise<void>;
}

/** Whether a host with this schedule is on now; without a schedule it always is. */
export function isScheduledOn(schedule: string | undefined, at: number): boolean {
  const read = scheduleOf(schedule);
  return read === undefined || read.isOn(at);
}

/** Why the files keep a host off at a time, and until when; undefined if they do not. */
export function whyResting(
  { enabled, schedule }: { readonly enabled: boolean; readonly schedule?: string | undefined },
  at: number,
): string | undefined {
  if (!enabled) return 'off in the production (enabled: false)';
  if (schedule === undefined) return undefined;
  const known = rests.get(schedule);
  if (known !== undefined && at >= known.from && at < known.until) return known.text;
  const read = scheduleOf(schedule);
  if (read === undefined || read.isOn(at)) return undefined;
  let next = read.nextSwitch(at);
  while (next !== undefined && !read.isOn(next)) next = read.nextSwitch(next);
  if (next === undefined) return 'off by its schedule';
  const text = `off by its schedule until ${new Date(next).toISOString()}`;
  rests.set(schedule, { from: at, until: next, text });
  return text;
}

/** Schedule → its latest rest: it takes a millisecond to find, and each status asks for it. */
const rests = new Map<
  string,
  { readonly from: number; readonly until: number; readonly text: string }
>();

function scheduleOf(text: string | undefined): Schedule | undefined {
  if (text === undefined) return undefined;
  const read = readSchedule(text);
  return 'problem' in read ? undefined : read;
}

/**
 * Calls `onSwitch` with a host's name whenever its schedule turns it on or off, until the signal
 * aborts; at the start with the state each should have. A switch that fails is soon retried.
 */
export async function followSchedules(
  { hosts, late, isOff, onSwitch }: Following,
  signal: AbortSignal,
): Promise<void> {
  const switched = new Map<string, boolean>();
  /** By its text, since a schedule caches its next moments. */
  let schedules: ReadonlyMap<string, Schedule | undefined> = new Map();
  const follow = async ({ name, read, catchUp = 0 }: Read, now: number): Promise<boolean> => {
    try {
      if (catchUp > 0) {
        await late.look({ name, schedule: read, catchUp, isOff: await isOff(name) }, now);
      }
      const on = read.isOn(now) || late.isOn(name, now);
      if (switched.get(name) === on) return true;
      await onSwitch(name, on);
      switched.set(name, on);
      return true;
    } catch (error) {
      // that NATS is unreachable is reported elsewhere
      tolerate(error, isAway, `switching ${name} by its schedule`);
      return false;
    }
  };
  while (!signal.aborted) {
    const now = Date.now();
    const all = hosts().flatMap(({ schedule, ...one }) =>
      schedule === undefined ? [] : [{ ...one, schedule }],
    );
    schedules = new Map(
      all.map(({ schedule }) => [schedule, schedules.get(schedule) ?? scheduleOf(schedule)]),
    );
    const scheduled = all.flatMap(({ schedule, ...one }) => {
      const read = schedules.get(schedule);
      return read === undefined ? [] : [{ ...one, read }];
    });
    // all at once: a host that takes long to stop must not delay the others
    const done = await Promise.all(scheduled.map((one) => follow(one, now)));
    const next = scheduled.map(({ name, read }) =>
      Math.min(read.nextSwitch(now) ?? Infinity, late.endOf(name, now)),
    );
    const longest = done.includes(false) ? AGAIN : LONGEST;
    const wait = Math.max(10, Math.min(longest, ...next.map((at) => at - Date.now())));
    await pause(wait, signal, { ref: false });
  }
}

interface Read extends Omit<Scheduled, 'schedule'> {
  readonly read: Schedule;
}
