import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { allAdapters } from '../../adapters/index.ts';
import { apiDocuments } from '../api/api-document.ts';
import { schemaFiles } from '../definition/schema.ts';
import { adapterPages } from './adapter-pages.ts';
import { builtConsole } from './built-console.ts';
import { codePage } from './code-page.ts';
import { fhirTypes } from './fhir-types.ts';
import { OPERATIONS, operationTypes } from './operations.ts';
import {
  errorPage,
  examplesPage,
  expressionPage,
  FORMAT_PAGE,
  formatPage,
} from './reference-pages.ts';

/**
 * `npm run build`: makes what is generated and committed (schemas, reference pages), then what the
 * package runs (`dist`).
 */

const adapters = await allAdapters();
const root = join(import.meta.dirname, '../..');
const { json: document } = await apiDocuments();
const generated = new Map<string, string>([
  ...[...schemaFiles(adapters)].map(([name, text]) => [`productions/${name}`, text] as const),
  ...adapterPages(adapters),
  ['docs/errors.md', errorPage()] as const,
  ['docs/examples.md', examplesPage(root)] as const,
  ['docs/expressions.md', expressionPage()] as const,
  ['docs/code.md', codePage()] as const,
  ['docs/openapi.json', document] as const,
  [OPERATIONS, await operationTypes(document, root)] as const,
  [FORMAT_PAGE, formatPage(root)] as const,
  ...fhirTypes(root),
]);

for (const [path, text] of generated) {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

// one that was cut off may still write
rmSync(join(root, 'dist'), { recursive: true, force: true, maxRetries: 5 });
const bin = (name: string): string => join(root, 'node_modules/.bin', name);
// several threads of its own would each find out what the library's types are: two thirds more processor time
execFileSync(bin('tsc'), ['-p', 'tsconfig.build.json', '--singleThreaded'], {
  cwd: root,
  stdio: 'inherit',
});
for (const data of globSync('{src,adapters}/**/*.json', { cwd: root })) {
  mkdirSync(dirname(join(root, 'dist', data)), { recursive: true });
  cpSync(join(root, data), join(root, 'dist', data));
}
if (existsSync(join(root, 'console/vite.config.ts'))) {
  cpSync(await builtConsole(), join(root, 'dist/console'), { recursive: true });
}
