import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, test } from 'vitest';
import { placesOf } from '../../src/translation/template.ts';
import type { ServerCatalogue } from '../../src/translation/translator.ts';
import { partsOf } from '../../src/translation/translator.ts';
import { serverFiles, serverTextsOf } from '../support/server-texts.ts';

const read = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));

const rooms = globSync('src/translation/german/*/*.json').map((file) => ({
  name: basename(file, '.json'),
  texts: read(file) as ServerCatalogue,
}));
const german = new Map(rooms.flatMap(({ texts }) => Object.entries(texts)));
/** Single words, which count only where a text says that a value is one: no literal of the source is looked at for them. */
const words = new Set(
  rooms.filter(({ name }) => name === 'words').flatMap(({ texts }) => Object.keys(texts)),
);
/** Texts that look as if people saw them in the console, and are for others: peers, documentation, databases. */
const unshown = new Set(read('test/support/unshown-texts.json') as string[]);

const said = new Map(serverFiles().map((file) => [file, serverTextsOf(file)]));
const english = new Set([...said.values()].flat());

describe('every text of the server', () => {
  test('has its German', () => {
    const missing = [...said]
      .flatMap(([file, texts]) => texts.map((text) => ({ file, text })))
      .filter(({ text }) => !german.has(text) && !unshown.has(text));
    expect(missing).toEqual([]);
  });

  test('no text has German that nothing says, and none is listed as unshown that is not there', () => {
    const left = [...german.keys()].filter((text) => !english.has(text) && !words.has(text));
    expect(left).toEqual([]);
    expect([...unshown].filter((text) => !english.has(text))).toEqual([]);
    expect([...unshown].filter((text) => german.has(text))).toEqual([]);
  });

  test('is there once: the same sentence has one German', () => {
    expect(rooms.reduce((sum, { texts }) => sum + Object.keys(texts).length, 0)).toBe(german.size);
  });

  test.for(rooms)(
    '$name: each has the values of the English one, and nothing that joins it',
    ({ texts }) => {
      for (const [text, other] of Object.entries(texts)) {
        const values = [...new Set(placesOf(text))].toSorted();
        expect([...new Set(placesOf(other))].toSorted(), text).toEqual(values);
        expect(partsOf(text).core, text).toBe(text);
        expect(partsOf(other).core, `German of ${text}`).toBe(other);
      }
    },
  );
});

describe('the texts in a file', () => {
  test.for([
    ["new EngineError('NOT_FOUND', `there is no job ${id}`)", ['there is no job {1}']],
    ["const why = `it failed: ${a ? 'too late' : b}.`;", ['it failed: {1}', 'too late']],
    ["tell('one ' + a + ' of ' + b);", ['one {1} of {2}']],
    ['const text = `, more than ${most}`;', ['more than {1}']],
    ['const text = ` (rule ${rule})`;', ['rule {1}']],
    ['tell(`it is off (by ${who}). Start it`);', ['it is off (by {1}). Start it']],
  ] as const)('%s', ([source, texts]) => {
    expect(serverTextsOf('a.ts', source)).toEqual(texts);
  });

  test.for([
    "import a from './no such file.ts'; type A = 'one two';",
    "background(go(), 'going on'); log.warn('gone again'); throw new TypeError('a bug of ours');",
    'const sql = `SELECT a FROM b WHERE id = ${id}`; const page = `<p class="a b">`;',
    "const setting = { help: 'Says what it is.', path: 'a/b' }; const word = 'word';",
  ])('%s has none', (source) => {
    expect(serverTextsOf('a.ts', source)).toEqual([]);
  });
});
