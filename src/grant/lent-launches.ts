import type { Launches, LentLaunches } from '../adapter/launches.ts';

export function lentLaunches(): LentLaunches {
  const lent = new Map<string, readonly Launches[]>();
  return {
    lend(realm, launches) {
      lent.set(realm, [...(lent.get(realm) ?? []), launches]);
      return () => {
        const left = (lent.get(realm) ?? []).filter((one) => one !== launches);
        if (left.length === 0) lent.delete(realm);
        else lent.set(realm, left);
      };
    },
    of(realm) {
      const all = lent.get(realm);
      return all && { find: (id) => firstFound(all, id) };
    },
  };
}

/** Services of one realm may know different EHRs. */
async function firstFound(all: readonly Launches[], id: string): ReturnType<Launches['find']> {
  for (const one of all) {
    const found = await one.find(id);
    if (found !== undefined) return found;
  }
  return undefined;
}
