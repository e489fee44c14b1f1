import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { importMirth } from '../../src/import/mirth/import-mirth.ts';
import { exportFiles } from '../../src/import/production-files.ts';
import { channel, imported, marksOf, problemsOf, written } from './imported.ts';
import { javaScript } from './mirth-export.ts';

const named = (name: string, encoding: string): string =>
  `<?xml version="1.0" encoding="${encoding}"?>${channel({ name, id: name })}`;

const LIBRARY =
  '<exportData><codeTemplateLibraries><codeTemplateLibrary><codeTemplates><codeTemplate><id>1</id><name>Pad It</name><properties><code>function padIt(x) { return x +; }</code></properties></codeTemplate></codeTemplates></codeTemplateLibrary></codeTemplateLibraries></exportData>';

test('exports in other encodings are read, and what cannot be read does not keep the others out', async () => {
  const folder = await written({ files: new Map(), report: imported().report });
  const files = {
    'latin.xml': Buffer.from(named('Größe', 'ISO-8859-1'), 'latin1'),
    'wide.xml': Buffer.from(`\uFEFF${named('Höhe', 'UTF-16')}`, 'utf16le'),
    'saved.xml': Buffer.from(named('Süd', 'utf-16')),
    'wrong.xml': Buffer.from(named('Länge', 'UTF-8'), 'latin1'),
    'bomb.xml': Buffer.from(`<!DOCTYPE c [<!ENTITY a "aa">]>${channel({ name: '&a;' })}`),
    'more.xml': Buffer.from(channel({ name: 'Another', id: 'Größe' })),
    'text.xml': Buffer.from(channel({ name: '../../${process.exit(9)}' })),
  };
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
  const production = importMirth(await exportFiles(folder), 'hub');
  const states = production.report.channels.map(({ name, state }) => `${name} ${state}`);
  expect(states).toEqual([
    'Größe complete',
    'Süd complete',
    '../../${process.exit(9)} complete',
    'Höhe complete',
    'bomb.xml not',
    'wrong.xml not',
  ]);
  expect(marksOf(production).join('\n')).toMatch(/DTD[\s\S]*not text in UTF-8: save it as UTF-8/);
  expect(production.files.get('import-report.md')).toContain('Another has the id of Größe');
  expect([...production.files.keys()].filter((name) => name.includes('..'))).toEqual([]);
  const problems = await problemsOf(production);
  expect(problems.filter((one) => !one.includes('also listens'))).toEqual([]);
});

test('a code template that cannot be parsed is a place to be done, not a missing export', async () => {
  const text = channel({
    transformer: { inbound: 'HL7V2', steps: [javaScript('use', "msg = padIt('x');")] },
    more: LIBRARY,
  });
  const problems = await problemsOf(imported(text));
  expect(problems.join()).toMatch(/to be done by a person: .*cannot be parsed/);
  expect(problems.join()).not.toContain('does not provide an export');
});
