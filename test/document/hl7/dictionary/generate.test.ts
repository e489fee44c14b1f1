import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { dictionaryFiles } from '../../../../src/document/hl7/dictionary/generate.ts';

test('the dictionary files are what the generator makes', () => {
  const files = dictionaryFiles();
  expect([...files.keys()]).toContain('2.5.1.json');
  for (const [name, content] of files) {
    const file = new URL(`../../../../src/document/hl7/dictionary/${name}`, import.meta.url);
    expect(readFileSync(file, 'utf8') === content, name).toBe(true);
  }
});

test('a dictionary file is small enough to be read at once', () => {
  for (const [name, content] of dictionaryFiles())
    expect(content.length, name).toBeLessThan(210_000);
});
