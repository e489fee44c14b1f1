import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  'It may have been removed: settled messages stay for as long as the production says under keep.':
    'Sie kann entfernt worden sein: Erledigtes bleibt so lange, wie die Produktion unter keep sagt.',
  Notes: 'Notizen',
  // page
  'Message {id}': 'Nachricht {id}',
  Trace: 'Trace',
  'Which body': 'Welcher Inhalt',
  'Reply {code}': 'Antwort {code}',
  'The body of this message is no longer in the trace.':
    'Der Inhalt dieser Nachricht ist nicht mehr im Trace.',
  'About the message': 'Zur Nachricht',
  Before: 'Vorher',
  'by {name}': 'von {name}',
  'Reply: {answer}': 'Antwort: {answer}',
  'Replaced by': 'Ersetzt durch',
  'Why it went there': 'Warum sie dorthin ging',

  // actions
  Diff: 'Unterschied',
  Resend: 'Erneut senden',
  'Process again': 'Neu verarbeiten',
  "From the original, with today's rules, for targets you choose":
    'Aus dem Original, nach den heutigen Regeln, für Ziele Ihrer Wahl',
  'Edit and resend': 'Bearbeiten und erneut senden',
  Discard: 'Verwerfen',
  Abort: 'Abbrechen',
  'Try the files': 'Dateien erproben',
  'What the files on disk would do with this message; nothing is sent':
    'Was die Dateien auf der Platte aus dieser Nachricht machen würden; gesendet wird nichts',

  // body
  'View of the body': 'Ansicht des Inhalts',
  Tree: 'Baum',
  Attributes: 'Attribute',
  'The first {shown} of {count} characters; the rest is in the raw view.':
    'Die ersten {shown} von {count} Zeichen; der Rest steht in der rohen Ansicht.',
  'Show all {count} characters': 'Alle {count} Zeichen zeigen',
  'a file': 'eine Datei',
  'Open {name}': '{name} öffnen',
  'Save {name}': '{name} speichern',
  Mail: 'Mail',
  Pretty: 'Formatiert',
  Table: 'Tabelle',
  Raw: 'Roh',
  Hex: 'Hex',
  'You may see that this message passed, but not its content.':
    'Sie dürfen sehen, dass diese Nachricht durchlief, nicht aber ihren Inhalt.',
  'Download the exact bytes': 'Bytes unverändert herunterladen',
  'patient data masked': 'Patientendaten maskiert',
  'the first {size} are shown; the download has all of it':
    'gezeigt sind die ersten {size}; der Download hat alles',
  'bytes {from} to {to} of {size}': 'Byte {from} bis {to} von {size}',
  '{count} {count|row|rows}': '{count} {count|Zeile|Zeilen}',
  row: 'Zeile',
  Back: 'Zurück',
  'On ## to what follows': 'Weiter',
  'Find in the message': 'In der Nachricht suchen',
  'find path, name or value': 'Pfad, Name oder Wert',
  'Nothing in this message matches “{text}”.': 'Nichts in dieser Nachricht passt zu „{text}“.',
  '{name} · table {table}': '{name} · Tabelle {table}',
  'Copy the path {path}': 'Pfad {path} kopieren',

  // mail
  'no subject': 'ohne Betreff',
  From: 'Von',
  To: 'An',
  Cc: 'Cc',
  Date: 'Datum',
  Attached: 'Anhänge',
  'without a name': 'ohne Namen',
  'The mail also has HTML; its text is shown.': 'Die Mail hat auch HTML; gezeigt wird ihr Text.',
  'All {count} headers': 'Alle {count} Kopfzeilen',

  // what went wrong
  'it went through later': 'später kam sie durch',
  'it was discarded later': 'später wurde sie verworfen',
  'next try at {time}': 'nächster Versuch um {time}',
  'trying again may help': 'ein neuer Versuch kann helfen',
  'trying again does not help: fix the cause or the message':
    'ein neuer Versuch hilft nicht: Beheben Sie die Ursache oder berichtigen Sie die Nachricht',
  '{count} failed tries': '{count} fehlgeschlagene Versuche',

  // facts
  Message: 'Nachricht',
  'Copy the message id': 'Nachrichten-ID kopieren',
  Session: 'Session',
  'From, to': 'Von, an',
  Type: 'Typ',
  Made: 'Entstanden',
  Waited: 'Gewartet',
  '{duration} in the queue': '{duration} in der Warteschlange',
  Settled: 'Erledigt',
  '{time} <quiet>after</quiet> {duration}': '{time} <quiet>nach</quiet> {duration}',
  '{time} <quiet>after</quiet> {duration}, by {name}':
    '{time} <quiet>nach</quiet> {duration}, von {name}',
  Tries: 'Versuche',
  Size: 'Größe',
  'Came from': 'Herkunft',
  Caller: 'Aufrufer',
  Part: 'Teil',
  '{part} of {parts}': '{part} von {parts}',
  Name: 'Name',
  Reply: 'Antwort',
  'Resent from': 'Erneut gesendet aus',
  Repeats: 'Duplikat von',
  'Received by': 'Empfangen von',
  Received: 'Hat empfangen',
  'Shared state': 'Gemeinsamer Zustand',
  Priority: 'Priorität',
  Test: 'Test',
  'sent by {name} as a test': 'von {name} zum Test gesendet',
  'Trace parent': 'Trace-Parent',

  // rules
  'Sent to {hosts}': 'Gesendet an {hosts}',
  'by {name} ## a transform': 'durch {name}',
  'Nothing was sent.': 'Es wurde nichts gesendet.',
  'Nothing was sent: discard.': 'Es wurde nichts gesendet: verworfen.',
  'Nothing was sent: suspend.': 'Es wurde nichts gesendet: ausgesetzt.',
  'Nothing was sent: send.': 'Es wurde nichts gesendet: senden.',
  fired: 'trifft zu',
  'did not match': 'trifft nicht zu',
  'not asked: an earlier rule fired': 'nicht geprüft: eine frühere Regel trifft zu',
  'switched off': 'ausgeschaltet',
  failed: 'fehlgeschlagen',
  '{count} {count|rule was|rules were} not asked: an earlier one fired':
    '{count} {count|Regel wurde|Regeln wurden} nicht geprüft: eine frühere trifft zu',
};
