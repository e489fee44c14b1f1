import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  Dashboard: 'Dashboard',
  'Messages in': 'Eingang',

  // figures
  Hosts: 'Hosts',
  '{count} retrying': '{count} {count|wiederholt|wiederholen}',
  '{count} disconnected': '{count} getrennt',
  '{count} stopped': '{count} gestoppt',
  '{count} switched off': '{count} ausgeschaltet',
  'all run': 'alle laufen',
  'In, per minute': 'Eingang pro Minute',
  '{count} in the last hour': '{count} letzte Stunde',
  Queued: 'Wartend',
  'nothing waits': 'nichts wartet',
  'oldest {duration}, {host}': 'seit {duration}, {host}',
  Suspended: 'Ausgesetzt',
  'nothing waits for a person': 'nichts zu entscheiden',
  'wait for a person': 'zu entscheiden',
  'Errors, 24 h': 'Fehler, 24 h',
  'none failed for good': 'nichts endgültig gescheitert',
  'will not be retried': 'endgültig gescheitert',
  Alerts: 'Alarme',
  'none open': 'keine offen',
  'open ## of an alert': 'offen',

  'What failed, last 24 hours': 'Fehlgeschlagen, letzte 24 Stunden',
  All: 'Alle',
  'Nothing failed.': 'Nichts ist fehlgeschlagen.',
  'first {time}': 'zuerst {time}',

  // foot
  '{count} {count|engine|engines}, up {durations}':
    '{count} {count|Engine|Engines}, in Betrieb seit {durations}',
  'how far the trace is behind is not known': 'wie weit der Trace zurückliegt, ist nicht bekannt',
  'the trace is up to date': 'der Trace ist aktuell',
  'the trace lags by {count} {count|message|messages}':
    'der Trace liegt {count} {count|Nachricht|Nachrichten} zurück',
  'the trace store has been failing since {time}; messages continue':
    'der Trace-Speicher ist seit {time} gestört; Nachrichten laufen weiter',
  'certificate {name} expired {day}': 'Zertifikat {name} ist am {day} abgelaufen',
  'certificate {name} expires {day}': 'Zertifikat {name} läuft am {day} ab',
  'revocation list {name} expired {day}': 'Sperrliste {name} ist am {day} abgelaufen',
  'revocation list {name} expires {day}': 'Sperrliste {name} läuft am {day} ab',
  'not known now': 'zurzeit nicht bekannt',
};
