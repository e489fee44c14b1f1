/// <reference types="vite/client" />
import type { ServerCatalogue } from '../../../src/translation/translator.ts';

/** The German of the engine and of the operator plane. */
const rooms = import.meta.glob<ServerCatalogue>('../../../src/translation/german/engine/*.json', {
  eager: true,
  import: 'default',
});

export const engineTexts: ServerCatalogue = Object.assign({}, ...Object.values(rooms));
