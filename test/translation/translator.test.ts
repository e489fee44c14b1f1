import { describe, expect, test } from 'vitest';
import { translator } from '../../src/translation/translator.ts';

const translate = translator({
  'nothing listens on {1}': 'auf {1} hört niemand',
  'Check the port': 'Den Port prüfen',
  '{1} has had no connection for {2}{3}': '{1} hat seit {2} keine Verbindung{3}',
  'more than {1}': 'mehr als {1}',
  'rule {1}': 'Regel {1}',
  'the peer answered {1}{2}': 'die Gegenstelle antwortete {1}{2}',
  '{1} {2} for {3} are gone: {4}': '{3} fehlen {1} {2*}: {4}',
  messages: 'Nachrichten',
  'the port of {1}': 'der Port von {1}',
  'the port of {1} is closed to {2}': 'der Port von {1} ist für {2} zu',
  'A line.\nAnd {1} more': 'Eine Zeile.\nUnd {1} weitere',
  '{1} of {2}': '{1} von {2}',
  '{1} ended': '{1} endete',
  '{1} closed the connection to {2}. Look at the log of {3}':
    '{2}: Verbindung von {1} geschlossen. Protokoll von {3} ansehen',
  __proto__: 'nie',
  'the folder': 'der Ordner',
});

describe('what a text says in German', () => {
  test.for([
    ['Check the port', 'Den Port prüfen'],
    ['nothing listens on lab.example:2575', 'auf lab.example:2575 hört niemand'],
    ['Nothing listens on lab:1.', 'Auf lab:1 hört niemand.'],
    ['check the port', 'Den Port prüfen'],
    ['nothing listens on lab:1. Check the port.', 'auf lab:1 hört niemand. Den Port prüfen.'],
    // one text in another
    [
      'ward has had no connection for 5m: nothing listens on lab:1',
      'ward hat seit 5m keine Verbindung: auf lab:1 hört niemand',
    ],
    ['ward has had no connection for 5m', 'ward hat seit 5m keine Verbindung'],
    ['the peer answered AE (rule ae)', 'die Gegenstelle antwortete AE (Regel ae)'],
    ['3 messages for ward are gone: Check the port', 'ward fehlen 3 Nachrichten: Den Port prüfen'],
    ['A line.\nAnd 3 more', 'Eine Zeile.\nUnd 3 weitere'],
    // a sentence by itself
    ['Look at the log of lab.', 'Protokoll von lab ansehen.'],
    ['lab closed the connection to ward', 'ward: Verbindung von lab geschlossen'],
    // the one that says more
    ['the port of lab is closed to ward', 'der Port von lab ist für ward zu'],
    // masked, and without what differs from message to message
    ['nothing listens on ••••', 'auf •••• hört niemand'],
    ['nothing listens on …', 'auf … hört niemand'],
  ] as const)('%s', ([english, german]) => {
    expect(translate(english)).toBe(german);
  });

  test.for([
    'ORA-00942: table or view does not exist',
    'Patient unbekannt',
    'nothing at all',
    '',
    '   ',
    '…',
    'constructor',
    'toString',
    'PID-3.1 is "W12 ward", which is unknown',
    'a peer of mine ended its work with the port of nobody',
    // short templates fit by chance: they count only where all of it is known
    'one side of the moon',
  ])('%s is not known, and stays', (text) => {
    expect(translate(text)).toBe(text);
  });

  test('the words of a peer stay inside a German sentence', () => {
    expect(translate('the peer answered AE: ward UNKNOWN is not in the table')).toBe(
      'die Gegenstelle antwortete AE: ward UNKNOWN is not in the table',
    );
    expect(translate('530 5.7.0 Authentication required. Check the port')).toBe(
      '530 5.7.0 Authentication required. Den Port prüfen',
    );
  });

  test('a value is taken as it is, whatever is in it', () => {
    for (const value of ['<b>1</b>', '{1}', '{2*}', '$&', '__proto__', '{1|a|b}', 'messages'])
      expect(translate(`nothing listens on ${value}`)).toBe(`auf ${value} hört niemand`);
  });

  test('a text that was made to be slow takes no longer, and stays if it is no sentence of ours', () => {
    const began = process.cpuUsage();
    for (const part of [
      'the port of ',
      ' ended: ',
      'nothing listens on . ',
      ' of ',
      '{1}{2}: (',
      'A line.\n',
    ])
      for (const length of [100, 1_000, 5_900, 100_000])
        expect(translate(part.repeat(length).slice(0, length)).length).toBeGreaterThan(0);
    expect(process.cpuUsage(began).user / 1_000).toBeLessThan(2_000);
    const long = 'nothing listens on '.repeat(1_000);
    expect(translate(long)).toBe(long);
  });
});
