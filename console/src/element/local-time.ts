/** A time in the format of the browser's own input field. */
export function localTime(at: number): string;
export function localTime(at: number | undefined): string | undefined;
export function localTime(at: number | undefined): string | undefined {
  if (at === undefined) return undefined;
  const offset = new Date(at).getTimezoneOffset() * 60_000;
  return new Date(at - offset).toISOString().slice(0, 19);
}

/** The time for such a text; undefined if it is not valid. */
export function timeOf(text: string | undefined): number | undefined {
  const time = text === undefined ? Number.NaN : new Date(text).getTime();
  return Number.isNaN(time) ? undefined : time;
}
