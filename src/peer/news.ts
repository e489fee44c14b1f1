import { LRUCache } from 'lru-cache';

/**
 * Tells what is news: a key that was not asked about for `quiet` milliseconds. So what a
 * misconfigured or hostile peer does again and again is reported once a minute and cannot fill the
 * event log. Beyond `most` keys, those reported longest ago are forgotten.
 */
export function newsFilter(quiet = 60_000, most = 1_000): (key: string) => boolean {
  const last = new LRUCache<string, number>({ max: most });
  return (key) => {
    // not the time of day: one that is set back would silence everything until it is as late again
    const now = performance.now();
    if (now - (last.get(key) ?? -Infinity) < quiet) return false;
    last.set(key, now);
    return true;
  };
}
