const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Where a time and a value are in a chart, in pixels. */
export interface Scale {
  x(at: number): number;
  y(value: number): number;
}

/** Room that a time needs with some air, in pixels. */
const ROOM = 56;
const MINUTES = [5, 10, 15, 30] as const;
const HOURS = [1, 2, 3, 6, 12] as const;

/** Round times by the clock of the browser, as many as fit. A clock that is changed meanwhile shows its hours. */
export function timeTicks(
  from: number,
  to: number,
  width: number,
): readonly { readonly at: number; readonly text: string }[] {
  const most = Math.max(1, Math.floor(width / ROOM));
  const isRound = roundness((to - from) / most);
  const every = to - from <= 2 * HOUR ? MINUTE : HOUR / 4;
  const found: { at: number; text: string }[] = [];
  for (let at = Math.ceil(from / every) * every; at < to; at += every) {
    const time = new Date(at);
    if (isRound(time)) found.push({ at, text: time.toTimeString().slice(0, 5) });
  }
  return found;
}

/** Which times are round, if they are to be `apart` or further. */
function roundness(apart: number): (time: Date) => boolean {
  const minutes = MINUTES.find((one) => one * MINUTE >= apart);
  if (minutes !== undefined) return (time) => time.getMinutes() % minutes === 0;
  const hours = HOURS.find((one) => one * HOUR >= apart) ?? 24;
  return (time) => time.getMinutes() === 0 && time.getHours() % hours === 0;
}

/** Lines at most. */
const LINES = 4;

/** Round numbers from 0 up to the highest. */
export function heightTicks(highest: number): readonly number[] {
  const power = 10 ** Math.floor(Math.log10(highest / LINES));
  const step = [1, 2, 5, 10].find((one) => highest / (one * power) <= LINES) ?? 10;
  const each = Math.max(1, step * power);
  return Array.from({ length: Math.floor(highest / each) + 1 }, (_, index) => index * each);
}
