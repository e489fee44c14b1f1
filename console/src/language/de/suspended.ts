import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  'Try the files': 'Dateien erproben',
  'Suspended messages': 'Ausgesetzte Nachrichten',
  '{count} in {groups} {groups|group|groups}': '{count} in {groups} {groups|Gruppe|Gruppen}',
  'Only suspended': 'Nur ausgesetzte',
  'With errors': 'Mit Fehlern',
  'With errors ({count})': 'Mit Fehlern ({count})',
  'Nothing waits for a person. A message is suspended when a rule or a receiver says that somebody must look at it.':
    'Es gibt nichts zu entscheiden. Eine Nachricht wird ausgesetzt, wenn eine Regel oder ein Empfänger verlangt, dass jemand sie ansieht.',
  'first {first}, last {last}': 'zuerst {first}, zuletzt {last}',
  'View them': 'Ansehen',
  'Process all again': 'Alle neu verarbeiten',
  'Resend all': 'Alle erneut senden',
  'Discard all': 'Alle verwerfen',
  'from {source}': 'von {source}',
  'no longer in the production': 'nicht mehr in der Produktion',
  '{duration} after the configuration was changed':
    '{duration} nach einer Änderung der Konfiguration',
  '{duration} after the configuration was changed by {by}':
    '{duration} nach einer Änderung der Konfiguration durch {by}',
};
