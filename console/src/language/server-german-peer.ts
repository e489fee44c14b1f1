/// <reference types="vite/client" />
import type { ServerCatalogue } from '../../../src/translation/translator.ts';

/** The German of what adapters share, and of HTTP. */
const rooms = import.meta.glob<ServerCatalogue>('../../../src/translation/german/peer/*.json', {
  eager: true,
  import: 'default',
});

export const peerTexts: ServerCatalogue = Object.assign({}, ...Object.values(rooms));
