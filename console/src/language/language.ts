/** What the console speaks, each by its own name. English stands in the source; the others have a catalogue. */
export const LANGUAGES = { en: 'English', de: 'Deutsch' } as const;

export type Language = keyof typeof LANGUAGES;

/** English text → the same in another language, with the same placeholders. */
export type Catalogue = Readonly<Record<string, string>>;

const STORED = 'waybill.language';
const inPage = globalThis.document !== undefined;
/** What the person prefers, best first; nothing where no page is. */
const preferred: readonly string[] = inPage ? navigator.languages : [];

const languageOf = (tag: string): string => tag.split('-')[0] ?? tag;
const isSpoken = (name: string | null): name is Language => name !== null && name in LANGUAGES;

/** The language chosen on this machine, else the first of the browser's that is spoken here. */
function wanted(): Language {
  try {
    const chosen = inPage ? localStorage.getItem(STORED) : null;
    if (isSpoken(chosen)) return chosen;
  } catch {
    // storage may be forbidden: the browser's languages hold
  }
  return preferred.map(languageOf).find(isSpoken) ?? 'en';
}

// Settled before any module that imports this one runs: texts may be made at any time, tables of them too.
const loaded =
  wanted() === 'de'
    ? await import('./german.ts').then(
        ({ german }) => german,
        // without its catalogue the console says everything in English rather than nothing
        () => undefined,
      )
    : undefined;

export const catalogue: Catalogue = loaded ?? {};

/** What the console speaks as long as this page lives. */
export const language: Language = loaded === undefined ? 'en' : 'de';

/** How numbers and times are written: the browser's own variant of the language, such as `de-CH`. */
export const locale: string = preferred.find((tag) => languageOf(tag) === language) ?? language;

if (inPage) document.documentElement.lang = language;

/** Remembers the language on this machine, and opens the page again in it at the same address. */
export function speak(next: Language): void {
  try {
    localStorage.setItem(STORED, next);
  } catch {
    // storage may be forbidden: the browser's languages go on to hold
  }
  location.reload();
}
