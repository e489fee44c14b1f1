import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  '{count} in': '{count} eingegangen',
  '{count} failed or suspended': '{count} fehlgeschlagen oder ausgesetzt',
  'configuration changed {time} by {by}': 'Konfiguration geändert {time} von {by}',
  'Time shown': 'Gezeigte Zeit',
  '1 hour': '1 Stunde',
  '24 hours': '24 Stunden',
  'in a week ago, by the hour': 'vor einer Woche, je Stunde',

  // compared with other days
  'The same hour of other days': 'Dieselbe Stunde an anderen Tagen',
  'at {count} of {all} hosts': 'bei {count} von {all} Hosts',
  'no such hour, the clock was changed': 'keine solche Stunde, die Uhr wurde umgestellt',
  'not known': 'nicht bekannt',
  'not known, it ran only in part': 'nicht bekannt, lief nur zeitweise',
  '{from}–{to} ## hours': '{from}–{to}',
  '{span}: {why}': '{span}: {why}',
  '{span}: {count} in; the {day} before is not known':
    '{span}: {count} eingegangen; der {day} davor ist nicht bekannt',
  '{span}: {count} in, {share}': '{span}: {count} eingegangen, {share}',
  'as last {day}': 'wie letzten {day}',
  'last {day} nothing': 'letzten {day} nichts',
  '{percent} % of last {day} ({earlier})': '{percent} % vom letzten {day} ({earlier})',
  'a quarter of last {day} ({earlier})': 'ein Viertel vom letzten {day} ({earlier})',
  'a third of last {day} ({earlier})': 'ein Drittel vom letzten {day} ({earlier})',
  'half of last {day} ({earlier})': 'die Hälfte vom letzten {day} ({earlier})',
  'two thirds of last {day} ({earlier})': 'zwei Drittel vom letzten {day} ({earlier})',
  'about as many as last {day} ({earlier})': 'etwa so viele wie letzten {day} ({earlier})',
  'twice as many as last {day} ({earlier})': 'doppelt so viele wie letzten {day} ({earlier})',
  'three times as many as last {day} ({earlier})': 'dreimal so viele wie letzten {day} ({earlier})',
};
