/** The first nats-server with consumers of several subjects, which the trace needs; an older one gives it everything. */
export const OLDEST = '2.10';

/** Whether a version such as `2.9.25` is older than that; false for what is no version. */
export function isTooOld(version: string): boolean {
  const [major, minor] = numbersOf(version);
  const [oldMajor = 0, oldMinor = 0] = numbersOf(OLDEST);
  if (major === undefined || minor === undefined) return false;
  return major < oldMajor || (major === oldMajor && minor < oldMinor);
}

const numbersOf = (version: string): number[] =>
  /^(\d+)\.(\d+)(?!\d)/.exec(version)?.slice(1).map(Number) ?? [];
