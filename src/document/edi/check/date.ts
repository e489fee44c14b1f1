/** `YYMMDD` or `CCYYMMDD`, an existing day. */
export function isDate(text: string): boolean {
  if (!/^(?:\d{6}|\d{8})$/.test(text)) return false;
  const year = Number(text.slice(0, -4));
  const [month, day] = [Number(text.slice(-4, -2)), Number(text.slice(-2))];
  // with two digits the century is unknown: 00 may be a leap year
  const date = new Date(Date.UTC(text.length === 6 ? 2000 + year : year, month - 1, day));
  return month >= 1 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

/** `HHMM`, with seconds and their decimals. */
export function isTime(text: string): boolean {
  return /^(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d\d{0,2})?$/.test(text);
}

/** `CCYYMMDDHHMM`, with seconds. */
export function isDateTime(text: string): boolean {
  return isDate(text.slice(0, 8)) && isTime(text.slice(8));
}
