import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  'Durable work': 'Dauerhafte Vorgänge',
  'what processes keep between messages, across restarts':
    'was Prozesse zwischen Nachrichten behalten, auch über Neustarts',
  Kind: 'Art',
  'Waiting messages': 'Wartende Nachrichten',
  'Being collected': 'Wird gesammelt',
  'Shared state': 'Gemeinsamer Zustand',
  'No message waits for another (context.receive).':
    'Keine Nachricht wartet auf eine andere (context.receive).',
  'There are more than are shown here.': 'Es gibt mehr, als hier gezeigt wird.',
  'There are more than are shown here: find one by its key.':
    'Es gibt mehr, als hier gezeigt wird: Suchen Sie nach dem Schlüssel.',
  'Process ## a host': 'Prozess',
  'Key ## of shared work': 'Schlüssel',
  Message: 'Nachricht',
  Messages: 'Nachrichten',
  'Waits for': 'Wartet auf',
  Since: 'Seit',
  Until: 'Bis',
  Size: 'Größe',
  'End it': 'Beenden',
  'nobody yet: it came before anybody waited': 'noch niemanden: Sie kam, bevor jemand wartete',
  'any message under this key': 'jede Nachricht unter diesem Schlüssel',
  'all together': 'alle zusammen',
  'No process collects anything now.': 'Kein Prozess sammelt gerade etwas.',
  'its message is being made': 'daraus wird gerade eine Nachricht',
  Release: 'Freigeben',
  'Release it': 'Freigeben',
  'Discard ## what is collected': 'Verwerfen',
  'Discard it ## what is collected': 'Verwerfen',
  'Discard what {host} collects': 'Verwerfen, was {host} sammelt',
  'Release what {host} collects': 'Freigeben, was {host} sammelt',
  '{count} {count|message|messages} would end without being sent. They stay in the trace.':
    '{count} {count|Nachricht endete|Nachrichten endeten}, ohne gesendet zu werden. Im Trace bleiben sie.',
  'A message is made now of {count} {count|message|messages}; what comes later begins anew.':
    'Jetzt wird aus {count} {count|Nachricht|Nachrichten} eine gemacht; was später kommt, fängt neu an.',
  Find: 'Suchen',
  'Messages share nothing (context.state).': 'Nachrichten teilen nichts (context.state).',
  'Messages share nothing under this key.': 'Unter diesem Schlüssel teilen Nachrichten nichts.',
  'Changed by': 'Geändert von',
  Changed: 'Geändert',
  'Look at it': 'Ansehen',
  Remove: 'Entfernen',
  'Remove it': 'Entfernen',
  'Remove shared state': 'Gemeinsamen Zustand entfernen',
  'The next message under this key finds nothing, as if it were the first.':
    'Die nächste Nachricht unter diesem Schlüssel findet nichts, als wäre sie die erste.',
  'Shared state of {key}': 'Gemeinsamer Zustand von {key}',
  Value: 'Wert',
};
