const UNITS: ReadonlyMap<string, number> = new Map([
  ['B', 1],
  ['KB', 1024],
  ['MB', 1024 ** 2],
  ['GB', 1024 ** 3],
]);

/** Reads `512B`, `256KB`, `8MB` or `1GB` as bytes (1 KB = 1024 bytes); anything else is undefined. */
export function byteCount(text: string): number | undefined {
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)(B|KB|MB|GB)$/.exec(text) ?? [];
  const factor = UNITS.get(unit);
  return factor === undefined ? undefined : Math.round(Number(amount) * factor);
}

/** Writes bytes for people: `1.2 KB`, `8 MB`. */
export function describeSize(bytes: number): string {
  const [unit, factor] = [...UNITS].findLast(([, size]) => bytes >= size) ?? (['B', 1] as const);
  return `${Number((bytes / factor).toFixed(1))} ${unit}`;
}
