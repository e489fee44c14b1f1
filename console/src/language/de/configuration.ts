import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  Configuration: 'Konfiguration',
  'the files on disk compared with what is running': 'was in den Dateien steht und was läuft',
  'Read the files again': 'Dateien neu lesen',
  'Applied.': 'Übernommen.',
  'Applied on every engine.': 'Auf jeder Engine übernommen.',
  'What is running matches the files.': 'Es läuft, was in den Dateien steht.',
  Reason: 'Grund',
  Apply: 'Übernehmen',
  'Apply, restarts {hosts}': 'Übernehmen, startet {hosts} neu',
  'Messages that wait for {host}: {count}. They stay, and are sent once the production has this host again.':
    'Nachrichten, die auf {host} warten: {count}. Sie bleiben und werden gesendet, sobald die Produktion diesen Host wieder hat.',
  'Remove these hosts although messages wait for them':
    'Diese Hosts herausnehmen, obwohl Nachrichten auf sie warten',
  Production: 'Produktion',
  '{host}: {change}, restarts': '{host}: {change}, startet neu',
  Setting: 'Einstellung',
  Runs: 'Läuft',
  'In the files': 'In den Dateien',
};
