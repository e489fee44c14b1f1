import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  Shift: 'Schicht',
  'notes on hosts, alerts and messages, for those who come after':
    'Notizen zu Hosts, Alarmen und Nachrichten, für die nächste Schicht',
  Notes: 'Notizen',
  'Find in notes': 'In Notizen suchen',
  Find: 'Suchen',
  'Nobody has written anything. Notes are written on the page of a host or message, and beside an alert.':
    'Niemand hat etwas geschrieben. Notizen schreibt man auf der Seite eines Hosts oder einer Nachricht und neben einem Alarm.',
  'No note contains this.': 'Keine Notiz enthält das.',
  'Nobody has written anything.': 'Niemand hat etwas geschrieben.',
  'A note for those who come after': 'Eine Notiz für die nächste Schicht',
  'Write ## a note': 'Schreiben',
  'Change this note': 'Diese Notiz ändern',
  'Remove this note': 'Diese Notiz entfernen',
  'Remove ## a note': 'Entfernen',
  'changed {time}': 'geändert {time}',
  'host {name}': 'Host {name}',
  'message {id}': 'Nachricht {id}',
  'alert {id}': 'Alarm {id}',
  Cancel: 'Abbrechen',
  'Keep ## a changed note': 'Speichern',

  // while somebody was away
  'You were away from {from} to {to}.': 'Sie waren von {from} bis {to} weg.',
  'What happened meanwhile': 'Was inzwischen geschah',
  'While you were away': 'Während Sie weg waren',
  '{from} to {to}': '{from} bis {to}',
  'I have read it': 'Ich habe es gelesen',
  nothing: 'nichts',
  'and {count} more': 'und {count} weitere',
  'Failed or suspended': 'Fehlgeschlagen oder ausgesetzt',
  'Alerts raised and over': 'Alarme, ausgelöst und beendet',
  'since {time}, still open': 'seit {time}, noch offen',
  'Hosts switched, changes applied': 'Hosts geschaltet, Änderungen angewandt',
  'Notes of others': 'Notizen anderer',
  'Jobs that ended': 'Beendete Jobs',
};
