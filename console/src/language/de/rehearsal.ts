import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  'What the files would do': 'Was die Dateien bewirken würden',
  'message {id}; nothing is sent': 'Nachricht {id}; nichts wird gesendet',
  Message: 'Nachricht',
  'Trying…': 'Läuft …',
  'Try again': 'Erneut versuchen',
  '{process} would decide': '{process} entschiede',
  'The message went nowhere, and by the files it would go nowhere.':
    'Die Nachricht ging an kein Ziel und ginge auch nach den Dateien an keines.',
  'The same: {count} {count|target|targets} would get what they got, byte for byte.':
    'Unverändert: {count} {count|Ziel bekäme|Ziele bekämen} dasselbe wie damals, Byte für Byte.',
  '{other} of {count} {count|target|targets} would get something else.':
    '{other} von {count} {count|Ziel|Zielen} {other|bekäme|bekämen} etwas anderes.',
  'the same': 'dasselbe',
  'would get this instead': 'bekäme stattdessen dies',
  'would get it now, and did not': 'bekäme sie jetzt, damals nicht',
  'would not get it any more': 'bekäme sie nicht mehr',
  'There are more differences than are shown.': 'Es gibt mehr Unterschiede als gezeigt.',
};
