/** What a page of a refused sign-in says besides why. */
export const REFUSED = {
  en: { title: 'Sign-in', again: 'Sign in again' },
  de: { title: 'Anmeldung', again: 'Noch einmal anmelden' },
} as const;
