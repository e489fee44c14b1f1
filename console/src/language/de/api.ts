import type { Catalogue } from '../language.ts';

export const german: Catalogue = {
  'Waybill does not answer: is it running, and is the network up?':
    'Waybill antwortet nicht: Läuft es, und ist das Netz da?',
  'the server answered {status} {text}': 'der Server antwortete {status} {text}',
};
