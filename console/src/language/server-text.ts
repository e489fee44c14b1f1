import type { Translate } from '../../../src/translation/translator.ts';
import { language } from './language.ts';
import { withLocalTimes } from './moment.ts';

let translate: Translate = (text) => text;

async function load(): Promise<void> {
  try {
    const [{ translator }, { engineTexts }, { peerTexts }, { adapterTexts }] = await Promise.all([
      import('../../../src/translation/translator.ts'),
      import('./server-german-engine.ts'),
      import('./server-german-peer.ts'),
      import('./server-german-adapter.ts'),
    ]);
    translate = translator({ ...engineTexts, ...peerTexts, ...adapterTexts });
  } catch {
    // a file cannot be loaded: without it the texts are in English
  }
}

/** Settled once texts of the server can be read in the language of the console; answers of the API wait for it. */
export const serverTextsLoaded: Promise<void> = language === 'de' ? load() : Promise.resolve();

/** A text of the server, such as why a message failed, in the language of the console and with times of its zone. */
export const serverText = (text: string): string => withLocalTimes(translate(text));
