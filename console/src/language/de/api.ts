import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  'Waybill does not answer: is it running, and is the network up?':
    'Waybill antwortet nicht: Läuft es, und ist das Netz da?',
  'Waybill did not answer. It may have been done all the same: look before you do it again.':
    'Waybill hat nicht geantwortet. Es kann trotzdem geschehen sein: Sehen Sie nach, bevor Sie es noch einmal tun.',
  'What stands in front of Waybill wants you to sign in again.':
    'Was vor Waybill steht, verlangt eine neue Anmeldung.',
  'the server answered {status} {text}': 'der Server antwortete {status} {text}',
  'the server answered {status} {text}. It may have been done all the same: look before you do it again.':
    'der Server antwortete {status} {text}. Es kann trotzdem geschehen sein: Sehen Sie nach, bevor Sie es noch einmal tun.',
};
