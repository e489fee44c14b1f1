import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  Timeline: 'Zeitachse',
  Time: 'Zeit',
  Messages: 'Nachrichten',
  '{count} {count|session|sessions}': '{count} {count|Session|Sessions}',
  'Whose timeline? Find an MRN, a visit or an order with Ctrl K, and open its timeline.':
    'Wessen Zeitachse? Suchen Sie mit Strg K nach Patientennummer, Fall oder Auftrag und öffnen Sie die Zeitachse dazu.',
  'Nothing arrived for it in this time.': 'In diesem Zeitraum kam nichts dazu.',
  'Searched back to {time}.': 'Durchsucht bis zurück zum {time}.',
  'Searching…': 'Suche läuft …',
  Continue: 'Fortsetzen',
  '{duration} later': '{duration} später',
};
