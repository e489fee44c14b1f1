import { importIris } from '../../src/import/iris/import-iris.ts';
import type { ImportedProduction } from '../../src/import/production-files.ts';

/** What exports of classes become. */
export const importedFrom = (...texts: readonly string[]): ImportedProduction =>
  importIris(
    texts.map((text, index) => ({ name: `${index}.cls`, text })),
    'hub',
  );

/** What needs manual work. */
export const marksOf = ({ report }: ImportedProduction): string[] =>
  report.lines
    .filter(({ kind }) => kind === 'mark')
    .map(({ channel, text }) => `${channel}: ${text}`);
