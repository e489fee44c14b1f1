import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

interface Row {
  readonly folder: string;
  readonly allowed: readonly string[];
  /** Folders of which only types may be imported. */
  readonly typesOf: readonly string[];
}

/** The table in docs/architecture.md is the rule: which folder may import which. */
const table = [
  ...readFileSync('docs/architecture.md', 'utf8').matchAll(/^\| ([\d—]+) \| (\S+) \| (.+?) \|$/gm),
];
const firstLayer = table.filter(([, layer]) => layer === '1').map(([, , folder = '']) => folder);
const rows: readonly Row[] = table.map(([, , folder = '', cell = '']) => {
  const words = cell.split(', ').flatMap((word) => (word === 'layer 1' ? firstLayer : [word]));
  return {
    folder,
    allowed: words.map((word) => word.replace(' (types)', '')),
    typesOf: words
      .filter((word) => word.endsWith(' (types)'))
      .map((word) => word.replace(' (types)', '')),
  };
});

const rowOf = (path: string): Row | undefined =>
  rows.find(({ folder }) => path === folder || path.startsWith(`${folder}/`));

interface Import {
  readonly path: string;
  readonly typeOnly: boolean;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  return [
    ...text.matchAll(
      /(?:^|\n)\s*(import|export)\s(type\s)?([^;]*?)from\s'([^']+)'|import\('([^']+)'\)/g,
    ),
  ].map(([, , type, , specifier = '', dynamic = '']) => {
    const named = specifier || dynamic;
    return {
      path: named.startsWith('.') ? join(dirname(file), named) : named,
      typeOnly: type !== undefined,
    };
  });
}

function isStray(
  file: string,
  { folder, allowed, typesOf }: Row,
  { path, typeOnly }: Import,
): boolean {
  if (allowed.includes('all')) return false;
  if (path.startsWith('waybill/')) {
    return !allowed.some(
      (one) => path === one || (one.endsWith('/*') && path.startsWith(one.slice(0, -1))),
    );
  }
  const target = rowOf(path)?.folder;
  if (target === undefined) return path.startsWith('adapters/') && !file.startsWith('adapters/');
  if (target === folder) return folder === 'adapters' && isOtherProtocol(file, path);
  return !allowed.includes(target) || (typesOf.includes(target) && !typeOnly);
}

/** Adapters never import each other; only the list knows them all. */
function isOtherProtocol(file: string, path: string): boolean {
  return file !== 'adapters/index.ts' && file.split('/')[1] !== path.split('/')[1];
}

test('there is a table of folders, and imports are seen', () => {
  expect(rows.length).toBeGreaterThan(15);
  expect(importsOf('src/main.ts').map(({ path }) => path)).toContain('src/cli/commands.ts');
});

test.for(rows)('$folder imports only what its row allows', (row) => {
  const strays = globSync(
    [`${row.folder}/**/*.ts`, row.folder.endsWith('.ts') ? row.folder : ''].filter(Boolean),
  ).flatMap((file) =>
    importsOf(file)
      .filter((one) => isStray(file, row, one))
      .map(({ path }) => `${file} → ${path}`),
  );
  expect(strays).toEqual([]);
});

test('every source file has a row', () => {
  const without = globSync(['src/**/*.ts', 'adapters/**/*.ts', 'sandbox/**/*.ts']).filter(
    (file) => rowOf(file) === undefined,
  );
  expect(without).toEqual([]);
});

/** A file that stands beside sub-folders is a room of its own; else its folder is. */
function roomOf(file: string, folders: ReadonlySet<string>): string {
  const folder = dirname(file);
  return [...folders].some((other) => other.startsWith(`${folder}/`)) ? file : folder;
}

/** Every room with all that it leads to, over any number of imports. */
function reachOf(edges: ReadonlyMap<string, ReadonlySet<string>>): Map<string, Set<string>> {
  const reach = new Map<string, Set<string>>();
  for (const start of edges.keys()) {
    const seen = new Set<string>();
    const open = [start];
    for (let room = open.pop(); room !== undefined; room = open.pop()) {
      const fresh = [...(edges.get(room) ?? [])].filter((next) => !seen.has(next));
      for (const next of fresh) seen.add(next);
      open.push(...fresh);
    }
    reach.set(start, seen);
  }
  return reach;
}

