const UNITS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

/** Reads `250ms`, `30s`, `5m`, `2h`, `1d` or `forever` (Infinity) as milliseconds; anything else is undefined. */
export function milliseconds(text: string): number | undefined {
  if (text === 'forever') return Number.POSITIVE_INFINITY;
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
  const factor = UNITS.get(unit);
  return factor === undefined ? undefined : Number(amount) * factor;
}

/** Writes milliseconds in the largest suitable unit: `1.2s`, `5m`, `forever`. For people; not to be parsed. */
export function describeDuration(time: number): string {
  if (time === Number.POSITIVE_INFINITY) return 'forever';
  if (time < 1_000) return `${Math.round(time)}ms`;
  const [unit, factor] = [...UNITS].findLast(([, size]) => time >= size) ?? (['ms', 1] as const);
  return `${Number((time / factor).toFixed(1))}${unit}`;
}
