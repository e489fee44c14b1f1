import type { AlertSettings, RotaTurn } from '../../access/sign-in/alert-settings.ts';
import { fromWallClock, wallClock } from '../../time/zone.ts';

/** Somebody who is on call instead of whom the rota names. */
export interface OnCallOverride {
  readonly id: number;
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  readonly who: string;
  readonly by: string;
  readonly reason: string;
}

/** A time in which the same person is on call; undefined is nobody. */
export interface OnCallSpan {
  readonly from: number;
  readonly to: number;
  readonly who: string | undefined;
  /** Set if it is not as the rota says. */
  readonly override?: number | undefined;
}

type Rota = Pick<AlertSettings, 'rota' | 'zone'>;

const MINUTE = 60_000;
const WEEK = 7 * 24 * 60;
const DAY = 86_400_000;
/** A Monday. */
const FIRST = '1970-01-05';

/** Who is on call at a moment: the newest override that covers it, else the first turn of the rota that does. */
export function onCallAt(
  { rota, zone }: Rota,
  overrides: readonly OnCallOverride[],
  at: number,
): Pick<OnCallSpan, 'who' | 'override'> {
  const instead = overrides
    .filter(({ from, to }) => from <= at && at < to)
    .toSorted((a, b) => b.id - a.id)[0];
  if (instead !== undefined) return { who: instead.who, override: instead.id };
  const wall = wallClock(zone, at).getTime();
  const turn = rota.find((one) => covers(one, minuteOfWeek(wall)));
  return { who: turn === undefined ? undefined : takesTurn(turn, wall) };
}

const covers = ({ from, to }: RotaTurn, minute: number): boolean =>
  from < to ? minute >= from && minute < to : minute >= from || minute < to;

/** Of a time of the wall clock, as if it were UTC. */
function minuteOfWeek(wall: number): number {
  const date = new Date(wall);
  return (((date.getUTCDay() + 6) % 7) * 24 + date.getUTCHours()) * 60 + date.getUTCMinutes();
}

/** Weeks are counted by when a turn begins: one from Friday to Monday is not handed over on Sunday night. */
function takesTurn({ from, who, since = FIRST }: RotaTurn, wall: number): string | undefined {
  const begun = wall - ((minuteOfWeek(wall) - from + WEEK) % WEEK) * MINUTE;
  const first = Date.parse(since);
  const monday = first - Math.floor(minuteOfWeek(first) / (24 * 60)) * DAY;
  const week = Math.floor((begun - monday) / (7 * DAY));
  return who[((week % who.length) + who.length) % who.length];
}

/** Who is on call when, without gaps: neighbours with the same person are one. */
export function onCallSpans(
  settings: Rota,
  overrides: readonly OnCallOverride[],
  { from, to }: { readonly from: number; readonly to: number },
): OnCallSpan[] {
  const edges = [
    ...turnEdges(settings, from, to),
    ...overrides.flatMap((one) => [one.from, one.to]),
  ]
    .filter((at) => at > from && at < to)
    .toSorted((a, b) => a - b);
  const spans: OnCallSpan[] = [];
  for (const [n, start] of [from, ...edges].entries()) {
    const end = edges[n] ?? to;
    const who = onCallAt(settings, overrides, start);
    const last = spans.at(-1);
    if (start === end) continue;
    if (last !== undefined && last.who === who.who && last.override === who.override)
      spans[spans.length - 1] = { ...last, to: end };
    else spans.push({ from: start, to: end, ...who });
  }
  return spans;
}

/** When turns of the rota begin and end. */
function turnEdges({ rota, zone }: Rota, from: number, to: number): number[] {
  const minutes = new Set(rota.flatMap((turn) => [turn.from, turn.to]));
  const wall = wallClock(zone, from).getTime();
  const monday = wall - minuteOfWeek(wall) * MINUTE - (wall % MINUTE);
  const edges: number[] = [];
  for (let week = monday; week < monday + (to - from) + 8 * DAY; week += 7 * DAY) {
    for (const minute of minutes) edges.push(fromWallClock(zone, week + minute * MINUTE));
  }
  return edges;
}
