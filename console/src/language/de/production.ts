import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  Production: 'Produktion',
  '{hosts} hosts, {ways} connections between them':
    '{hosts} {hosts|Host|Hosts}, {ways} {ways|Weg|Wege} dazwischen',
  'Show as diagram': 'Als Diagramm zeigen',
  'Show as table': 'Als Tabelle zeigen',
  'Show only the paths through a host': 'Nur die Wege durch einen Host zeigen',
  'every path': 'alle Wege',

  // the table of the ways
  'Hosts and their connections': 'Hosts und ihre Wege',
  From: 'Von',
  'To ## a host': 'An',
  'By ## a rule': 'Durch',
  Rules: 'Regeln',
  'to ## a setting': 'Ziel',
  rule: 'Regel',
  code: 'Code',
  invalid: 'ungültig',
  setting: 'Einstellung',

  'Messages waiting for {host}, which the production no longer has: {count}. They are sent once it has this host again.':
    'Nachrichten, die auf {host} warten, den die Produktion nicht mehr hat: {count}. Sie werden gesendet, sobald sie diesen Host wieder hat.',

  // the diagram
  host: 'Host',
  way: 'Weg',
  '{kind} {host}, {health}, {count} waiting':
    '{kind} {host}, {health}, {count} {count|wartet|warten}',
  '{from} sends to {to}': '{from} sendet an {to}',
  '{from} sends to {to} by {labels}': '{from} sendet an {to} durch {labels}',
  '{count} queued': '{count} {count|wartet|warten}',
  '{rate}/min': '{rate}/min',
  quiet: 'ruhig',
  'The table shows the same and links to each host.':
    'Die Tabelle zeigt dasselbe und führt zu jedem Host.',
  'Size of the diagram': 'Größe des Diagramms',
  'Zoom in': 'Vergrößern',
  'Zoom out': 'Verkleinern',
  'Show all': 'Alles zeigen',
  'The whole diagram, small': 'Das ganze Diagramm, klein',
  'everything else': 'alles Übrige',
  '{group}: {count} {count|host|hosts}, {troubled} in trouble, {queued} waiting':
    '{group}: {count} {count|Host|Hosts}, {troubled} mit Störung, {queued} wartend',
  '{from} sends to {to} in {many} ways': '{from} sendet an {to} auf {many} Wegen',
  '{count} {count|host|hosts}': '{count} {count|Host|Hosts}',
  '{count} in trouble': '{count} mit Störung',
  'all run': 'alle laufen',
  'Only troubled': 'Nur mit Störung',
  'No host is like that.': 'Auf keinen Host trifft das zu.',
};
