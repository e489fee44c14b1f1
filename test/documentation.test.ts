import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { allAdapters } from '../adapters/index.ts';
import { names } from '../src/broker/names.ts';
import { adapterPages } from '../src/build/adapter-pages.ts';
import { codePage } from '../src/build/code-page.ts';
import { EXAMPLES, errorPage, examplesPage, expressionPage } from '../src/build/reference-pages.ts';
import { commands } from '../src/cli/commands.ts';
import { ERROR_CODES } from '../src/error/codes.ts';
import { expressionEnvironment } from '../src/expression/environment.ts';
import { metrics } from '../src/log/metrics.ts';
import { ENVELOPE_FIELDS } from '../src/message/envelope.ts';
import { problemRows } from './skipped-rows.ts';

const adapters = await allAdapters();

const read = (path: string): string => readFileSync(path, 'utf8');

test('the error page is what the catalogue says', () => {
  expect(read('docs/errors.md')).toBe(errorPage());
});

test('the pages about expressions, code and examples are what the declarations say', () => {
  expect(read('docs/expressions.md')).toBe(expressionPage());
  expect(read('docs/code.md')).toBe(codePage());
  expect(read('docs/examples.md')).toBe(examplesPage('.'));
});

test.for(EXAMPLES)('%s, an example of the page, compiles', ([source]) => {
  const lookups = { names: ['wards'], lookup: () => '' };
  expect(expressionEnvironment({ lookups }).compile(source, { result: 'any' })).toMatchObject({
    ok: true,
  });
});

test('every code that the program uses is in the catalogue', () => {
  const used = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => [...read(`src/${file}`).matchAll(/new EngineError\(\s*'([A-Z_]+)'/g)])
    .map(([, code = '']) => code);
  expect(used.length).toBeGreaterThan(20);
  expect(used.filter((code) => !Object.hasOwn(ERROR_CODES, code))).toEqual([]);
});

test.for([...adapterPages(adapters)])('%s is what the declarations say', ([path, text]) => {
  expect(read(path)).toBe(text);
});

test('there is no page of an adapter that is gone', () => {
  const pages = readdirSync('docs/adapters').map((name) => `docs/adapters/${name}`);
  expect(pages.toSorted()).toEqual([...adapterPages(adapters).keys()].toSorted());
});

test('every command is in the operations guide', async () => {
  const guide = read('docs/operations.md');
  const missing = (await commands())
    .map((command) => command.name())
    .filter((name) => !guide.includes(`waybill ${name}`));
  expect(missing).toEqual([]);
});

test('examples try a host, whose production is an option', () => {
  const tried = globSync('productions/*/README.md').flatMap((file) => [
    ...read(file).matchAll(/waybill try (\S+)/g),
  ]);
  expect(tried.length).toBeGreaterThan(10);
  expect(tried.map(([, host = '']) => host).filter((host) => host.includes('/'))).toEqual([]);
});

test('every dependency says what it is for', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<
    'dependencies' | 'devDependencies',
    Record<string, string>
  >;
  const page = read('docs/dependencies.md');
  const named = Object.keys({ ...dependencies, ...devDependencies }).filter(
    (name) => !name.startsWith('@types/'),
  );
  expect(named.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

interface Link {
  readonly page: string;
  readonly target: string;
  readonly anchor: string;
}

const pages = [
  ...globSync('*.md'),
  ...globSync(['docs/**/*.md', '{adapters,productions,editors}/**/README.md']),
];
const links = pages.flatMap((page) =>
  [...withoutCode(page).matchAll(/\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)/g)].map(
    ([, path = '', anchor = '']): Link => ({
      page,
      target: path === '' ? page : normalize(join(dirname(page), path)),
      anchor,
    }),
  ),
);

function withoutCode(page: string): string {
  return read(page).replaceAll(/^```[\s\S]*?^```/gm, '');
}

/** The names that a page's headings have in links. */
const anchorsOf = (page: string): string[] =>
  [...withoutCode(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\d_\- ]/gu, '')
      .replaceAll(' ', '-'),
  );

test('links between the documents lead somewhere', () => {
  const broken = links.filter(
    ({ target, anchor }) =>
      !existsSync(target) ||
      (anchor !== '' && target.endsWith('.md') && !anchorsOf(target).includes(anchor)),
  );
  expect(links.length).toBeGreaterThan(300);
  expect(broken).toEqual([]);
});

test('every page is found from README.md', () => {
  const found = new Set(['README.md']);
  for (const page of found) {
    for (const { target } of links.filter((link) => link.page === page)) found.add(target);
  }
  expect(pages.filter((page) => !found.has(page))).toEqual([]);
});

test('no page points outside the project', () => {
  const outside = pages.flatMap((page) =>
    [...read(page).matchAll(/(?:\.{1,2}\/)+[\w./-]*\w\.md/g)]
      .map(([target]) => normalize(join(dirname(page), target)))
      .filter((target) => !existsHere(target))
      .map((target) => `${page} → ${target}`),
  );
  expect(outside).toEqual([]);
});