test('no ring of imports leads through several folders, sub-folders counted', () => {
  const files = globSync('{src,adapters,sandbox,console/src}/**/*.{ts,tsx}');
  const folders = new Set(files.map((file) => dirname(file)));
  const edges = new Map<string, Set<string>>();
  for (const file of files) {
    const from = roomOf(file, folders);
    for (const { path } of importsOf(file)) {
      if (!path.includes('/') || path.startsWith('waybill/')) continue;
      const to = roomOf(path, folders);
      if (from === to || !folders.has(dirname(path))) continue;
      edges.set(from, (edges.get(from) ?? new Set()).add(to));
    }
  }
  const reach = reachOf(edges);
  const folderOf = (room: string): string => (folders.has(room) ? room : dirname(room));
  const rings = [...reach].flatMap(([room, reached]) =>
    [...reached]
      .filter((other) => reach.get(other)?.has(room) && folderOf(other) !== folderOf(room))
      .map((other) => `${room} ⇄ ${other}`),
  );
  expect(edges.size).toBeGreaterThan(50);
  expect(rings).toEqual([]);
});

test('no file of the program that somebody writes has more than 500 lines', () => {
  const long = globSync([
    'src/**/*.ts',
    'sandbox/**/*.ts',
    'adapters/**/*.ts',
    'bench/**/*.ts',
    'console/src/**/*.{ts,tsx}',
  ])
    .map((file) => ({ file, lines: readFileSync(file, 'utf8').split('\n') }))
    .filter(
      ({ lines: [first = '', ...rest] }) => !first.startsWith('// Generated') && rest.length > 500,
    )
    .map(({ file }) => file);
  expect(long).toEqual([]);
});

test('a limit that may be `forever` is cut to what a timer of Node can wait', () => {
  const uncut = globSync(['src/**/*.ts', 'adapters/**/*.ts']).filter((file) =>
    /AbortSignal\.timeout\((?!timerTime\(|[A-Z\d])/.test(readFileSync(file, 'utf8')),
  );
  expect(uncut).toEqual([]);
});

/** Below this many lines a file that only the one beside it imports is a part of that one. */
const SHORT = 60;

/** Short files that only the one beside them imports, and what makes each a file of its own. */
const OF_THEIR_OWN: Readonly<Record<string, string>> = {
  'adapters/sql/oracle-value.ts': 'each kind of database has one',
  'console/src/audit/act-names.ts': 'a list of words',
  'src/broker/why-away.ts': 'watches by a clock of its own; the connection only tells it',
  'src/cli/check-worker.ts': 'where a thread begins',
  'src/engine/recollection.ts': 'queues and what is remembered of them are two concepts',
  'src/peer/sign-in/page-words.ts': 'a list of words in each language',
};

test('no short file is only for the one beside it', () => {
  const folders = '{src,adapters,sandbox,console/src}/**/*.{ts,tsx}';
  const length = new Map(
    globSync(folders).map((file) => [file, readFileSync(file, 'utf8').split('\n').length]),
  );
  const importers = new Map<string, Set<string>>();
  const lazy = new Set<string>();
  for (const file of [...length.keys(), ...globSync('test/**/*.ts')]) {
    const text = readFileSync(file, 'utf8');
    for (const [, called, path = ''] of text.matchAll(/(?:from|import(\()?)\s*'(\.[^']+)'/g)) {
      const target = join(dirname(file), path);
      importers.set(target, (importers.get(target) ?? new Set()).add(file));
      if (called !== undefined) lazy.add(target);
    }
  }
  const parts = [...length].filter(([file, lines]) => {
    const [importer = '', ...others] = importers.get(file) ?? [];
    return (
      lines <= SHORT &&
      others.length === 0 &&
      dirname(importer) === dirname(file) &&
      lines + (length.get(importer) ?? 0) <= 500 &&
      !lazy.has(file)
    );
  });
  expect(parts.map(([file]) => file).toSorted()).toEqual(Object.keys(OF_THEIR_OWN));
});

test('no folder is named for what it is not', () => {
  const vague = /(^|\/)(utils?|helpers?|common|types|shared|misc)(\/|\.ts$)/;
  expect(
    globSync(['src/**', 'adapters/**', 'sandbox/**']).filter((path) => vague.test(path)),
  ).toEqual([]);
});

/** The client's iterations wait for ever where a server dies meanwhile. These notice silence themselves. */
const READERS = [
  'src/broker/lease.ts',
  'src/broker/read-stream.ts',
  'src/broker/stream-reader.ts',
  'src/host/queue-worker.ts',
];

test('nothing is read from NATS but by readers that notice when it falls silent', () => {
  const reads =
    /\.(consume|fetch|next)\(\{|\bkv\.(keys|watch|history|purgeDeletes)\(|jetstream\.consumers\.get\(/;
  const found = globSync('src/**/*.ts').filter((file) => reads.test(readFileSync(file, 'utf8')));
  expect(found.filter((file) => !file.startsWith('sandbox/')).toSorted()).toEqual(READERS);
});
