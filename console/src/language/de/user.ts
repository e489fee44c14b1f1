import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  Users: 'Benutzer',
  'local users; those who sign in through a provider are listed at the provider':
    'lokale Benutzer; wer sich über einen Anbieter anmeldet, steht dort',
  'Add a user': 'Benutzer anlegen',
  '{name} signs in once with {password}': '{name} meldet sich einmal an mit {password}',
  'Copy the password': 'Passwort kopieren',
  'It is not shown again.': 'Es wird nicht noch einmal gezeigt.',
  User: 'Benutzer',
  Roles: 'Rollen',
  'May see': 'Darf sehen',
  'Last sign-in': 'Letzte Anmeldung',
  Since: 'Seit',
  Acts: 'Aktionen',
  'for emergencies': 'für Notfälle',
  'has not chosen a password': 'hat noch kein Passwort gewählt',
  everything: 'alles',
  never: 'nie',
  '{since}, until {until}': '{since}, bis {until}',
  'New password': 'Neues Passwort',
  'New password for {name}': 'Neues Passwort für {name}',
  'The password that {name} has now is void at once, {name} is signed out everywhere, and programs with a token of theirs are refused from then on. The new one is shown here once, for you to pass on.':
    'Das jetzige Passwort von {name} gilt sofort nicht mehr, {name} wird überall abgemeldet, und Programme mit einem Token von {name} werden ab dann abgewiesen. Das neue wird hier einmal gezeigt, damit Sie es weitergeben.',
  'Make a new password': 'Neues Passwort vergeben',
  Name: 'Name',
  Role: 'Rolle',
  'May: {acts}': 'Darf: {acts}',
  'Add ## a user': 'Anlegen',
  'Remove {name}': '{name} entfernen',
  Remove: 'Entfernen',
  'with an app': 'mit einer App',
  'with a passkey': 'mit einem Passkey',
  'Reset the second factor of {name}': 'Zweiten Faktor von {name} zurücksetzen',
  Reset: 'Zurücksetzen',
  'App, passkeys and recovery codes of {name} are removed, and {name} is signed out everywhere, also programs with a token of theirs. Until another one is set up, the password alone is enough: make sure that it is {name} who asks.':
    'App, Passkeys und Wiederherstellungscodes von {name} werden entfernt, und {name} wird überall abgemeldet, auch Programme mit einem Token. Bis ein anderer eingerichtet ist, genügt das Passwort: Vergewissern Sie sich, dass es {name} ist, von wem die Bitte kommt.',
  '{name} is signed out everywhere and can no longer sign in. What {name} did stays in the audit log.':
    '{name} wird überall abgemeldet und kann sich nicht mehr anmelden. Was {name} getan hat, bleibt im Audit-Protokoll.',
};
