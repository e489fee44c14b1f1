import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  Notes: 'Notizen',
  'If it was part of it before:': 'Falls er früher dazu gehörte:',
  'Its messages': 'Seine Nachrichten',
  'What was changed': 'Was geändert wurde',
  // the table of hosts
  Hosts: 'Hosts',
  Host: 'Host',
  State: 'Zustand',
  Adapter: 'Adapter',
  Queue: 'Warteschlange',
  Messages: 'Nachrichten',
  'Last active': 'Zuletzt aktiv',
  'Last error': 'Letzter Fehler',
  '{count} queued': '{count} {count|wartet|warten}',
  '+ {count} set aside': '+ {count} zurückgestellt',
  never: 'nie',
  'by {by}: {reason}': 'von {by}: {reason}',
  '{kind} by {by} until {until}': '{kind} von {by} bis {until}',
  'hold ## a host': 'angehalten',
  'test ## mode of a host': 'Testmodus',
  'log-level': 'Protokollstufe',
  Tag: 'Tags',
  'every tag': 'alle Tags',

  // the page of a host
  'Last hour: {came} arrived, {settled} settled':
    'Letzte Stunde: {came} gekommen, {settled} erledigt',
  'Last hour: {came} arrived, {settled} settled, in {average} on average, {longest} at most':
    'Letzte Stunde: {came} gekommen, {settled} erledigt, im Mittel in {average}, höchstens {longest}',
  Neighbours: 'Nachbarn',
  'Gets from': 'Erhält von',
  'Sends to': 'Sendet an',
  'nobody here': 'hier niemand',
  'What happened to it': 'Ereignisse',
  'Retry now': 'Jetzt wiederholen',
  Start: 'Starten',
  Restart: 'Neu starten',
  Stop: 'Stoppen',
  '{count} waiting': '{count} {count|wartet|warten}',
  '<link>{count} waiting</link>, the oldest for {duration}':
    '<link>{count} {count|wartet|warten}</link>, die älteste seit {duration}',
  'Set aside': 'Zurückgestellt',
  '{count} {count|message|messages} until an answer comes':
    '{count} {count|Nachricht|Nachrichten}, bis eine Antwort kommt',
  '{count} {count|message|messages} until a time or an answer comes; the next continues at {time} at the latest':
    '{count} {count|Nachricht|Nachrichten}, bis eine Zeit oder Antwort kommt; die nächste läuft spätestens am {time} weiter',
  'not since it started': 'nicht seit dem Start',
  Schedule: 'Zeitplan',
  'Switched off': 'Ausgeschaltet',
  'by {by}, {when}: {reason}': 'von {by}, {when}: {reason}',
  'Engine {engine}': 'Engine {engine}',
  listening: 'lauscht',
  connected: 'verbunden',
  waiting: 'wartet',
  disconnected: 'getrennt',
  '{count} {count|message|messages}': '{count} {count|Nachricht|Nachrichten}',
  '{count} in flight': '{count} unterwegs',
  'connects at {time}': 'verbindet sich um {time}',
  'try {attempt} of <link>{id}</link>, next at {time}':
    'Versuch {attempt} für <link>{id}</link>, nächster um {time}',
  'try {attempt} of <link>{id}</link>, next once it is connected':
    'Versuch {attempt} für <link>{id}</link>, nächster, sobald die Verbindung steht',
  'try {attempt} of <link>{id}</link>, under way':
    'Versuch {attempt} für <link>{id}</link>, läuft gerade',
  // a message of one's own
  'Test message': 'Testnachricht',
  'Send a test message into {host}': 'Testnachricht in {host} senden',
  'It goes the way of every message, including to real receivers. It, and everything made from it, is marked as a test.':
    'Sie geht den Weg jeder Nachricht, auch zu echten Empfängern. Sie und alles, was daraus wird, ist als Test gekennzeichnet.',
  Body: 'Inhalt',
  Type: 'Typ',
  'determined from the body': 'wird am Inhalt erkannt',
  'File name or subject': 'Dateiname oder Betreff',
  Reason: 'Grund',
  'kept in the audit log': 'steht im Audit-Protokoll',
  Cancel: 'Abbrechen',
  'Sending…': 'Wird gesendet …',
  'Send into {host}': 'In {host} senden',

  Rules: 'Regeln',
  'set {set}': 'Regelsatz {set}',
  'switched off': 'ausgeschaltet',
  '→ nobody': '→ niemand',
  '→ {to} by {transforms}': '→ {to} durch {transforms}',

  // its settings, and what is set for a while
  Settings: 'Einstellungen',
  Setting: 'Einstellung',
  Value: 'Wert',
  'Written in': 'Steht in',
  'Only what is written': 'Nur Geschriebenes',
  'With {count} defaults': 'Mit {count} {count|Vorgabe|Vorgaben}',
  default: 'Vorgabe',
  'not set': 'nicht gesetzt',
  'For a while': 'Auf Zeit',
  'Hold: the host is stopped, its queue fills':
    'Anhalten: Der Host steht, seine Warteschlange füllt sich',
  'Test mode: nothing is sent, each message is set aside':
    'Testmodus: Nichts geht hinaus, jede Nachricht wird beiseitegelegt',
  'Log level {level}': 'Protokollstufe {level}',
  '<strong>{title}</strong> until {until}, set by {by}: {reason}':
    '<strong>{title}</strong> bis {until}, gesetzt von {by}: {reason}',
  What: 'Was',
  'How long': 'Wie lange',
  Why: 'Warum',
  'Set it': 'Setzen',
  'End now': 'Jetzt beenden',

  // the test of its connection
  Connection: 'Verbindung',
  'Test connection': 'Verbindung testen',
  'Testing…': 'Test läuft …',
  'The test connects as the host does, step by step, and moves no message.':
    'Der Test verbindet sich wie der Host, Schritt für Schritt, und bewegt keine Nachricht.',
  passed: 'bestanden',
  failed: 'fehlgeschlagen',
  skipped: 'übersprungen',
  'Find a host by name or title': 'Host nach Name oder Titel suchen',
  '{count} of {total}': '{count} von {total}',
};
