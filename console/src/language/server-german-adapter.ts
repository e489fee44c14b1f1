/// <reference types="vite/client" />
import type { ServerCatalogue } from '../../../src/translation/translator.ts';

/** The German of the adapters: a file of its own, since the whole is large. */
const rooms = import.meta.glob<ServerCatalogue>('../../../src/translation/german/adapter/*.json', {
  eager: true,
  import: 'default',
});

export const adapterTexts: ServerCatalogue = Object.assign({}, ...Object.values(rooms));
