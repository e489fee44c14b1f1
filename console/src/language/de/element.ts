import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  // names.ts
  queued: 'wartet',
  retrying: 'wird wiederholt',
  completed: 'abgeschlossen',
  discarded: 'verworfen',
  error: 'Fehler',
  suspended: 'ausgesetzt',
  running: 'läuft',
  'retrying ## host': 'wiederholt',
  disconnected: 'getrennt',
  stopped: 'gestoppt',
  'switched off': 'ausgeschaltet',
  inline: 'eingebettet',
  service: 'Dienst',
  process: 'Prozess',
  operation: 'Operation',
  info: 'Info',
  warn: 'Warnung',
  added: 'neu',
  removed: 'entfernt',
  changed: 'geändert',

  'sent by {name} as a test': 'von {name} zum Test gesendet',
  'test ## message': 'Test',
  now: 'jetzt',
  '{duration} ago': 'vor {duration}',
  'Loading…': 'Wird geladen …',
  'Something went wrong.': 'Etwas ist fehlgeschlagen.',
  Close: 'Schließen',
  Copied: 'Kopiert',
};
