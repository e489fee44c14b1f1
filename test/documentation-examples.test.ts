import { globSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { adapterCatalogue } from '../adapters/index.ts';
import { ConsoleFile } from '../src/access/sign-in/console-schema.ts';
import { readConsoleSettings } from '../src/access/sign-in/console-settings.ts';
import { readProduction } from '../src/definition/read.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

/** A block of YAML on a page. */
interface Example {
  readonly place: string;
  readonly text: string;
  readonly keys: readonly string[];
}

const CUT = /…,? ?/g;

const examples = ['README.md', ...globSync(['docs/*.md', 'adapters/**/README.md'])].flatMap(
  (page) => {
    const text = readFileSync(page, 'utf8');
    return [...text.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map((found): Example => {
      const line = text.slice(0, found.index).split('\n').length;
      const [, written = ''] = found;
      const keys = Object.keys(parse(written.replaceAll(CUT, '')) ?? {});
      return { place: `${page}:${line}`, text: written, keys };
    });
  },
);

const HOSTS = new Set(['services', 'processes', 'operations', 'credentials', 'lookups']);
const OF_CONSOLE = Object.keys(ConsoleFile.properties);

/** Files of a production, by a key that they have, and how it names them. */
const FILES: readonly (readonly [keys: readonly string[], named: string])[] = [
  [['toFhir', 'fromFhir', 'split', 'steps'], 'transforms: { part: part.yaml }'],
  [['messages', 'edifact'], 'profiles: { part: part.yaml }'],
  [['delimiter', 'records'], 'records: { part: part.yaml }'],
];

/** Parts of a production, by what they have, and what is around them. */
const PARTS: readonly (readonly [has: RegExp, around: readonly string[]])[] = [
  [/^rules:/m, ['processes:', 'part:']],
  [/^ {2}kind: oauth2/m, ['credentials:']],
  [/^signIn:/m, ['services:', 'part:', 'adapter: http-in', 'settings:']],
  [/^smart:/m, ['services:', 'part:', 'adapter: fhir-in', 'settings:']],
  [/^settings:.* cut:/m, ['services:', 'part:', 'adapter: file-in']],
  [/^ {2}sudo:/m, ['services:', 'part:', 'adapter: sftp-in']],
  [/^ {2}product:/m, ['operations:', 'part:', 'adapter: sql-out']],
];

/** The production that an example is or belongs to; undefined for what is not of a production. */
function productionOf({ text, keys }: Example): string | undefined {
  if (keys.includes('production')) return text;
  const head = 'production: example\n';
  if (keys.some((key) => HOSTS.has(key))) return `${head}${text}`;
  const [, named] = FILES.find(([of]) => of.some((key) => keys.includes(key))) ?? [];
  if (named !== undefined) return `${head}${named}\n`;
  const [, around] = PARTS.find(([has]) => has.test(text)) ?? [];
  if (around === undefined) return undefined;
  let indent = '';
  const lines = around.map((line) => {
    const indented = `${indent}${line}\n`;
    if (line.endsWith(':')) indent += '  ';
    return indented;
  });
  return `${head}${lines.join('')}${text.replaceAll(/^(?=.)/gm, indent)}`;
}

/** What an example need not have: it stands on its page for one thing, and the rest is somewhere else. */
const ELSEWHERE = [
  /^the production has no service$/,
  /^there is no (?:process or operation|transform|credential|lookup(?: table)?) /,
  /^collects and sends nowhere$/,
  /^(?:there is no such file|the file does not exist|the file cannot be read)$/,
  /^no service with signIn\.smart has the realm /,
];

/** What some settings without their host, or with `…` among them, need not have. */
const LEFT_OUT = /^(?:is required|is missing|nobody signs in|it is unknown which account signs in)/;

async function problemsOf(example: Example, folder: string): Promise<string[]> {
  const { text, keys } = example;
  if (keys.every((key) => OF_CONSOLE.includes(key))) {
    const file = join(folder, 'console.yaml');
    await writeFile(file, text);
    const error = await readConsoleSettings(file, {}, true).catch((caught: Error) => caught);
    const problems = error instanceof Error ? error.message.split('\n') : [];
    return problems.filter((one) => !/: there is no file | cannot be read: ENOENT/.test(one));
  }
  const production = productionOf(example);
  if (production === undefined) return ['is nothing that this test knows'];
  await writeFile(join(folder, 'production.yaml'), production.replaceAll(CUT, ''));
  await writeFile(join(folder, 'part.yaml'), text);
  const { problems } = await readProduction(folder, {
    adapters: adapterCatalogue,
    assume: true,
    environment: {},
  });
  const isWhole = keys.some((key) => HOSTS.has(key)) && production.search(CUT) < 0;
  return problems
    .filter(({ path, what }) => {
      if (ELSEWHERE.some((one) => one.test(what))) return false;
      if (!isWhole && LEFT_OUT.test(what)) return false;
      return what !== 'is missing' || !/^services\.[\w-]+\.to$/.test(path);
    })
    .map(({ path, line, what }) => `line ${line}, ${path}: ${what}`);
}

test('examples on pages are what check accepts', async () => {
  await using root = await temporaryFolder();
  // rules for Prometheus are looked at with what Waybill counts
  const own = examples.filter(({ keys }) => !keys.includes('groups'));
  const problems = await Promise.all(
    own.map(async (example, at) => {
      const folder = join(root.path, String(at));
      await mkdir(folder);
      return (await problemsOf(example, folder)).map((one) => `${example.place} ${one}`);
    }),
  );
  expect(own.length).toBeGreaterThan(60);
  expect(problems.flat()).toEqual([]);
});
