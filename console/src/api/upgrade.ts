import { useSyncExternalStore } from 'react';

const NAME = 'waybill-console';

/** The version of this page, as its server wrote it into the page; without one (Vite serves it) nothing is told. */
const mine = document.querySelector<HTMLMetaElement>(`meta[name="${NAME}"]`)?.content;
let served: string | undefined;
/** Something was opened that cannot be loaded any more. */
let isMissing = false;
/** One that the person has put off. */
let putOff: string | undefined;
const listeners = new Set<() => void>();

/** Notes which version of the console the server now has, as it says with each of its answers. */
export function noteVersion({ headers }: Response): void {
  const version = headers.get(NAME) ?? undefined;
  // of several planes that are upgraded one after another some still have the version before
  if (version === undefined || version === mine) return;
  if (version !== served) change(() => (served = version));
}

/** Not told again, until there is another one. */
export const putOffUpgrade = (): void =>
  change(() => {
    putOff = served;
    isMissing = false;
  });

/** Something was opened that cannot be loaded any more: that is told even if the upgrade was put off. */
export const missPart = (): void => change(() => (isMissing = true));

/** What a page of the version before has to say, unless the person has put that off. */
export function useUpgraded(): 'upgraded' | 'missing' | undefined {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => {
      if (isMissing) return 'missing';
      const isOld = mine !== undefined && served !== undefined && served !== putOff;
      return isOld ? 'upgraded' : undefined;
    },
  );
}

function change(how: () => void): void {
  how();
  for (const listener of listeners) listener();
}
