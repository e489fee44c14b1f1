import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  'Event log': 'Ereignisprotokoll',
  '{count} newest': 'die neuesten {count}',
  Host: 'Host',
  'every host': 'alle Hosts',
  'At least': 'Mindestens',
  Since: 'Seit',
  Until: 'Bis',
  Events: 'Ereignisse',
  'Nothing happened in this time.': 'In dieser Zeit ist nichts geschehen.',
  'Time, {zone}': 'Zeit, {zone}',
  Level: 'Stufe',
  Event: 'Ereignis',
  'What happened ## to a host': 'Was geschah',
  By: 'Von',
  production: 'Produktion',
  '{times} times since {since}': '{times}-mal seit {since}',
  'by {by}': 'von {by}',
  'Nothing happened to it.': 'Keine Ereignisse.',
};
