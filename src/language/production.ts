import { glob } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { TEST_FILE } from '../definition/case/read-test-file.ts';
import type { JsonSchema } from '../definition/form/form.ts';
import { type Problem, problemList } from '../definition/problem.ts';
import { loadProduction } from '../definition/written/load.ts';
import { type OpenFiles, readText } from '../definition/written/open-files.ts';
import { parseYaml } from '../definition/written/parse-yaml.ts';
import { valueAt, type Written, type WrittenEntry } from '../definition/written/written.ts';
import { isSystemError, tolerate } from '../error/foreseen.ts';

/** The grammar of each kind of file. */
export interface Grammar {
  /** production.yaml, what it includes, and overlays. */
  readonly production: JsonSchema;
  readonly transform: JsonSchema;
  readonly tests: JsonSchema;
}

/** One YAML file of a production, as an editor holds it. */
export class ProductionFile {
  /** Below the production's folder, with `/`. */
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
  /** Undefined for record maps, whose grammar is not described. */
  readonly grammar: JsonSchema | undefined;
  #read: { readonly written: Written | undefined } | undefined;

  constructor(path: string, text: string, grammar: JsonSchema | undefined) {
    this.path = path;
    this.text = text;
    this.lines = text.split(/\r?\n/);
    this.grammar = grammar;
  }

  /** Undefined for broken syntax. Read when it is first asked for: for what is typed, that is often never. */
  get written(): Written | undefined {
    this.#read ??= { written: parseYaml(this.path, this.text, problemList()) };
    return this.#read.written;
  }
}

/** The files of one production as they are written now, for what an editor asks. */
export interface ProductionView {
  readonly folder: string;
  /** production.yaml with what it includes: the last state that could be read, while somebody types. */
  readonly written: Written | undefined;
  readonly files: ReadonlyMap<string, ProductionFile>;
  /** Modules of processes, transforms and adapters, below the folder. */
  readonly modules: readonly string[];
}

/** Reads the files of one production again and again; what has not changed is parsed once. */
export class ProductionReader {
  readonly folder: string;
  readonly #grammar: Grammar;
  #view: ProductionView | undefined;

  constructor(folder: string, grammar: Grammar) {
    this.folder = folder;
    this.#grammar = grammar;
  }

  /** The files as they are now. */
  async view(open: OpenFiles): Promise<ProductionView> {
    const problems = problemList();
    const loaded = await loadProduction(this.folder, [], { problems, open });
    const written = loaded?.written ?? this.#view?.written;
    const transforms = pathsUnder(written, 'transforms');
    const files = new Map<string, ProductionFile>();
    const add = async (path: string, grammar: JsonSchema | undefined): Promise<void> => {
      const file = await this.#file(path, grammar, open);
      if (file !== undefined && !files.has(path)) files.set(path, file);
    };
    for (const path of await this.#mainFiles(loaded?.files ?? [])) {
      await add(path, this.#grammar.production);
    }
    for (const path of transforms.filter(isYaml)) await add(path, this.#grammar.transform);
    for (const section of ['records', 'profiles']) {
      for (const path of pathsUnder(written, section)) await add(path, undefined);
    }
    await add(TEST_FILE, this.#grammar.tests);
    const modules = [...transforms, ...modulesOf(written)].filter((path) => !isYaml(path));
    this.#view = { folder: this.folder, written, files, modules: [...new Set(modules)] };
    return this.#view;
  }

  /**
   * The files as they were when they were last read, except for the texts that an editor holds: names of the production
   * that were just written are not known yet. For what is asked at each key.
   */
  async quickView(open: OpenFiles): Promise<ProductionView> {
    const last = this.#view ?? (await this.view(open));
    const files = new Map(last.files);
    for (const [path, file] of last.files) {
      const text = open.get(join(this.folder, path)) ?? file.text;
      if (text !== file.text) files.set(path, new ProductionFile(path, text, file.grammar));
    }
    this.#view = { ...last, files };
    return this.#view;
  }

  /** While a file cannot be read, those that were known before are still part of the production. */
  async #mainFiles(loaded: readonly string[]): Promise<string[]> {
    const known = [...(this.#view?.files.values() ?? [])]
      .filter(({ grammar }) => grammar === this.#grammar.production)
      .map(({ path }) => path);
    const overlays: string[] = [];
    for await (const path of glob('overlays/*.yaml', { cwd: this.folder })) overlays.push(path);
    const below = loaded.map((file) => file.slice(this.folder.length + 1));
    const all = [...(below.length === 0 ? known : below), ...overlays];
    return [...new Set(all.map((path) => path.split(sep).join('/')))];
  }

  async #file(
    path: string,
    grammar: JsonSchema | undefined,
    open: OpenFiles,
  ): Promise<ProductionFile | undefined> {
    const text = await readText(join(this.folder, path), open).catch((error: unknown) =>
      // the check tells that it is missing
      tolerate(error, isSystemError, 'reading a file of the production'),
    );
    if (text === undefined) return undefined;
    const before = this.#view?.files.get(path);
    return before?.text === text && before.grammar === grammar
      ? before
      : new ProductionFile(path, text, grammar);
  }
}

const isYaml = (path: string): boolean => /\.ya?ml$/.test(path);

/** The entries of a section of a production. */
export function entriesUnder(written: Written | undefined, section: string): WrittenEntry[] {
  const block = valueAt(written, [section]);
  return block?.kind === 'block' ? [...block.entries.values()] : [];
}

/** The text of a value; undefined where there is none. */
export function textAt(
  written: Written | undefined,
  keys: readonly (string | number)[],
): string | undefined {
  const value = valueAt(written, keys);
  return value?.kind === 'scalar' && value.value !== null ? value.source : undefined;
}

/** The files that a section names. */
function pathsUnder(written: Written | undefined, section: string): string[] {
  return entriesUnder(written, section).flatMap(({ value }) => {
    const path = textAt(value, []);
    return path === undefined ? [] : [path.replace(/^\.\//, '')];
  });
}

/** Code of processes, and adapters of the production's own. */
function modulesOf(written: Written | undefined): string[] {
  const named = (section: string, key: string): string[] =>
    entriesUnder(written, section).flatMap(({ value }) => textAt(value, [key]) ?? []);
  return [
    ...named('processes', 'code'),
    ...['services', 'operations', 'lookups'].flatMap((section) =>
      named(section, 'adapter').filter((one) => /^\.{0,2}\//.test(one)),
    ),
  ].map((path) => path.replace(/^\.\//, ''));
}

/** Problems by file: a file without any is left out. */
export function byFile(problems: readonly Problem[]): ReadonlyMap<string, readonly Problem[]> {
  return Map.groupBy(problems, ({ file }) => file);
}
