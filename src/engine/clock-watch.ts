import type { KV } from '@nats-io/kv';
import { isAway } from '../broker/away.ts';
import { tolerate } from '../error/foreseen.ts';
import type { Events } from '../log/events.ts';
import { type Clock, systemClock } from '../time/clock.ts';
import { describeDuration } from '../time/duration.ts';
import { pause } from '../time/pause.ts';

const KEY = 'clock';
/** Milliseconds by which the clocks of two machines may differ before it is told. */
const TOLERATED = 60_000;
const EVERY = 10 * 60_000;

/**
 * Compares the clock of this machine with that of NATS, which all engines share, until the signal aborts. Nothing that
 * is sent depends on it, but what a person puts on hold for five minutes was never on hold for an engine that is ten
 * minutes ahead.
 */
export async function watchClock(
  { kv, events, clock = systemClock }: { kv: KV; events: Pick<Events, 'told'>; clock?: Clock },
  signal: AbortSignal,
): Promise<void> {
  let told = 0;
  while (!signal.aborted) {
    try {
      const ahead = await aheadOf(kv, clock);
      const isNews = Math.abs(ahead - told) > TOLERATED;
      if (isNews) tell(events, ahead);
      if (isNews) told = ahead;
    } catch (error) {
      tolerate(error, isAway, 'comparing the clock with that of NATS');
    }
    await pause(EVERY, signal, { ref: false });
  }
}

/** Between two looks at this machine's time. */
const LOOK = 5_000;

/** The two times of a machine: that of its calendar, and one that only goes forwards while it runs. */
export interface MachineTime {
  readonly calendar: () => number;
  readonly running: () => number;
}

const thisMachine: MachineTime = { calendar: Date.now, running: () => performance.now() };

/**
 * Tells when this engine did nothing for more than a minute (its process was stopped, the machine was suspended or had
 * no time for it), and when the machine's clock was set by as much, until the signal aborts. Nothing else would say why
 * senders got no answer, and why waits, schedules and alerts are late: an embedded NATS has the same clock, and stood
 * still as well.
 */
export async function watchStanding(
  {
    events,
    machine = thisMachine,
    wait = pause,
  }: { events: Pick<Events, 'told'>; machine?: MachineTime; wait?: typeof pause },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const [calendar, running] = [machine.calendar(), machine.running()];
    await wait(LOOK, signal, { ref: false });
    const now = machine.calendar();
    const ran = machine.running() - running;
    const stood = ran - LOOK;
    const set = now - calendar - ran;
    if (stood > TOLERATED) {
      const text = `This engine did nothing from ${timeOf(calendar)} to ${timeOf(now)} (${inSeconds(ran)}): its process was stopped, or the machine had no time for it. Senders got no answer meanwhile; what was due is done now, times of a schedule only with catchUp.`;
      events.told('', 'warn', 'engine-stood-still', text);
    }
    if (set > TOLERATED) {
      const text = `The clock of this machine went from ${timeOf(calendar)} to ${timeOf(now)} within ${inSeconds(ran)}: the machine was suspended, or its clock was set ahead. In the first case senders got no answer meanwhile; what was due is done now, times of a schedule only with catchUp.`;
      events.told('', 'warn', 'clock-jumped', text);
    } else if (set < -TOLERATED) {
      const text = `The clock of this machine was set back by ${inSeconds(-set)}, to ${timeOf(now)}. Times in the trace repeat, and schedules follow the clock.`;
      events.told('', 'warn', 'clock-jumped', text);
    }
  }
}

const timeOf = (at: number): string => new Date(at).toISOString();

const inSeconds = (time: number): string => describeDuration(Math.round(time / 1_000) * 1_000);

function tell(events: Pick<Events, 'told'>, ahead: number): void {
  if (Math.abs(ahead) <= TOLERATED) {
    events.told(
      '',
      'info',
      'clock-agrees',
      'The clock of this machine agrees with that of NATS again.',
    );
    return;
  }
  const by = inSeconds(Math.abs(ahead));
  const where = ahead > 0 ? 'ahead of' : 'behind';
  events.told(
    '',
    'warn',
    'clock-differs',
    `The clock of this machine is ${by} ${where} that of the NATS server. Times in the trace are wrong by that, and schedules, holds and waits begin and end here at other times than on other machines. Set both clocks by the network.`,
  );
}

/** Milliseconds, less what asking for it took; 0 if that is not known. */
async function aheadOf(kv: KV, clock: Clock): Promise<number> {
  const began = clock.now();
  await kv.put(KEY, '');
  const entry = await kv.get(KEY);
  const ended = clock.now();
  if (entry === null) return 0;
  const there = entry.created.getTime();
  if (there > ended) return ended - there;
  return there < began ? began - there : 0;
}
