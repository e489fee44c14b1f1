import { readdirSync, readFileSync } from 'node:fs';
import { type ServerCatalogue, type Translate, translator } from './translator.ts';

const FOLDERS = ['german/engine/', 'german/peer/', 'german/adapter/'].map(
  (path) => new URL(path, import.meta.url),
);

let translate: Translate | undefined;

/** A text of the server in German, for what leaves it for people other than through the console. */
export function inGerman(text: string): string {
  translate ??= translator(catalogue());
  return translate(text);
}

function catalogue(): ServerCatalogue {
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(folder).map((name) => new URL(name, folder)),
  );
  return Object.assign(
    {},
    ...files.map((file): unknown => JSON.parse(readFileSync(file, 'utf8'))),
  ) as ServerCatalogue;
}
