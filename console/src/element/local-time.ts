/** A time in the format of the browser's own input field. */
export function localTime(at: number): string;
export function localTime(at: number | undefined): string | undefined;
export function localTime(at: number | undefined): string | undefined {
  if (at === undefined) return undefined;
  const offset = new Date(at).getTimezoneOffset() * 60_000;
  return new Date(at - offset).toISOString().slice(0, 19);
}

/** A time for an address: that of this browser, with its zone, so that it is the same moment for whoever opens it. */
export function zonedTime(at: number): string;
export function zonedTime(at: number | undefined): string | undefined;
export function zonedTime(at: number | undefined): string | undefined {
  if (at === undefined) return undefined;
  const minutes = -new Date(at).getTimezoneOffset();
  const zone =
    minutes === 0 ? 'Z' : `${minutes < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`;
  return `${localTime(at)}${zone}`;
}

const two = (n: number): string => `${Math.floor(Math.abs(n))}`.padStart(2, '0');

/** The time for such a text, or for one without a zone; undefined if it is not valid. */
export function timeOf(text: string | undefined): number | undefined {
  // a plus that was typed into an address arrives as a space
  const time =
    text === undefined ? Number.NaN : new Date(text.replace(/ (?=\d\d:\d\d$)/, '+')).getTime();
  return Number.isNaN(time) ? undefined : time;
}
