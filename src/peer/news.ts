/**
 * Tells what is news: a key that was not asked about for `quiet` milliseconds. So the same thing done
 * again and again by a misconfigured or hostile peer is reported once a minute and cannot fill the
 * event log. Keeps `most` keys.
 */
export function newsFilter(quiet = 60_000, most = 1_000): (key: string) => boolean {
  const last = new Map<string, number>();
  return (key) => {
    const now = Date.now();
    if (now - (last.get(key) ?? 0) < quiet) return false;
    if (last.size >= most) last.clear();
    last.set(key, now);
    return true;
  };
}
