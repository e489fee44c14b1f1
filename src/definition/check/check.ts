import { relative } from 'node:path';
import type { SettingsFault } from '../../adapter/adapter.ts';
import { pathProblem } from '../../expression/path-problem.ts';
import type {
  Definition,
  LookupSource,
  OperationDefinition,
  ServiceDefinition,
} from '../definition.ts';
import { loadModule } from '../load-module.ts';
import { type Problems, splitProblem } from '../problem.ts';
import { pathText, placeAt, valueAt } from '../written/written.ts';
import { checkCertificates } from './certificates.ts';
import { checkLaunches } from './launches.ts';
import { portProblems } from './ports.ts';
import { type Checking, checkLoops, warnOfQueuedAnswers, warnOfUnused } from './reach.ts';
import { warnOfNever } from './rules.ts';
import { checkTransforms } from './transforms.ts';

/**
 * What must fit together between the parts of a production. Warnings wait until there are no
 * errors, since most would follow from them.
 */
export async function checkWhole(checking: Checking, now: number): Promise<void> {
  const { definition, problems } = checking;
  checkServices(checking);
  checkNames(checking);
  checkLoops(checking);
  checkSearch(checking);
  checkTransforms(checking);
  for (const { what, remedy, path, ...place } of await portProblems([definition])) {
    problems.error(place, path, what, remedy);
  }
  await checkSettings(definition, problems);
  checkLaunches(definition, problems);
  await checkCode(checking);
  await checkCertificates(definition, now, problems);
  warnOfNever(checking);
  warnOfQueuedAnswers(checking);
  if (!problems.failed) await warnOfUnused(checking);
}

function checkServices({ written, problems }: Checking): void {
  const services = valueAt(written, ['services']);
  if (services?.kind === 'block' && services.entries.size > 0) return;
  const remedy = 'Add a service, such as one with the adapter mllp-in or file-in.';
  problems.error(
    placeAt(written, ['services']),
    'services',
    'the production has no service',
    remedy,
  );
}

const SECTIONS = ['services', 'processes', 'operations'];

/** A host's name is its address and names the files of its queue, and some file systems ignore case. */
function checkNames({ written, problems }: Checking): void {
  const seen = new Map<string, string>();
  for (const section of SECTIONS) {
    const hosts = valueAt(written, [section]);
    for (const { key, place } of hosts?.kind === 'block' ? hosts.entries.values() : []) {
      const other = seen.get(key.toLowerCase());
      if (other === undefined) seen.set(key.toLowerCase(), `${section}.${key}`);
      else {
        const what = `there is already a host of this name: ${other}`;
        problems.error(place, `${section}.${key}`, what, 'Give one of them another name.');
      }
    }
  }
}

/** Loads the module of every code process, so that a mistake in it is seen before the first message. */
async function checkCode({ definition, written, problems }: Checking): Promise<void> {
  for (const { name, code } of definition.processes.values()) {
    if (code === undefined) continue;
    const loaded = await loadModule(code);
    if ('exported' in loaded && typeof loaded.exported === 'function') continue;
    const { what, remedy } = 'fault' in loaded ? loaded.fault : NO_FUNCTION;
    const keys = ['processes', name, 'code'];
    problems.error(placeAt(written, keys, 'value'), pathText(keys), what, remedy);
  }
}

const NO_FUNCTION = {
  what: 'the module has no function as its default export',
  remedy: 'Write: export default defineProcess(async (message, context) => { … }).',
};

/** What operators search by must be a valid path, or no search would find anything. */
function checkSearch({ definition, written, problems }: Checking): void {
  for (const [name, path] of definition.settings.search) {
    const problem = pathProblem(path);
    if (problem === undefined) continue;
    const keys = ['settings', 'search', name];
    const { what, remedy } = splitProblem(problem);
    problems.error(placeAt(written, keys, 'value'), pathText(keys), what, remedy);
  }
}

/** Asks each adapter about problems between the settings of its hosts and tables, and in the files they name. */
async function checkSettings(definition: Definition, problems: Problems): Promise<void> {
  for (const [section, hosts] of [
    ['services', definition.services],
    ['operations', definition.operations],
    ['lookups', definition.lookupSources],
  ] as const) {
    for (const host of hosts.values()) {
      for (const fault of await faultsOf(host)) {
        report(definition, { section, host, fault }, problems);
      }
    }
  }
}

type Adapted = ServiceDefinition | OperationDefinition | LookupSource;

async function faultsOf({ adapter, settings }: Adapted): Promise<readonly SettingsFault[]> {
  return (await adapter.check?.(settings)) ?? [];
}

function report(
  definition: Definition,
  {
    section,
    host,
    fault,
  }: {
    readonly section: string;
    readonly host: Adapted;
    readonly fault: SettingsFault;
  },
  problems: Problems,
): void {
  const { path, place: there, what, remedy, severity = 'error' } = fault;
  const keys = [section, host.name, 'settings', ...path];
  const place =
    there === undefined
      ? placeOf(definition, keys, host)
      : { ...there, file: relative(definition.folder, there.file) };
  problems[severity](place, pathText(keys), what, remedy);
}

/** The place of the setting, or of the nearest one above it that was written. */
function placeOf(
  definition: Definition,
  keys: readonly string[],
  host: Adapted,
): ServiceDefinition['place'] {
  for (let length = keys.length; length > 2; length--) {
    const place = definition.placeOf(keys.slice(0, length));
    if (place !== undefined) return place;
  }
  return host.place;
}
