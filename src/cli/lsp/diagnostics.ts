import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Diagnostic } from 'vscode-languageserver';
import { checkCases } from '../../definition/case/check-case.ts';
import { readTestFile, TEST_FILE } from '../../definition/case/read-test-file.ts';
import type { Definition } from '../../definition/definition.ts';
import { type Problem, problemList } from '../../definition/problem.ts';
import type { ReadOptions } from '../../definition/read.ts';
import type { OpenFiles } from '../../definition/written/open-files.ts';
import { byFile } from '../../language/production.ts';
import { after, type Timer } from '../../time/timer.ts';
import { checkFolder } from '../check-folder.ts';
import { toDiagnostic } from './convert.ts';
import type { OpenProductions } from './open-productions.ts';

/** Milliseconds without a key pressed before a production is checked. */
const QUIET = 120;

interface Reporting {
  readonly productions: OpenProductions;
  readonly check: (folder: string) => Promise<readonly Problem[]>;
  readonly publish: (uri: string, diagnostics: Diagnostic[]) => Promise<void>;
  readonly failed: (error: unknown) => void;
}

/** Checks productions soon after they were changed, one check of each at a time, and publishes what is found. */
export class Diagnostics {
  readonly #reporting: Reporting;
  readonly #timers = new Map<string, Timer>();
  readonly #checking = new Set<string>();
  readonly #again = new Set<string>();
  /** Folder → addresses of the files that have problems in the editor. */
  readonly #told = new Map<string, ReadonlySet<string>>();

  constructor(reporting: Reporting) {
    this.#reporting = reporting;
  }

  /** A file of this production was changed, opened or closed. */
  changed(folder: string | undefined): void {
    if (folder === undefined) return;
    this.#timers.get(folder)?.stop();
    this.#timers.set(
      folder,
      after(QUIET, () => {
        this.#check(folder).catch(this.#reporting.failed);
      }),
    );
  }

  stop(): void {
    for (const timer of this.#timers.values()) timer.stop();
  }

  async #check(folder: string): Promise<void> {
    if (this.#checking.has(folder)) {
      this.#again.add(folder);
      return;
    }
    this.#checking.add(folder);
    try {
      const { productions } = this.#reporting;
      const isOpen = productions.folders().has(folder);
      const problems = isOpen ? await this.#reporting.check(folder) : [];
      productions.problems.set(folder, problems);
      await this.#tell(folder, problems);
      // names that were added are known from here on
      if (isOpen) await productions.view(folder);
    } finally {
      this.#checking.delete(folder);
      if (this.#again.delete(folder)) this.changed(folder);
    }
  }

  async #tell(folder: string, problems: readonly Problem[]): Promise<void> {
    const { productions, publish } = this.#reporting;
    const { files } = await productions.quickView(folder);
    const found = byFile(problems);
    const told = new Set<string>();
    // a file that is open and has none is told as well: the editor knows that it was checked
    for (const path of new Set([...found.keys(), ...productions.openIn(folder)])) {
      const uri = productions.uriOf(folder, path);
      told.add(uri);
      await publish(
        uri,
        (found.get(path) ?? []).map((one) => toDiagnostic(one, files.get(path))),
      );
    }
    for (const uri of this.#told.get(folder) ?? []) if (!told.has(uri)) await publish(uri, []);
    this.#told.set(folder, told);
  }
}

/**
 * What `waybill check` says of a production as an editor holds it, of its test cases, and of the overlays that are open:
 * each of these is applied alone, and only what is wrong in it is told.
 */
export async function checkOpen(
  folder: string,
  { open, ...options }: ReadOptions & { readonly open: OpenFiles },
): Promise<readonly Problem[]> {
  const { definition, problems } = await checkFolder(folder, { ...options, open, assume: true });
  const ofTests = definition === undefined ? [] : await testProblems(folder, definition, open);
  const ofOverlays: Problem[] = [];
  for (const overlay of openOverlays(folder, open)) {
    const file = `overlays/${overlay}.yaml`;
    const overlays = [...(options.overlays ?? []), overlay];
    const read = await checkFolder(folder, { ...options, open, overlays, assume: true });
    ofOverlays.push(...read.problems.filter((one) => one.file === file));
  }
  return [...problems, ...ofTests, ...ofOverlays];
}

async function testProblems(
  folder: string,
  definition: Definition,
  open: OpenFiles,
): Promise<readonly Problem[]> {
  const path = join(folder, TEST_FILE);
  // a production need not have tests
  if (!open.has(path) && !existsSync(path)) return [];
  const problems = problemList();
  const file = await readTestFile(folder, problems, open);
  if (file !== undefined) checkCases(file.cases, definition, problems);
  return problems.list();
}

function openOverlays(folder: string, open: OpenFiles): string[] {
  const start = join(folder, 'overlays/');
  return [...open.keys()].flatMap((file) => {
    const name = file.startsWith(start) ? file.slice(start.length) : '';
    return /^[^/\\]+\.yaml$/.test(name) ? [name.replace(/\.yaml$/, '')] : [];
  });
}
