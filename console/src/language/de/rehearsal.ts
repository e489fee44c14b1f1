import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  'What the files would do': 'Was die Dateien bewirken würden',
  'message {id}; nothing is sent': 'Nachricht {id}; nichts wird gesendet',
  Message: 'Nachricht',
  '{count} {count|message|messages}; nothing is sent':
    '{count} {count|Nachricht|Nachrichten}; nichts wird gesendet',
  'No message matches.': 'Keine Nachricht passt.',
  'Messages that were tried': 'Nachrichten, die durchgespielt wurden',
  '{done} of {total} tried': '{done} von {total} durchgespielt',
  'Looking for the messages…': 'Die Nachrichten werden gesucht …',
  '{rate} a second, about {time} more': '{rate} pro Sekunde, noch etwa {time}',
  'The server is away or busy: the trial goes on by itself once it answers.':
    'Der Server ist nicht da oder beschäftigt: Es geht von selbst weiter, sobald er antwortet.',
  'Some of all of them are tried first: the shares hold for the rest, more or less.':
    'Zuerst werden einige aus allen durchgespielt: Die Anteile gelten ungefähr auch für den Rest.',
  'The files changed during the trial: try again for an answer about one version.':
    'Die Dateien haben sich währenddessen geändert: Erneut versuchen, damit es um eine Version geht.',
  Stop: 'Stoppen',
  'Go on': 'Weiter',
  'More messages fit than one list takes: these are the newest.':
    'Es passen mehr Nachrichten, als eine Liste fasst: Dies sind die neuesten.',
  'The files ran on and on for the last message, and the trial was ended: look for an endless loop in the code that it goes through.':
    'Die Dateien kamen bei der letzten Nachricht an kein Ende, und der Versuch wurde beendet: Suchen Sie eine Endlosschleife im Code, durch den sie geht.',
  'What they would become': 'Was aus ihnen würde',
  'one of them, field by field': 'eine davon, Feld für Feld',
  'their target would get something else than it got':
    'ihr Ziel bekäme etwas anderes, als es bekam',
  'their target would get the same again as it got': 'ihr Ziel bekäme wieder dasselbe',
  'their own target would get nothing': 'ihr eigenes Ziel bekäme nichts',
  'would still fail at {host}': 'scheiterte noch immer bei {host}',
  'could not be tried': 'ließ sich nicht durchspielen',
  'would go to nobody': 'ginge an niemanden',
  'would go to nobody, as then': 'ginge an niemanden, wie damals',
  'would go to nobody, and went to {targets} then':
    'ginge an niemanden, und ging damals an {targets}',
  'went to {targets} then': 'ging damals an {targets}',
  'nobody ## got it': 'niemanden',
  'the same as then, byte for byte': 'dasselbe wie damals, Byte für Byte',
  'with another content than then': 'mit anderem Inhalt als damals',
  'What the changed files would do': 'Was die geänderten Dateien bewirken würden',
  'would go to {targets}': 'ginge an {targets}',
  rule: 'Regel',
  transform: 'Transformation',
  table: 'Tabelle',
  'Where it is decided': 'Wo es entschieden wird',
  'Copy the place': 'Stelle kopieren',
  'Apply, then process again': 'Übernehmen, dann neu verarbeiten',
  'What is running matches the files.': 'Es läuft, was in den Dateien steht.',
  'What runs is not what the files say: what was tried comes true once it is applied.':
    'Es läuft nicht, was die Dateien sagen: Was durchgespielt wurde, gilt, sobald es übernommen ist.',
  'What would change': 'Was sich ändern würde',
  'The files have changed since these messages were tried: try again.':
    'Die Dateien haben sich geändert, seit die Nachrichten durchgespielt wurden: erneut versuchen.',
  Reason: 'Grund',
  Apply: 'Übernehmen',
  'Process {count} {count|message|messages} again':
    '{count} {count|Nachricht|Nachrichten} neu verarbeiten',
  'Trying…': 'Läuft …',
  'Try again': 'Erneut versuchen',
  '{process} would decide': '{process} entschiede',
  'The message went nowhere, and with the current files it would go nowhere.':
    'Die Nachricht ging an kein Ziel und ginge auch nach den Dateien an keines.',
  'The same: {count} {count|target|targets} would get what they got, byte for byte.':
    'Unverändert: {count} {count|Ziel bekäme|Ziele bekämen} dasselbe wie damals, Byte für Byte.',
  '{other} of {count} {count|target|targets} would get something else.':
    '{other} von {count} {count|Ziel|Zielen} {other|bekäme|bekämen} etwas anderes.',
  'the same': 'dasselbe',
  'would get this instead': 'bekäme stattdessen dies',
  'would get it now, but did not': 'bekäme sie jetzt, damals nicht',
  'would no longer get it': 'bekäme sie nicht mehr',
  'There are more differences than shown.': 'Es gibt mehr Unterschiede als gezeigt.',
};
