/// <reference types="vite/client" />
import type { ServerCatalogue } from '../../../src/translation/translator.ts';

/** The German of the adapters and of what they share: a file of its own, since the whole is large. */
const rooms = import.meta.glob<ServerCatalogue>('../../../src/translation/german/peer/*.json', {
  eager: true,
  import: 'default',
});

export const peerTexts: ServerCatalogue = Object.assign({}, ...Object.values(rooms));
