/** Whether a time of day, in this machine's zone, lies in `22:00-06:00`; such a span may go past midnight. */
export function isQuiet(span: string | undefined, at: number): boolean {
  const [, ...digits] = /^(\d\d?):(\d\d)-(\d\d?):(\d\d)$/.exec(span ?? '') ?? [];
  if (digits.length === 0) return false;
  const [fromHour = 0, fromMinute = 0, toHour = 0, toMinute = 0] = digits.map(Number);
  const [from, to] = [fromHour * 60 + fromMinute, toHour * 60 + toMinute];
  const time = new Date(at);
  const minute = time.getHours() * 60 + time.getMinutes();
  return from <= to ? minute >= from && minute < to : minute >= from || minute < to;
}
