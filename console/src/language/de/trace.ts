import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  // the page
  'Session {id}': 'Session {id}',
  Diagram: 'Diagramm',
  Times: 'Zeiten',
  Table: 'Tabelle',
  'Show as': 'Anzeigen als',
  Spans: 'Spans',
  'Open in the tracing system': 'Im Tracing-System öffnen',
  'Copy the link to this trace': 'Link zu diesem Trace kopieren',
  'The session has more messages than shown.': 'Die Session hat mehr Nachrichten als gezeigt.',
  '{count} of its messages are of hosts that you may not see.':
    '{count} ihrer Nachrichten {count|gehört|gehören} zu Hosts, die Sie nicht sehen dürfen.',
  '{count} {count|message|messages}': '{count} {count|Nachricht|Nachrichten}',
  '{count} under way': '{count} unterwegs',
  '{count} failed or suspended': '{count} fehlgeschlagen oder ausgesetzt',

  // a session is kept
  Hold: 'Aufbewahren',
  'Hold: keep this session when others are purged':
    'Aufbewahren: diese Session behalten, wenn andere bereinigt werden',
  'held by {by}: {reason}': 'aufbewahrt von {by}: {reason}',
  Release: 'Freigeben',
  'Hold session {id}': 'Session {id} aufbewahren',
  'A held session stays, with its bodies, when others of its day are purged.':
    'Eine aufbewahrte Session bleibt mit ihren Inhalten, wenn andere ihres Tages bereinigt werden.',
  Reason: 'Grund',
  'shown on the storage page and kept in the audit log':
    'steht auf der Seite Speicher und im Audit-Protokoll',
  'For ## how long': 'Dauer',
  'until it is released': 'bis zur Freigabe',
  '30 days': '30 Tage',
  'a year': 'ein Jahr',

  // the diagram
  'Sequence diagram, {steps} steps between {hosts} hosts':
    'Sequenzdiagramm, {steps} {steps|Schritt|Schritte} zwischen {hosts} {hosts|Host|Hosts}',
  '{duration} later': '{duration} später',
  'not in this production': 'nicht in dieser Produktion',
  '{time} message {number}, {label}, from {from} to {to}, {status}':
    '{time} Nachricht {number}, {label}, von {from} an {to}, {status}',
  '{time} reply to message {number}, {label}, from {from} to {to}':
    '{time} Antwort auf Nachricht {number}, {label}, von {from} an {to}',
  '{time} rules of {to} on message {number}: {label}':
    '{time} Regeln von {to} zu Nachricht {number}: {label}',
  '{time} message {number} at {to}: {label}': '{time} Nachricht {number} bei {to}: {label}',

  // its steps
  'resent from {id}': 'erneut gesendet aus {id}',
  'resent as {id}': 'erneut gesendet als {id}',
  '{text} ({count} times)': '{text} ({count}-mal)',
  '1 failed try: {error}': '1 Fehlversuch: {error}',
  '{count} failed tries in {duration}: {error}': '{count} Fehlversuche in {duration}: {error}',
  'no rule matched': 'keine Regel passte',
  '{rules} → nobody': '{rules} → niemand',
  '{rules}; otherwise {otherwise}': '{rules}; sonst {otherwise}',
  discard: 'verwerfen',
  suspend: 'aussetzen',
  send: 'senden',
  '{status} by {by}': '{status} ({by})',
  'waits for a time or an answer': 'wartet auf eine Zeit oder eine Antwort',
  'waits in the queue': 'wartet in der Warteschlange',
  'done in {duration}': 'erledigt in {duration}',

  // the table and the times
  'Steps of the session': 'Schritte der Session',
  Time: 'Zeit',
  'After ## the start': 'Nach',
  What: 'Was',
  Where: 'Wo',
  Detail: 'Detail',
  request: 'Anfrage',
  reply: 'Antwort',
  rules: 'Regeln',
  tries: 'Versuche',
  event: 'Ereignis',
  outcome: 'Ergebnis',
  resent: 'erneut gesendet',
  'Where the time went': 'Wo die Zeit blieb',
  'Waited, under way': 'Gewartet, unterwegs',
  'waits for {duration}': 'wartet seit {duration}',
  '<unit>waited </unit>{waited}, {worked}<unit> under way</unit>':
    '<unit>wartete </unit>{waited}, {worked}<unit> unterwegs</unit>',

  // a step
  'Message {id}': 'Nachricht {id}',
  Message: 'Nachricht',
  'Open the message on its own page': 'Nachricht auf eigener Seite öffnen',
  About: 'Überblick',
  Body: 'Inhalt',
  Reply: 'Antwort',
  Rules: 'Regeln',
  'configuration changed meanwhile, {time}, by {by}':
    'Konfiguration währenddessen geändert, {time}, von {by}',
  '{duration} after the configuration was changed by {by}':
    '{duration} nach einer Änderung der Konfiguration durch {by}',
  'found by the search': 'Treffer der Suche',
};
