import { resolve } from 'node:path';
import { expressionEnvironment } from '../expression/environment.ts';
import type { LookupTables } from '../lookup/lookup-tables.ts';
import { type Clock, systemClock } from '../time/clock.ts';
import { checkWhole } from './check/check.ts';
import { compose } from './compose.ts';
import type { Definition } from './definition.ts';
import { digests } from './digest.ts';
import { fillFor } from './fill-for-host.ts';
import { type AdapterCatalogue, type AnyAdapter, findAdapters } from './find-adapter.ts';
import type { Reading } from './form/form.ts';
import { productionForm } from './grammar/production-form.ts';
import { importsOf } from './module-graph.ts';
import { productionNames } from './names.ts';
import { type Problem, problemList } from './problem.ts';
import { readContext } from './read-context.ts';
import { readLookups } from './read-lookups.ts';
import { readTransforms } from './read-transforms.ts';
import type { ValueSource } from './written/fill.ts';
import { loadProduction } from './written/load.ts';

export interface ReadOptions {
  /** The built-in adapters, by type. */
  readonly adapters: AdapterCatalogue | readonly AnyAdapter[];
  /** Names of overlays, each laid over what came before. */
  readonly overlays?: readonly string[];
  /** Where `${env:NAME}` comes from. Default: the process's own. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Where `${secret:NAME}` comes from. Default: there are none. */
  readonly secrets?: ValueSource['secrets'];
  /** Takes secrets, files and environment variables of credentials that are missing for present: for checks and tests elsewhere. */
  readonly assume?: boolean;
  /** What `now()` in expressions says, and by which certificates are judged. Default: the system's. */
  readonly clock?: Clock;
  /** Stands between expressions and the code tables; a production test replaces entries there. */
  readonly lookups?: (tables: LookupTables) => LookupTables;
  /** Reads no more than a test of this host's connection needs, whatever is wrong elsewhere. */
  readonly host?: string;
}

export interface ReadProduction {
  /** Undefined if there is any error; a definition may come with warnings. */
  readonly definition?: Definition;
  readonly problems: readonly Problem[];
}

/**
 * Reads and checks the production in a folder completely: every problem at once, each with its
 * place, and nothing is started or connected. Never throws for what a production contains.
 */
export async function readProduction(
  folder: string,
  options: ReadOptions,
): Promise<ReadProduction> {
  const problems = problemList();
  const absolute = resolve(folder);
  const loaded = await loadProduction(absolute, options.overlays ?? [], problems);
  if (loaded === undefined) return { problems: problems.list() };
  const source: ValueSource = {
    folder: absolute,
    environment: options.environment ?? process.env,
    secrets: options.secrets ?? (() => undefined),
    assume: options.assume,
  };
  const { host } = options;
  const written = await fillFor(host, loaded.written, { source, problems });
  const names = productionNames(loaded.written);
  const adapters = await findAdapters(written, {
    folder: absolute,
    builtIn: options.adapters,
    problems,
  });
  const tables = await readLookups(written, absolute, problems);
  const lookups = options.lookups?.(tables.lookups) ?? tables.lookups;
  const clock = options.clock ?? systemClock;
  const language = expressionEnvironment({ lookups, now: () => clock.now() });
  const context = readContext(absolute, names, language);
  const reading: Reading = { problems, keys: [], context };
  const values = productionForm.read(written, reading);
  const transforms = await readTransforms(written, { source, language, names, reading });
  if (values === undefined) return { problems: problems.list() };
  const definition = compose({
    folder: absolute,
    written,
    values,
    adapters,
    names,
    language,
    reading,
    lookups,
    transforms: transforms.transforms,
    files: [...loaded.files, ...adapters.files, ...transforms.files, ...tables.files],
  });
  if (definition === undefined) return { problems: problems.list() };
  if (host === undefined) {
    await checkWhole({ definition, written, names, problems }, clock.now());
  }
  if (problems.failed) return { problems: problems.list() };
  const files = [...definition.files, ...definition.files.flatMap((file) => [...importsOf(file)])];
  const found = await digests(files);
  return {
    definition: { ...definition, files, source: { written, digests: found } },
    problems: problems.list(),
  };
}
