/** The languages of the console, each by its own name. English is in the source; the others have a catalogue. */
export const LANGUAGES = { en: 'English', de: 'Deutsch' } as const;

export type Language = keyof typeof LANGUAGES;

/** English text → the same in another language, with the same placeholders. */
export type Catalogue = Readonly<Record<string, string>>;

const STORED = 'waybill.language';
const inPage = globalThis.document !== undefined;
/** The user's preferred languages, best first; empty outside a page. */
const preferred: readonly string[] = inPage ? navigator.languages : [];

const languageOf = (tag: string): string => tag.split('-')[0] ?? tag;
const isSpoken = (name: string | null): name is Language => name !== null && name in LANGUAGES;

/** The language chosen on this machine, otherwise the first supported one of the browser's. */
function wanted(): Language {
  try {
    const chosen = inPage ? localStorage.getItem(STORED) : null;
    if (isSpoken(chosen)) return chosen;
  } catch {
    // storage may be forbidden: the browser's languages are used
  }
  return preferred.map(languageOf).find(isSpoken) ?? 'en';
}

// Determined before any module that imports this one runs: texts may be made at any time, even in
// top-level tables.
const loaded =
  wanted() === 'de'
    ? await import('./german.ts').then(
        ({ german }) => german,
        // without its catalogue the console is in English rather than empty
        () => undefined,
      )
    : undefined;

export const catalogue: Catalogue = loaded ?? {};

/** The language of the console while this page is open. */
export const language: Language = loaded === undefined ? 'en' : 'de';

/** The format of numbers and times: the browser's variant of the language, such as `de-CH`. */
export const locale: string = preferred.find((tag) => languageOf(tag) === language) ?? language;

if (inPage) document.documentElement.lang = language;

/** Remembers the language on this machine, and reloads the page in it at the same address. */
export function speak(next: Language): void {
  try {
    localStorage.setItem(STORED, next);
  } catch {
    // storage may be forbidden: the browser's languages are still used
  }
  location.reload();
}
