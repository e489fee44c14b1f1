import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  Queues: 'Warteschlangen',
  'nothing waits': 'nichts wartet',
  '{count} waiting': '{count} {count|wartet|warten}',
  Host: 'Host',
  State: 'Zustand',
  Waiting: 'Wartend',
  Share: 'Anteil',
  Oldest: 'Älteste',
  'In flight': 'Unterwegs',
  'Next try': 'Nächster Versuch',
  '{count}<unit> waiting</unit>': '{count}<unit> {count|wartet|warten}</unit>',
  '<unit>oldest </unit>{duration}': '<unit>seit </unit>{duration}',
  '{count}<unit> in flight</unit>': '{count}<unit> unterwegs</unit>',
  'try {attempt} at {time}': 'Versuch {attempt} um {time}',

  'connects at {time}': 'verbindet sich um {time}',
  'from {host}': 'von {host}',

  'Waiting for {host}, oldest first': 'Wartet auf {host}, Älteste zuerst',
  'Host page': 'Zum Host',
  'Nothing waits for {host}.': 'Nichts wartet auf {host}.',
  'Abort message {id}': 'Nachricht {id} abbrechen',
  Abort: 'Abbrechen',
  'More wait behind these.': 'Dahinter warten weitere.',
};
