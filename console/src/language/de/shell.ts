import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  'Messages and patients were not looked for.': 'Nachrichten und Patienten wurden nicht gesucht.',
  '{count} found; still searching…': '{count} gefunden; die Suche läuft noch …',
  'Keys that are pressed alone work on this machine':
    'Tasten, die man allein drückt, wirken auf diesem Gerät',
  'You were signed out. The page is kept as it was, with what you had typed.':
    'Sie wurden abgemeldet. Die Seite ist noch, wie sie war, mit dem, was Sie geschrieben hatten.',
  'You sign in with what stands in front of Waybill. Load this page to begin.':
    'Sie melden sich bei dem an, was vor Waybill steht. Laden Sie diese Seite, um zu beginnen.',
  'You sign in with what stands in front of Waybill: in another tab, then come back here.':
    'Sie melden sich bei dem an, was vor Waybill steht: in einem anderen Tab, danach kommen Sie hierher zurück.',
  'Load the page': 'Seite laden',
  'Sign in in another tab': 'In einem anderen Tab anmelden',
  'You may still be signed in: sign out again.':
    'Sie sind vielleicht noch angemeldet: Melden Sie sich noch einmal ab.',
  'The clock of this machine is {duration} ahead of the server’s. Times here are the server’s.':
    'Die Uhr dieses Rechners geht gegenüber der des Servers {duration} vor. Die Zeiten hier sind die des Servers.',
  'The clock of this machine is {duration} behind the server’s. Times here are the server’s.':
    'Die Uhr dieses Rechners geht gegenüber der des Servers {duration} nach. Die Zeiten hier sind die des Servers.',
  'The server does not answer. What is shown is as of {time}.':
    'Der Server antwortet nicht. Gezeigt ist der Stand von {time}.',
  'property of a host': 'Eigenschaft eines Hosts',
  'Emergency…': 'Notfall …',
  'See patient data in an emergency': 'Patientendaten im Notfall sehen',
  'Show it': 'Zeigen',
  Cancel: 'Abbrechen',
  'For when a patient cannot wait. Everything you open until then is recorded with this reason, and those who watch over privacy are told at once.':
    'Für den Fall, dass ein Patient nicht warten kann. Alles, was Sie bis dahin öffnen, wird mit diesem Grund protokolliert, und der Datenschutz wird sofort benachrichtigt.',
  'Why it cannot wait': 'Warum es nicht warten kann',
  For: 'Für',
  '{count} minutes': '{count} Minuten',
  'Emergency until {time}: patient data is not masked, and every view is recorded. {reason}':
    'Notfall bis {time}: Patientendaten sind nicht maskiert, und jeder Blick wird protokolliert. {reason}',
  'Mask again': 'Wieder maskieren',
  // several productions
  Productions: 'Produktionen',
  'All productions': 'Alle Produktionen',
  'Production {name}: choose another': 'Produktion {name}: eine andere wählen',
  'Find {text} in all productions': '{text} in allen Produktionen finden',

  // navigation and header
  Pages: 'Seiten',
  Dashboard: 'Dashboard',
  Messages: 'Nachrichten',
  Suspended: 'Ausgesetzt',
  'Durable work': 'Dauerhafte Vorgänge',
  Queues: 'Warteschlangen',
  Production: 'Produktion',
  'Event log': 'Ereignisprotokoll',
  Alerts: 'Alarme',
  Shift: 'Schicht',
  Jobs: 'Jobs',
  Certificates: 'Zertifikate',
  Storage: 'Speicher',
  Configuration: 'Konfiguration',
  'Audit log': 'Audit-Protokoll',
  Users: 'Benutzer',
  Tokens: 'Tokens',
  Navigation: 'Navigation',
  'Skip to the content': 'Zum Inhalt springen',
  'Light theme': 'Helles Design',
  'Dark theme': 'Dunkles Design',
  'Keyboard help': 'Tastaturhilfe',
  'not live': 'nicht live',
  'The live stream is interrupted and will reconnect; until then pages refresh every few seconds.':
    'Der Strom der Ereignisse ist unterbrochen und wird erneut aufgebaut; bis dahin fragen die Seiten alle paar Sekunden nach.',

  // account and sign-in
  Account: 'Konto',
  Language: 'Sprache',
  'Sign in': 'Anmelden',
  'Sign out': 'Abmelden',
  'Sign in to Waybill': 'Bei Waybill anmelden',
  'Signing in…': 'Anmeldung läuft …',
  'Sign in with {title}': 'Mit {title} anmelden',
  User: 'Benutzer',
  Password: 'Passwort',
  'Nobody can sign in yet. Use the code that waybill run printed to begin.':
    'Noch kann sich niemand anmelden. Wer den Code hat, den waybill run ausgegeben hat, beginnt.',
  Code: 'Code',
  'Password, 12 characters or more': 'Passwort, mindestens 12 Zeichen',
  'Become the administrator': 'Administrator werden',
  'Set up a second factor': 'Zweiten Faktor einrichten',
  'Second factor': 'Zweiter Faktor',
  'Choose a new password': 'Neues Passwort wählen',
  'Password you were given': 'Passwort, das Sie erhalten haben',
  'Present password': 'Bisheriges Passwort',
  'Change the password': 'Passwort ändern',
  'The password is changed.': 'Das Passwort ist geändert.',
  'New password': 'Neues Passwort',
  'at least 12 characters': 'mindestens 12 Zeichen',
  'Save the password': 'Passwort speichern',

  // finding
  Find: 'Suchen',
  Found: 'Gefunden',
  'Find by MRN, control id, message id': 'Suche nach Patient, Control-ID, Nachricht',
  'MRN, control id, message id, host or page': 'Patientennummer, ID, Host oder Seite',
  'Paste what you have: Waybill finds out what it is.':
    'Fügen Sie ein, was Sie haben: Waybill erkennt, was es ist.',
  '{count} found': '{count} gefunden',
  'All messages with {field} {text}': 'Alle Nachrichten mit {field} {text}',
  'Timeline of {field} {text}': 'Zeitachse zu {field} {text}',
  'Session with {field} {text}': 'Session mit {field} {text}',
  'Session {id}': 'Session {id}',
  'Message {id}': 'Nachricht {id}',
  search: 'Suche',
  timeline: 'Zeitachse',

  // what went wrong
  'This page failed': 'Diese Seite ist fehlgeschlagen',
  'No such page': 'Seite nicht vorhanden',
  'There is no page at this address. <link>Go to the dashboard</link> or press {keys} to find a message.':
    'Unter dieser Adresse gibt es keine Seite. <link>Gehen Sie zum Dashboard</link> oder drücken Sie {keys}, um eine Nachricht zu finden.',

  // keyboard help
  Keyboard: 'Tastatur',
  Everywhere: 'Überall',
  Lists: 'Listen',
  'Trace and message': 'Trace und Nachricht',
  'Go to': 'Gehe zu',
  Ctrl: 'Strg',
  ctrl: 'strg',
  enter: 'eingabe',
  'find by MRN, control id, message id': 'suchen nach Patientennummer, Control-ID, Nachrichten-ID',
  'this help': 'diese Hilfe',
  'close what is open': 'schließen, was offen ist',
  'to the filters': 'zu den Filtern',
  'down, up': 'abwärts, aufwärts',
  'open the trace': 'Trace öffnen',
  'open the message': 'Nachricht öffnen',
  'mark for an act on many': 'für eine Aktion auf vielen markieren',
  'live on, off': 'live ein, aus',
  'show new messages': 'neue Nachrichten zeigen',
  'next, previous step': 'nächster, voriger Schritt',
  'previous, next of what was found': 'voriger, nächster Treffer',
  'difference to what came before': 'Unterschied zum Vorherigen',
  resend: 'erneut senden',
  'edit and resend': 'bearbeiten und erneut senden',
  'diagram or table': 'Diagramm oder Tabelle',
  'where the time went': 'wo die Zeit blieb',
  'Waybill does not answer': 'Waybill antwortet nicht',
  'It has not answered in this browser yet.': 'In diesem Browser hat es noch nicht geantwortet.',
  'It last answered at {time}.': 'Zuletzt hat es um {time} geantwortet.',
  'There is nothing to show of it until it does; this page then opens by itself.':
    'Bis es antwortet, gibt es nichts zu zeigen; dann öffnet sich diese Seite von selbst.',
  'Messages do not need the console: the engine takes and sends them while only the console is away.':
    'Nachrichten brauchen die Konsole nicht: Die Engine nimmt und sendet sie auch, wenn nur die Konsole fehlt.',
  'Try now': 'Jetzt versuchen',
  // an upgrade
  'Waybill has been upgraded. This page is still of the version before; finish what you are typing, then load it again.':
    'Waybill wurde aktualisiert. Diese Seite ist noch aus der Version davor; erst fertig schreiben, dann neu laden.',
  'What you opened is not there any more in this version of the page. Load it again; what is typed in it stays only until then.':
    'Was Sie geöffnet haben, gibt es in dieser Version der Seite nicht mehr. Die Seite neu laden; was darin geschrieben ist, bleibt nur bis dahin.',
  'Load again': 'Neu laden',
  'Later ## load the page again': 'Später',
};
