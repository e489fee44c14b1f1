import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  Productions: 'Produktionen',
  '{count} that you may see': '{count}, die Sie sehen dürfen',
  'Of all productions': 'Von allen Produktionen',
  Overview: 'Übersicht',
  'Changes ## of productions': 'Änderungen',
  'you may not see this there': 'das dürfen Sie dort nicht sehen',
  'does not answer now; what belongs to it is missing here':
    'antwortet gerade nicht; was zu ihr gehört, fehlt hier',
  'Failed in 24 h': 'Fehler in 24 h',
  'In and out, last hour': 'Ein und aus, letzte Stunde',
  '{bad} of {total} in trouble': '{bad} von {total} mit Störung',
  'no engine runs': 'keine Engine läuft',
  'hosts are down': 'Hosts stehen',
  'needs a look': 'braucht einen Blick',
  'runs ## of a production': 'läuft',
  'does not run': 'läuft nicht',
  'engines run, its operator plane is away': 'Engines laufen, die Bedienebene fehlt',
  'does not answer': 'antwortet nicht',
  'MRN, control id, message id or another search field':
    'MRN, Control-ID, Nachrichten-ID oder ein anderes Suchfeld',
  'Find in all': 'In allen finden',
  '{count} found; {open} still {open|searches|search}':
    '{count} gefunden; {open} {open|sucht|suchen} noch',
  'Nothing has exactly this value. Search fields are found as a whole.':
    'Nichts hat genau diesen Wert. Suchfelder werden als Ganzes gefunden.',
  'Found by': 'Gefunden über',
  'Time ## of a message': 'Zeit',
  'its id': 'seine ID',
  'No alert is open in the productions that answer.':
    'In den Produktionen, die antworten, ist kein Alarm offen.',
  'No job has run in the productions that answer.':
    'In den Produktionen, die antworten, ist noch kein Job gelaufen.',
  'Nothing was applied in the productions that answer.':
    'In den Produktionen, die antworten, wurde nichts angewendet.',
};
