/** What the pages say, in the languages that people are asked in. */
export interface PageWords {
  readonly asksFor: string;
  readonly name: string;
  readonly password: string;
  readonly signInAt: string;
  readonly signedInAs: string;
  readonly allow: string;
  readonly deny: string;
  readonly whichPatient: string;
  readonly allRecords: string;
  /** Whose records a scope is about, by its level. */
  readonly levels: Readonly<Record<string, string>>;
  /** What may be done with them, by the letters of a scope. */
  readonly letters: Readonly<Record<string, string>>;
  /** Scopes that are about no records. */
  readonly others: Readonly<Record<string, string>>;
}

export const WORDS: Readonly<Record<'en' | 'de', PageWords>> = {
  en: {
    asksFor: 'This application asks for:',
    name: 'Name',
    password: 'Password',
    signInAt: 'Sign in at',
    signedInAs: 'You are signed in as',
    allow: 'Allow',
    deny: 'Deny',
    whichPatient: 'For which patient?',
    allRecords: 'all records',
    levels: {
      patient: 'of the chosen patient',
      user: 'of the patients that you may see',
    },
    letters: {
      c: 'create',
      r: 'read',
      u: 'change',
      d: 'delete',
      s: 'search',
      read: 'read and search',
      write: 'create, change and delete',
      '*': 'read, search, create, change and delete',
    },
    others: {
      openid: 'who you are',
      fhirUser: 'your own record',
      profile: 'your name',
      offline_access: 'all of this also when you are not there',
    },
  },
  de: {
    asksFor: 'Diese Anwendung bittet um:',
    name: 'Name',
    password: 'Passwort',
    signInAt: 'Anmelden bei',
    signedInAs: 'Angemeldet als',
    allow: 'Erlauben',
    deny: 'Ablehnen',
    whichPatient: 'Für welchen Patienten?',
    allRecords: 'alle Einträge',
    levels: {
      patient: 'des gewählten Patienten',
      user: 'der Patienten, die Sie sehen dürfen',
    },
    letters: {
      c: 'anlegen',
      r: 'lesen',
      u: 'ändern',
      d: 'löschen',
      s: 'suchen',
      read: 'lesen und suchen',
      write: 'anlegen, ändern und löschen',
      '*': 'lesen, suchen, anlegen, ändern und löschen',
    },
    others: {
      openid: 'wer Sie sind',
      fhirUser: 'Ihr eigener Eintrag',
      profile: 'Ihr Name',
      offline_access: 'all das auch, wenn Sie nicht dabei sind',
    },
  },
};
