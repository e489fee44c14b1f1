/** A time as the browser's own field for it writes it. */
export function localTime(at: number): string;
export function localTime(at: number | undefined): string | undefined;
export function localTime(at: number | undefined): string | undefined {
  if (at === undefined) return undefined;
  const offset = new Date(at).getTimezoneOffset() * 60_000;
  return new Date(at - offset).toISOString().slice(0, 19);
}

/** The time that such a text means; undefined for what is none. */
export function timeOf(text: string | undefined): number | undefined {
  const time = text === undefined ? Number.NaN : new Date(text).getTime();
  return Number.isNaN(time) ? undefined : time;
}
