import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  // names.ts
  resend: 'erneut senden',
  'process again': 'neu verarbeiten',
  discard: 'verwerfen',
  abort: 'abbrechen',
  'set aside': 'beiseitelegen',
  running: 'läuft',
  paused: 'angehalten',
  finished: 'beendet',
  cancelled: 'abgebrochen',
  stopped: 'gestoppt',
  waiting: 'wartet',
  doing: 'in Arbeit',
  done: 'erledigt',
  failed: 'fehlgeschlagen',
  uncertain: 'ungewiss',
  'refused again': 'erneut abgelehnt',
  'under way': 'unterwegs',
  delivered: 'zugestellt',
  'discarded ## of messages': 'verworfen',
  'no longer in the trace': 'nicht mehr im Trace',
  'still open after 7 days': 'nach 7 Tagen noch offen',
  '{count} refused again': '{count} erneut abgelehnt',
  'sent; {count} under way': 'gesendet; {count} unterwegs',
  '{count} failed': '{count} fehlgeschlagen',
  '{act} to {target}': '{act} an {target}',

  // list
  Pause: 'Anhalten',
  Continue: 'Fortsetzen',
  'It waits and tries again by itself: {why}': 'Er wartet und versucht es von selbst wieder: {why}',

  Jobs: 'Jobs',
  'acts on many messages, with a result for each':
    'Aktionen mit vielen Nachrichten, mit einem Ergebnis für jede',
  'No job has run yet. Mark messages in a search with x, or all that it found, or act on a whole group of suspended ones.':
    'Es lief noch kein Job. Markieren Sie Nachrichten in einer Suche mit x oder alle gefundenen, oder wählen Sie eine ganze Gruppe ausgesetzter Nachrichten.',
  Job: 'Job',
  What: 'Was',
  State: 'Zustand',
  Progress: 'Fortschritt',
  By: 'Von',
  Reason: 'Grund',
  Begun: 'Begonnen',
  '{done} of {total}': '{done} von {total}',
  '{done} of {total}<bad>, {failed} failed</bad>':
    '{done} von {total}<bad>, {failed} fehlgeschlagen</bad>',

  // one job
  'Job {id}': 'Job {id}',
  '{act}, by {by}, {time}': '{act}, von {by}, {time}',
  Stop: 'Stoppen',
  'Stop job {id}': 'Job {id} stoppen',
  'What it has not done yet is not done: {count} {count|message|messages}. It cannot go on after this; to go on later, pause it.':
    'Was er noch nicht getan hat, unterbleibt: {count} {count|Nachricht|Nachrichten}. Er kann danach nicht weitergehen; um später weiterzumachen, halten Sie ihn an.',
  'Stop it for good': 'Endgültig stoppen',
  Show: 'Anzeigen',
  'What happened to the new messages': 'Was aus den neuen Nachrichten wurde',
  'one of them': 'eine davon',
  'order: {state}': 'Auftrag: {state}',
  'The first {count} of them.': 'Die ersten {count} davon.',
  'Show more': 'Mehr zeigen',
  'every message': 'alle Nachrichten',
  Results: 'Ergebnisse',
  Message: 'Nachricht',
  Result: 'Ergebnis',
  Became: 'Wurde zu',
  Why: 'Warum',

  // a new job
  'Act on many messages': 'Aktion mit vielen Nachrichten',
  'process again from the original': 'aus dem Original neu verarbeiten',
  'Try them with the files first': 'Zuerst mit den Dateien durchspielen',
  "Each original goes through today's rules and transforms; only what goes to the target is sent, linked to what it replaces.":
    'Jedes Original durchläuft die heutigen Regeln und Transformationen; gesendet wird nur, was an das Ziel geht, verknüpft mit dem, was es ersetzt.',
  'Process {count} {count|message|messages} again':
    '{count} {count|Nachricht|Nachrichten} neu verarbeiten',
  'discard (suspended ones)': 'verwerfen (ausgesetzte)',
  'abort (queued or retrying)': 'abbrechen (in Warteschlangen)',
  'set aside (queued or retrying)': 'beiseitelegen (in Warteschlangen)',
  'To ## a host': 'An',
  'each to its own target': 'jede an ihr eigenes Ziel',
  'kept with the job and in the audit log': 'steht beim Job und im Audit-Protokoll',
  'Resend {count} {count|message|messages}': '{count} {count|Nachricht|Nachrichten} erneut senden',
  'Discard {count} {count|message|messages}': '{count} {count|Nachricht|Nachrichten} verwerfen',
  'Abort {count} {count|message|messages}': '{count} {count|Nachricht|Nachrichten} abbrechen',
  'Set aside {count} {count|message|messages}':
    '{count} {count|Nachricht|Nachrichten} beiseitelegen',
  'At most': 'Höchstens',
  'the oldest go first': 'die ältesten zuerst',
  'you may act on {most} at once; the oldest go first':
    'Sie dürfen {most} auf einmal bearbeiten; die ältesten zuerst',
  'Messages among these that were delivered already: {count}. They are sent once more; choose a status in the search to leave them out.':
    'Darunter sind bereits zugestellte Nachrichten: {count}. Sie werden noch einmal gesendet; wählen Sie in der Suche einen Status, um sie auszulassen.',
  'Messages among these that still wait in a queue: {count}. They are sent from there, and by this a second time; choose a status in the search to leave them out.':
    'Darunter sind Nachrichten, die noch in einer Warteschlange stehen: {count}. Sie werden von dort gesendet und hierdurch ein zweites Mal; wählen Sie in der Suche einen Status, um sie auszulassen.',
  Which: 'Welche',
  '{count} {count|message|messages}; the first of them':
    '{count} {count|Nachricht|Nachrichten}; die ersten davon',
  'the newest {count} messages, as many as one job takes; the first of them':
    'die neuesten {count} Nachrichten, so viele ein Job fasst; die ersten davon',
  'More messages match than these. The job acts only on these; start another one for the rest when it has ended, or narrow the search.':
    'Es passen mehr Nachrichten als diese. Der Job bearbeitet diese und keine anderen; geben Sie für den Rest einen weiteren in Auftrag, wenn er beendet ist, oder grenzen Sie die Suche ein.',
  'No message matches.': 'Keine Nachricht passt.',
  'Left out, since they hold more than what was searched for, such as other patients: {count}. Act on them one by one, or mark them in the list.':
    'Ausgelassen, weil sie mehr als das Gesuchte enthalten, etwa andere Patienten: {count}. Bearbeiten Sie diese einzeln, oder markieren Sie sie in der Liste.',
  Since: 'Seit',
  'only what was made from then on': 'nur was ab dann entstand',
};
