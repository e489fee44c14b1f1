import { readdirSync, readFileSync } from 'node:fs';
import { type ServerCatalogue, type Translate, translator } from './translator.ts';

const FOLDER = new URL('german/', import.meta.url);

let translate: Translate | undefined;

/** A text of the server in German, for what leaves it for people other than through the console. */
export function inGerman(text: string): string {
  translate ??= translator(catalogue());
  return translate(text);
}

function catalogue(): ServerCatalogue {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));
  return Object.assign(
    {},
    ...files.map((name): unknown => JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8'))),
  ) as ServerCatalogue;
}
