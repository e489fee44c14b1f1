import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  Storage: 'Speicher',
  '{size} in {count} {count|day|days}; settled messages stay {duration}':
    '{size} in {count} {count|Tag|Tagen}; erledigte Nachrichten bleiben {duration}',
  'Purge now': 'Jetzt bereinigen',
  'Messages that are settled, held by nobody and past their time are removed with their bodies, and cannot be brought back.':
    'Nachrichten, die erledigt sind, die niemand aufbewahrt und deren Zeit um ist, werden mit ihren Inhalten entfernt und lassen sich nicht zurückholen.',
  Purge: 'Bereinigen',
  'Nothing has reached its age limit.': 'Nichts ist abgelaufen.',
  'Removed {days}.': 'Entfernt: {days}.',
  '{count} {count|session stays: it is|sessions stay: they are} open or held.':
    '{count} {count|Session bleibt: sie ist|Sessions bleiben: sie sind} offen oder aufbewahrt.',
  '{count} {count|job|jobs} that had ended earlier {count|was|were} removed.':
    '{count} {count|Job ist entfallen, der|Jobs sind entfallen, die} vorher {count|endete|endeten}.',
  Jobs: 'Jobs',
  '{jobs} {jobs|job|jobs} with {results} {results|result|results}. They are removed {duration} after they have ended.':
    '{jobs} {jobs|Job|Jobs} mit {results} {results|Ergebnis|Ergebnissen}. Sie entfallen {duration} nach ihrem Ende.',
  'By day of the session': 'Nach dem Tag der Session',
  Day: 'Tag',
  Messages: 'Nachrichten',
  Size: 'Größe',
  Goes: 'Entfällt',
  'with the next purge': 'nächste Bereinigung',
  Share: 'Anteil',
  'Held sessions': 'Aufbewahrte Sessions',
  'No session is held beyond its time by a person.': 'Niemand bewahrt eine Session länger auf.',
  '{count} {count|stays because it is|stay because they are} still open.':
    '{count} {count|bleibt, weil sie noch offen ist|bleiben, weil sie noch offen sind}.',
  'by {by}, {time}, until released': 'von {by}, {time}, bis zur Freigabe',
  'by {by}, {time}, until {until}': 'von {by}, {time}, bis {until}',
  Release: 'Freigeben',
  'Release session {id}': 'Session {id} freigeben',
  'Nobody keeps it then: if it is past its time, the next purge removes it with its bodies.':
    'Niemand bewahrt sie dann auf: Ist ihre Zeit um, entfernt die nächste Bereinigung sie mit ihren Inhalten.',
  'Release it ## a session': 'Freigeben',
};
