import { existsSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Problem } from '../../definition/problem.ts';
import {
  type Grammar,
  type ProductionFile,
  ProductionReader,
  type ProductionView,
} from '../../language/production.ts';

/** A file that an editor asks about, and the production it belongs to. */
export interface Asked {
  readonly view: ProductionView;
  readonly file: ProductionFile;
}

const MAIN = 'production.yaml';

/** The documents that an editor holds, and the productions that they belong to. */
export class OpenProductions {
  /** Absolute path → text. */
  readonly open = new Map<string, string>();
  readonly #uris = new Map<string, string>();
  readonly #readers = new Map<string, ProductionReader>();
  readonly #grammar: Promise<Grammar>;
  /** What the last check of each production said, by its folder. */
  readonly problems = new Map<string, readonly Problem[]>();

  constructor(grammar: Promise<Grammar>) {
    this.#grammar = grammar;
  }

  /** The path of a file of this machine; undefined for what an editor holds elsewhere. */
  static pathOf(uri: string): string | undefined {
    if (!uri.startsWith('file:')) return undefined;
    try {
      return fileURLToPath(uri);
    } catch {
      // of another machine (ERR_INVALID_FILE_URL_HOST)
      return undefined;
    }
  }

  put(uri: string, text: string): string | undefined {
    const path = OpenProductions.pathOf(uri);
    if (path === undefined) return undefined;
    this.open.set(path, text);
    this.#uris.set(path, uri);
    return this.folderOf(path);
  }

  drop(uri: string): string | undefined {
    const path = OpenProductions.pathOf(uri);
    if (path === undefined) return undefined;
    this.open.delete(path);
    return this.folderOf(path);
  }

  /** The address of a file as the editor writes it. */
  uriOf(folder: string, path: string): string {
    const file = join(folder, path);
    return this.#uris.get(file) ?? pathToFileURL(file).href;
  }

  /** The nearest folder above a file that is a production's. */
  folderOf(path: string): string | undefined {
    for (let folder = dirname(path); ; folder = dirname(folder)) {
      const main = join(folder, MAIN);
      if (this.open.has(main) || existsSync(main)) return folder;
      if (folder === dirname(folder)) return undefined;
    }
  }

  /** The documents of a production that are open, by their path below it. */
  openIn(folder: string): string[] {
    return [...this.open.keys()]
      .filter((path) => this.folderOf(path) === folder)
      .map((path) => below(folder, path));
  }

  /** The productions of which a document is open. */
  folders(): ReadonlySet<string> {
    return new Set([...this.open.keys()].flatMap((path) => this.folderOf(path) ?? []));
  }

  async view(folder: string): Promise<ProductionView> {
    return (await this.#reader(folder)).view(this.open);
  }

  async quickView(folder: string): Promise<ProductionView> {
    return (await this.#reader(folder)).quickView(this.open);
  }

  async #reader(folder: string): Promise<ProductionReader> {
    const grammar = await this.#grammar;
    const reader = this.#readers.get(folder) ?? new ProductionReader(folder, grammar);
    this.#readers.set(folder, reader);
    return reader;
  }

  /**
   * Undefined for a document that is not part of a production. `quick` is enough where places in other files do not
   * matter.
   */
  async asked(uri: string, how: 'exact' | 'quick' = 'exact'): Promise<Asked | undefined> {
    const path = OpenProductions.pathOf(uri);
    const folder = path === undefined ? undefined : this.folderOf(path);
    if (path === undefined || folder === undefined) return undefined;
    const name = below(folder, path);
    if (how === 'quick') {
      const view = await this.quickView(folder);
      const file = view.files.get(name);
      if (file !== undefined) return { view, file };
    }
    const view = await this.view(folder);
    const file = view.files.get(name);
    return file === undefined ? undefined : { view, file };
  }
}

const below = (folder: string, path: string): string => relative(folder, path).split(sep).join('/');
