/// <reference types="vite/client" />
import { type ServerCatalogue, translator } from '../../../src/translation/translator.ts';

const rooms = import.meta.glob<ServerCatalogue>('../../../src/translation/german/*.json', {
  eager: true,
  import: 'default',
});

/** The German of what the server says: src/translation/german. */
export const translate = translator(Object.assign({}, ...Object.values(rooms)));
