import type { KV } from '@nats-io/kv';
import { isOutrun } from '../broker/lease.ts';
import type { Events } from '../log/events.ts';
import { describeDuration } from '../time/duration.ts';
import type { Cron, Schedule } from '../time/schedule.ts';

/** A host that makes up for its times. */
export interface CatchingUp {
  readonly name: string;
  /** Milliseconds after a missed time within which it is made up for. */
  readonly catchUp: number;
  readonly schedule: Schedule;
  /** Whether a person, or the definition, keeps it off. */
  readonly isOff: boolean;
}

/** What is stored of a host: up to when each of its times has had its turn, or will have none. */
interface Mark {
  readonly at: number;
  /** A changed schedule begins anew: its earlier times were no times of the host. */
  readonly schedule: string;
  /** When it is on for a time that was missed. */
  readonly late?: { readonly from: number; readonly until: number } | undefined;
}

/** Clocks of engines differ by less. A mark further ahead is of a clock that has been set back since. */
const SKEW = 60_000;
/** By how much later than its begin a turn may be seen, as by an engine with much to do. */
const SEEN_LATE = 60_000;

/**
 * Turns by cron that are made up for because no engine ran at their time (`catchUp`). The mark of a host is one entry
 * for all engines, changed by compare-and-set: one of them begins the late turn, and all take part in it as in any
 * other. Several missed times are made up for once.
 */
export class LateTurns {
  readonly #kv: Pick<KV, 'get' | 'put'>;
  readonly #tell: Events['told'];
  /** By host, as known here. */
  readonly #late = new Map<string, NonNullable<Mark['late']>>();

  constructor(kv: Pick<KV, 'get' | 'put'>, events: Pick<Events, 'told'>) {
    this.#kv = kv;
    this.#tell = (...of) => events.told(...of);
  }

  /** Whether it is on now for a time that was missed. */
  isOn(host: string, now: number): boolean {
    const late = this.#late.get(host);
    return late !== undefined && now >= late.from && now < late.until;
  }

  /** When its late turn ends; Infinity without one. */
  endOf(host: string, now: number): number {
    return this.isOn(host, now) ? (this.#late.get(host)?.until ?? Infinity) : Infinity;
  }

  /** Looks whether a time was missed, and begins a late turn if so. Rejects if NATS is away. */
  async look(of: CatchingUp, now: number): Promise<void> {
    const key = `turn.${of.name}`;
    const entry = await this.#kv.get(key);
    const isThere = entry !== null && entry.operation === 'PUT';
    const mark = isThere ? entry.json<Mark>() : undefined;
    this.#keep(of.name, mark?.schedule === of.schedule.source ? mark.late : undefined);
    const next = nextMark(of, mark, now);
    if (next === undefined) return;
    try {
      const text = JSON.stringify(next.mark);
      await this.#kv.put(key, text, { previousSeq: entry?.revision ?? 0 });
    } catch (error) {
      // another engine was faster: what it has stored is read the next time
      if (isOutrun(error)) return;
      throw error;
    }
    this.#keep(of.name, next.mark.late);
    if (next.told !== undefined)
      this.#tell(of.name, next.told.level, next.told.event, next.told.text);
  }

  #keep(host: string, late: Mark['late']): void {
    if (late === undefined) this.#late.delete(host);
    else this.#late.set(host, late);
  }
}

interface Next {
  readonly mark: Mark;
  readonly told?: {
    readonly level: 'info' | 'warn';
    readonly event: string;
    readonly text: string;
  };
}

/** What is stored now; undefined if nothing has changed. */
function nextMark(of: CatchingUp, before: Mark | undefined, now: number): Next | undefined {
  const { schedule, catchUp } = of;
  const { source, turns } = schedule;
  if (turns === undefined) return undefined;
  const mark: Mark = { at: now, schedule: source };
  if (before === undefined || before.schedule !== source || before.at > now + SKEW) return { mark };
  const first = turns.next(before.at) ?? Infinity;
  if (first > now) return undefined;
  // of a host that is off nothing is missed
  if (of.isOff) return { mark };
  const until = now + turns.length;
  const late = { from: now, until };
  const begun = lastOf(turns, Math.max(before.at, now - turns.length), now);
  if (begun !== undefined) {
    // a turn that is on is its own, unless so much of it is gone that what is left may not be enough
    if (!isCutShort(now - begun, of)) return { mark };
    const text = `its time ${timeOf(begun)} began while no engine ran, and is made up for until ${timeOf(until)} (catchUp)`;
    return { mark: { ...mark, late }, told: { level: 'info', event: 'turn-made-up', text } };
  }
  const missed = turns.next(Math.max(before.at, now - catchUp)) ?? Infinity;
  if (missed > now) {
    const text = `its time ${timeOf(first)} passed while no engine ran, longer ago than it is made up for (catchUp: ${describeDuration(catchUp)})`;
    return { mark, told: { level: 'warn', event: 'turn-missed', text } };
  }
  const text = `its time ${timeOf(missed)} passed while no engine ran, and is made up for until ${timeOf(until)} (catchUp)`;
  return {
    mark: { ...mark, late },
    told: { level: 'info', event: 'turn-made-up', text },
  };
}

/** Whether a turn that was first seen so late is made up for whole. */
const isCutShort = (late: number, { schedule, catchUp }: CatchingUp): boolean =>
  late > Math.min(SEEN_LATE, (schedule.turns?.length ?? 0) / 2) && late <= catchUp;

/** The last moment after `from` up to `now`. */
function lastOf(turns: Cron, from: number, now: number): number | undefined {
  let last: number | undefined;
  for (let next = turns.next(from); next !== undefined && next <= now; next = turns.next(next)) {
    last = next;
  }
  return last;
}

const timeOf = (at: number): string => new Date(at).toISOString();
