import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  Configuration: 'Konfiguration',
  'the files on disk compared with what is running': 'was in den Dateien steht und was läuft',
  'Read the files again': 'Dateien neu lesen',
  'Applied.': 'Übernommen.',
  'Applied on every engine.': 'Auf jeder Engine übernommen.',
  'Try the {count} {count|message|messages} from before again':
    'Die {count} {count|Nachricht|Nachrichten} von vorhin erneut durchspielen',
  'What is running matches the files.': 'Es läuft, was in den Dateien steht.',
  Reason: 'Grund',
  Apply: 'Übernehmen',
  'Apply, restarts {hosts}': 'Übernehmen, startet {hosts} neu',
  'Messages that wait for {host}: {count}. It becomes another kind of host, which gets them as they are.':
    'Nachrichten, die auf {host} warten: {count}. Er wird ein Host anderer Art, der sie bekommt, wie sie sind.',
  'Messages that wait for {host}: {count}. They stay, and are sent once the production has this host again.':
    'Nachrichten, die auf {host} warten: {count}. Sie bleiben und werden gesendet, sobald die Produktion diesen Host wieder hat.',
  'Remove these hosts although messages wait for them':
    'Diese Hosts herausnehmen, obwohl Nachrichten auf sie warten',
  Production: 'Produktion',
  '{host}: {change}, restarts': '{host}: {change}, startet neu',
  Setting: 'Einstellung',
  Before: 'Vorher',
  After: 'Nachher',
  'as it was': 'wie es war',
  'changed ## content of a file': 'geändert',

  // trial of edits
  'Looking for the messages…': 'Die Nachrichten werden gesucht …',
  'No message matches.': 'Keine Nachricht passt.',
  'The server is away or busy: the trial goes on by itself once it answers.':
    'Der Server ist nicht da oder beschäftigt: Es geht von selbst weiter, sobald er antwortet.',
  'the last hour': 'der letzten Stunde',
  'the last day': 'des letzten Tages',
  'the last week': 'der letzten Woche',
  'Trial on real messages': 'Versuch mit echten Nachrichten',
  'Messages of': 'Nachrichten',
  'Through ## a service': 'Durch',
  'every service': 'jeden Service',
  'At most': 'Höchstens',
  'Try on real messages': 'Mit echten Nachrichten durchspielen',
  '{by} tried it on {done} of {total} messages':
    '{by} hat es mit {done} von {total} Nachrichten durchgespielt',

  // history
  History: 'Verlauf',
  'what was applied, by whom and why': 'was übernommen wurde, von wem und warum',
  'Nothing is kept yet.': 'Noch ist nichts aufbewahrt.',
  'Versions, newest first': 'Fassungen, neueste zuerst',
  When: 'Wann',
  Who: 'Wer',
  How: 'Wie',
  Commit: 'Commit',
  Version: 'Fassung',
  'read at a start': 'beim Start gelesen',
  applied: 'übernommen',
  'applied when saved': 'beim Speichern übernommen',
  'changed in the console': 'in der Konsole geändert',
  'rolled back': 'zurückgenommen auf diese',
  'lay on disk, never ran': 'lag auf der Platte, lief nie',
  '{count} {count|warning|warnings}': '{count} {count|Warnung|Warnungen}',
  'and changes ## beside a commit': 'mit Änderungen',
  'The first version that is kept': 'Die erste aufbewahrte Fassung',
  'Against the version before': 'Gegenüber der Fassung davor',
  'Its files': 'Ihre Dateien',
  'Roll back to it': 'Zu ihr zurückkehren',
  'This one runs.': 'Diese läuft.',
  'There is nothing to compare it with.': 'Es gibt nichts, womit sie zu vergleichen wäre.',
  'Roll back to {version}': 'Zurück zu {version}',
  Cancel: 'Abbrechen',
  'Rolling back…': 'Rückkehr läuft …',
  'Roll back all the same': 'Trotzdem zurückkehren',
  'Roll back': 'Zurückkehren',
  'The files of this version are written and applied. What lies on disk now is kept in the history.':
    'Die Dateien dieser Fassung werden geschrieben und übernommen. Was jetzt auf der Platte liegt, bleibt im Verlauf.',
  'What changes against what runs': 'Was sich gegenüber dem Laufenden ändert',
  'They are the same.': 'Sie sind gleich.',
  'Not all of it is shown: it is too large, or no text.':
    'Nicht alles wird gezeigt: Es ist zu groß oder kein Text.',
  'What the check says': 'Was die Prüfung sagt',

  // files
  Files: 'Dateien',
  File: 'Datei',
  'as they lie on disk': 'wie sie auf der Platte liegen',
  'of the version {version}': 'der Fassung {version}',
  'Copy the file': 'Datei kopieren',
  'It is too large to be shown here, or no text.':
    'Sie ist zu groß, um hier gezeigt zu werden, oder kein Text.',
  'Text of the file': 'Text der Datei',

  // changing files
  'changed ## of a file': 'geändert',
  'Change ## a file': 'Ändern',
  'As it was': 'Wie vorher',
  'Somebody else has changed this file since you began. Look at it as it is, then change it again.':
    'Jemand anderes hat diese Datei geändert, seit Sie begonnen haben. Sehen Sie sich an, wie sie ist, und ändern Sie sie dann noch einmal.',
  '{count} {count|file|files} changed, not applied':
    '{count} {count|Datei|Dateien} geändert, nicht übernommen',
  'Throw the changes away': 'Änderungen verwerfen',
  'What was changed in {paths} is lost.': 'Was in {paths} geändert wurde, ist verloren.',
  'Throw them away': 'Verwerfen',
  'being checked…': 'wird geprüft …',
  'the check finds mistakes': 'die Prüfung findet Fehler',
  'the check finds no mistake': 'die Prüfung findet keinen Fehler',
  'Run the test cases': 'Testfälle ausführen',
  'The production has no test cases.': 'Die Produktion hat keine Testfälle.',
  Propose: 'Vorschlagen',
  'It restarts {hosts}.': 'Neu gestartet wird: {hosts}.',
  'Test cases: {passed} passed, {failed} failed.':
    'Testfälle: {passed} bestanden, {failed} fehlgeschlagen.',
  'Proposed by {by}: {reason}': 'Vorschlag von {by}: {reason}',
  Close: 'Schließen',
  'Look at it': 'Ansehen',
  'somebody else has to apply it': 'jemand anderes muss ihn übernehmen',
  'Apply all the same': 'Trotzdem übernehmen',
  Withdraw: 'Zurückziehen',
  Refuse: 'Ablehnen',
  'The proposed changes are not applied and no longer shown: who wants them makes them again.':
    'Die vorgeschlagenen Änderungen werden nicht angewandt und nicht mehr gezeigt: Wer sie will, macht sie noch einmal.',
  'Withdraw it': 'Vorschlag zurückziehen',
  'Refuse it': 'Vorschlag ablehnen',

  // code tables
  Key: 'Schlüssel',
  'Value ## of a table': 'Wert',
  Note: 'Notiz',
  Remove: 'Entfernen',
  '{column} in line {line}': '{column} in Zeile {line}',
  'Remove line {line}': 'Zeile {line} entfernen',
  'The first {count} of {total}; the filter finds the others.':
    'Die ersten {count} von {total}; der Filter findet die anderen.',
  Filter: 'Filter',
  'Add a row': 'Zeile hinzufügen',
  'Import CSV': 'CSV importieren',
  'Export CSV': 'CSV exportieren',
  'New file': 'Neue Datei',
  'YAML or a table, below the folder of the production':
    'YAML oder eine Tabelle, unter dem Ordner der Produktion',
  'Write a path such as transforms/to-lab.yaml or lookups/wards.csv.':
    'Schreiben Sie einen Pfad wie transforms/to-lab.yaml oder lookups/wards.csv.',
  'Begin it': 'Anfangen',
  'Leave it': 'Verwerfen',
  'HL7 paths that begin with {beginning}': 'HL7-Pfade, die mit {beginning} beginnen',
};
