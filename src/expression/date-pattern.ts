import { wallClock, type Zone, zoneOffset } from '../time/zone.ts';

type Part = (wall: Date, offset: number) => string;

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

const two = (value: number): string => String(value).padStart(2, '0');

const LETTERS: Readonly<Record<string, Part>> = {
  yyyy: (wall) => String(wall.getUTCFullYear()).padStart(4, '0'),
  yy: (wall) => two(wall.getUTCFullYear() % 100),
  MMM: (wall) => MONTHS[wall.getUTCMonth()] ?? '',
  MM: (wall) => two(wall.getUTCMonth() + 1),
  M: (wall) => String(wall.getUTCMonth() + 1),
  dd: (wall) => two(wall.getUTCDate()),
  d: (wall) => String(wall.getUTCDate()),
  EEE: (wall) => DAYS[wall.getUTCDay()] ?? '',
  HH: (wall) => two(wall.getUTCHours()),
  H: (wall) => String(wall.getUTCHours()),
  mm: (wall) => two(wall.getUTCMinutes()),
  ss: (wall) => two(wall.getUTCSeconds()),
  SSS: (wall) => String(wall.getUTCMilliseconds()).padStart(3, '0'),
  Z: (_, offset) => offsetText(offset, ''),
  XXX: (_, offset) => offsetText(offset, ':'),
};

function offsetText(offset: number, between: string): string {
  const minutes = Math.round(Math.abs(offset) / 60_000);
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}${between}${two(minutes % 60)}`;
}

const known = new Map<string, readonly Part[]>();

/** What is wrong with a date pattern; undefined if nothing is. */
export function datePatternProblem(pattern: string): string | undefined {
  const wrong = pieces(pattern).find((piece) => /^[A-Za-z]/.test(piece) && !(piece in LETTERS));
  return wrong === undefined
    ? undefined
    : `${wrong} is not part of a date pattern. Use ${Object.keys(LETTERS).join(' ')}, and quotes '…' around letters of your own`;
}

/** The time as text in a pattern such as `yyyy-MM-dd HH:mm`; undefined if the pattern is wrong. */
export function formatDate(at: Date, pattern: string, zone: Zone): string | undefined {
  const parts = known.get(pattern) ?? remember(pattern);
  const offset = zoneOffset(zone, at.getTime());
  const wall = wallClock(zone, at.getTime());
  return parts?.map((part) => part(wall, offset)).join('');
}

function remember(pattern: string): readonly Part[] | undefined {
  if (datePatternProblem(pattern) !== undefined) return undefined;
  if (known.size > 1_000) known.clear();
  const parts = pieces(pattern).map((piece): Part => {
    const part = LETTERS[piece];
    if (part !== undefined) return part;
    const text = piece === "''" ? "'" : piece.replace(/^'(.*)'$/s, '$1').replaceAll("''", "'");
    return () => text;
  });
  known.set(pattern, parts);
  return parts;
}

/** Runs of one letter, quoted texts, and any other characters one at a time. */
function pieces(pattern: string): string[] {
  return pattern.match(/([A-Za-z])\1*|'(?:[^']|'')*'|[^]/g) ?? [];
}
