import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  'Resend message {id}': 'Nachricht {id} erneut senden',
  'Edit and resend message {id}': 'Nachricht {id} bearbeiten und erneut senden',
  'Process message {id} again': 'Nachricht {id} neu verarbeiten',
  'Process again for {targets}': 'Neu verarbeiten für {targets}',
  "The original goes through today's rules and transforms; only what goes to the chosen targets is sent, linked to what it replaces.":
    'Das Original durchläuft die heutigen Regeln und Transformationen; gesendet wird nur, was an die gewählten Ziele geht, verknüpft mit dem, was es ersetzt.',
  'It would fail at {host}: {text}': 'Sie würde bei {host} scheitern: {text}',
  "Today's rules send it to nobody.": 'Die heutigen Regeln senden sie an niemanden.',
  "Where today's rules send it": 'Wohin die heutigen Regeln sie senden',
  'everything that {host} makes of it': 'alles, was {host} daraus macht',
  Cancel: 'Abbrechen',
  'Sending…': 'Wird gesendet …',
  'Resend to {target}': 'Erneut senden an {target}',
  'A new message with its own session is created and linked to this one in both directions.':
    'Es entsteht eine neue Nachricht mit eigener Session, die mit dieser in beiden Richtungen verknüpft ist.',
  'This one still waits for {target}, and is sent from its queue as well. Abort it if it is to be sent once.':
    'Diese wartet noch auf {target} und wird auch aus ihrer Warteschlange gesendet. Brechen Sie sie ab, wenn sie nur einmal gesendet werden soll.',
  'This one is then settled as discarded, by you.': 'Diese gilt danach als verworfen, durch Sie.',
  'It has been sent again before, as <link>message {id}</link>.':
    'Sie wurde schon einmal erneut gesendet, als <link>Nachricht {id}</link>.',
  'Since you looked at it, it has been sent again, as <link>message {id}</link>.':
    'Seit Sie sie angesehen haben, wurde sie erneut gesendet, als <link>Nachricht {id}</link>.',
  'It has changed since you looked at it: it is {status} now.':
    'Sie hat sich geändert, seit Sie sie angesehen haben: Status jetzt: {status}.',
  'Send it once more all the same': 'Trotzdem noch einmal senden',
  'To ## a host': 'An',
  '{target} (as before)': '{target} (wie bisher)',
  Reason: 'Grund',
  'kept in the audit log': 'steht im Audit-Protokoll',
  'You see this body masked: what is masked cannot be edited.':
    'Sie sehen diesen Inhalt maskiert: Was maskiert ist, lässt sich nicht bearbeiten.',
  'A DICOM file cannot be edited as text. Download it, change it, and send it with waybill resend --body.':
    'Eine DICOM-Datei lässt sich nicht als Text bearbeiten. Laden Sie sie herunter, ändern Sie sie, und senden Sie sie mit waybill resend --body.',
  'This body is too large to be edited here.':
    'Dieser Inhalt ist zu groß, um hier bearbeitet zu werden.',
  Body: 'Inhalt',

  // discard, abort
  'Abort message {id}': 'Nachricht {id} abbrechen',
  'Discard message {id}': 'Nachricht {id} verwerfen',
  'Cancel ## beside an abort': 'Zurück',
  'Abort it': 'Nachricht abbrechen',
  'Discard it': 'Nachricht verwerfen',
  '{target} will not get it, and what waits behind it continues. It stays in the trace and can be resent from there.':
    '{target} erhält sie nicht, und was dahinter wartet, läuft weiter. Sie bleibt im Trace und kann von dort erneut gesendet werden.',
  '{target} will not get it. It stays in the trace and can be resent from there.':
    '{target} erhält sie nicht. Sie bleibt im Trace und kann von dort erneut gesendet werden.',
  'Set it aside as suspended instead of discarding it':
    'Als ausgesetzt beiseitelegen, statt sie zu verwerfen',
};
