import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  'What changed in message {id}': 'Änderungen an {id}',
  Message: 'Nachricht',
  'message {id}': 'Nachricht {id}',
  Trace: 'Trace',
  'Compared with': 'Verglichen mit',
  '{way} by <strong>{transform}</strong>': '{way} durch <strong>{transform}</strong>',
  'This message came from outside: nothing came before it.':
    'Diese Nachricht kam von außen: Ihr ging nichts voraus.',
  'Both bodies are the same, byte for byte.': 'Beide Inhalte sind gleich, Byte für Byte.',

  '{count} {count|field differs|fields differ}': '{count} {count|Feld weicht|Felder weichen} ab',
  'There are more differences than shown.': 'Es gibt mehr Unterschiede als gezeigt.',
  Differences: 'Unterschiede',
  'Differences by line': 'Unterschiede nach Zeilen',
  Change: 'Änderung',
  Field: 'Feld',
  Before: 'Vorher',
  After: 'Nachher',
  'Copy the path {path}': 'Pfad {path} kopieren',
};
