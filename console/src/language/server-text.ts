import type { Translate } from '../../../src/translation/translator.ts';
import { language } from './language.ts';

let translate: Translate = (text) => text;

/**
 * Settled once texts of the server can be read in the language of the console; answers of the API wait for it. Without
 * its catalogue they stay in English.
 */
export const serverTextsLoaded: Promise<void> =
  language === 'de'
    ? import('./server-german.ts').then(
        (loaded) => {
          translate = loaded.translate;
        },
        () => undefined,
      )
    : Promise.resolve();

/** A text of the server, such as why a message failed, in the language of the console. */
export const serverText = (text: string): string => translate(text);
