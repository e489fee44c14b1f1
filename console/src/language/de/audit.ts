import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  'Audit log': 'Audit-Protokoll',
  'every act of a person or machine, in a chain that shows if a row was changed':
    'jede Aktion von Mensch oder Maschine, in einer Kette, die zeigt, ob eine Zeile geändert wurde',
  'Verify the chain': 'Kette prüfen',
  Export: 'Export',
  Who: 'Wer',
  Did: 'Aktion',
  'To what': 'Objekt',
  'Searched for the value': 'Suchte nach dem Wert',
  Since: 'Seit',
  Until: 'Bis',
  Find: 'Suchen',
  'All {count} rows are unchanged.': 'Alle {count} Zeilen sind so, wie sie geschrieben wurden.',
  'Row {row} was changed.': 'Zeile {row} ist nicht so, wie sie geschrieben wurde.',
  'No act matches.': 'Keine Aktion passt.',
  Acts: 'Aktionen',
  'Time, {zone}': 'Zeit, {zone}',
  From: 'Von',
  Outcome: 'Ergebnis',
  Detail: 'Detail',
  done: 'erledigt',
  refused: 'abgelehnt',
  failed: 'fehlgeschlagen',
};
