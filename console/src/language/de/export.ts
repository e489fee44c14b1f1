import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  'The download broke off before its end, so nothing was saved: the server or the connection went away, or you were signed out. Download it again.':
    'Das Herunterladen brach vor dem Ende ab, daher wurde nichts gespeichert: Der Server oder die Verbindung war weg, oder Sie wurden abgemeldet. Erneut herunterladen.',
  Export: 'Export',
  'Back to the search': 'Zurück zur Suche',
  'Every matching message, one per line, without its body. The export is recorded in the audit log.':
    'Jede Nachricht, die passt, eine je Zeile, ohne ihren Inhalt. Der Export steht danach im Audit-Protokoll.',
  'Every message in the trace.': 'Alle Nachrichten im Trace.',
  As: 'Format',
  'JSON lines': 'JSON Lines',
  'At most': 'Höchstens',
  'Writing…': 'Wird geschrieben …',
  Download: 'Herunterladen',
  'Written: {count} bytes.': 'Geschrieben: {count} Byte.',

  // criteria
  With: 'Mit',
  Since: 'Seit',
  Until: 'Bis',
  Host: 'Host',
  'From host': 'Von Host',
  'To host': 'An Host',
  'Type has': 'Typ enthält',
  Status: 'Status',
  'Search field': 'Suchfeld',
  'List of ids': 'Liste von IDs',
  'Error has': 'Fehler enthält',
  'Cause is': 'Ursache ist',
  'Size at least': 'Größe ab',
  'Size at most': 'Größe bis',
  'Took at least': 'Dauer ab',
  'Took at most': 'Dauer bis',
  'Resent from': 'Erneut gesendet aus',
  'Body contains': 'Inhalt enthält',
};