function existsHere(path: string): boolean {
  try {
    readdirSync(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOTDIR';
  }
}

/** Tests are also named as they lie under test/, and a benchmark writes its report itself. */
const isThere = (path: string): boolean =>
  existsSync(path) || existsSync(join('test', path)) || path.startsWith('bench/report.');

test('what pages name of the code is there', () => {
  const named = pages
    .filter((page) => page !== 'CHANGELOG.md')
    .flatMap((page) =>
      [...read(page).matchAll(/`((?:src|adapters|test|sandbox|console|bench)\/[\w./-]*)`/g)].map(
        ([, path = '']) => ({ page, path }),
      ),
    );
  expect(named.length).toBeGreaterThan(100);
  expect(named.filter(({ path }) => !isThere(path))).toEqual([]);
});

test('the architecture page has every stream of a production and every header of a message', () => {
  const text = readFileSync('docs/architecture.md', 'utf8');
  const streams = JSON.stringify(names('P')).match(/WB_P_[A-Z]+/g) ?? [];
  const headers = Object.values(ENVELOPE_FIELDS).map(({ header }) => header);
  expect(streams.length).toBeGreaterThan(10);
  expect([...streams, ...headers].filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
});

test('no file has the marks of a merge that nobody resolved', () => {
  const files = [
    '.ci/run',
    ...globSync(
      '{src,adapters,test,docs,productions,bench,sandbox,console/src}/**/*.{ts,tsx,md,json,yaml,css}',
    ),
    ...globSync('*.{md,json,ts,yml}'),
  ];
  expect(files.length).toBeGreaterThan(2_000);
  const marks = /^(?:<<<<<<< |>>>>>>> )/m;
  expect(files.filter((file) => marks.test(read(file)))).toEqual([]);
});

test('each of the twenty-eight problems of sign-in names tests that are there', () => {
  const rows = problemRows(read('docs/sign-in.md'));
  expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: 28 }, (_, at) => at + 1));
  const named = rows.flatMap(({ number, files }) =>
    files.length === 0 ? [`${number}: none`] : files.map((file) => `${number}: ${file}`),
  );
  expect(named.filter((one) => !existsSync(join('test', one.replace(/^\d+: /, ''))))).toEqual([]);
});

test('the alert rules of the page ask for figures and events that there are', async () => {
  const [, rules = ''] = /```yaml\n(groups:[\s\S]*?)```/.exec(read('docs/operations.md')) ?? [];
  expect(parse(rules)).toHaveProperty('groups.0.rules.6.alert');
  const figures = await metrics().text();
  for (const [figure] of rules.matchAll(/waybill_\w+/g)) expect(figures).toContain(` ${figure} `);
  const told = [
    'log/events',
    'engine/stream-keeper',
    'cli/watchdog',
    'cli/command/run',
    // the operator plane's warnings and errors are counted by the process
    'plane/tracing',
    'plane/trace-losses',
  ]
    .map((file) => read(`src/${file}.ts`))
    .join();
  const [, events = ''] = /event=~"([^"]+)"/.exec(rules) ?? [];
  for (const event of events.split('|')) expect(told).toContain(`'${event}'`);
});

/** Adapters that keep no contract, with the reason. */
const WITHOUT_CONTRACT = {
  'fhir-subscriptions-out': 'no peer: what it keeps is in the NATS of the engine',
  'ldap-lookup': 'a code table, which is loaded',
  'sql-lookup': 'a code table, which is loaded',
};

test('every adapter can be tried, keeps the contract, has a bare client beside it and is in a commented example', () => {
  const textOf = (pattern: string): string => globSync(pattern).map(read).join('\n');
  const [tests, benchmarks] = [textOf('test/adapters/**/*.ts'), textOf('bench/**/*.ts')];
  const examples = globSync('productions/*/production.yaml')
    .filter((file) => existsSync(join(dirname(file), 'README.md')))
    .map(read)
    .filter((text) => /^ *# (?!yaml-language-server)/m.test(text));
  const without = adapters.flatMap(({ type, ...adapter }) => {
    const name = type.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    const parts: Readonly<Record<string, boolean>> = {
      // that without a peer has no connection
      'test in steps': 'test' in adapter || type === 'fhir-subscriptions-out',
      // that of both versions of AMQP is written once
      contract:
        type in WITHOUT_CONTRACT ||
        RegExp(`(?:describe(?:In|Out)bound\\(|\\b(?:in|out)bound:)\\s*${name}\\b`).test(tests),
      benchmark: RegExp(`\\b${name}\\b`).test(benchmarks),
      example: examples.some((text) => RegExp(`adapter: ${type}\\b(?!-)`).test(text)),
    };
    return Object.keys(parts).flatMap((part) => (parts[part] ? [] : `${type}: ${part}`));
  });
  expect(without).toEqual([]);
});
