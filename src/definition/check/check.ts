import { placeAt, valueAt } from '../written/written.ts';
import { checkCertificates } from './certificates.ts';
import { checkCode } from './code.ts';
import { portProblems } from './ports.ts';
import { type Checking, checkLoops } from './reach.ts';
import { checkSearch } from './search.ts';
import { checkSettings } from './settings.ts';
import { checkTransforms } from './transforms.ts';
import { warnOfUnused } from './unused.ts';

/** What must hold between the parts of a production. Warnings wait until there is no error, since most would follow from it. */
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
  await checkCode(checking);
  await checkCertificates(definition, now, problems);
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

/** A host's name is its address and the name of its queue's files, where some disks know no capitals. */
function checkNames({ written, problems }: Checking): void {
  const seen = new Map<string, string>();
  for (const section of SECTIONS) {
    const hosts = valueAt(written, [section]);
    for (const { key, place } of hosts?.kind === 'block' ? hosts.entries.values() : []) {
      const other = seen.get(key.toLowerCase());
      if (other === undefined) seen.set(key.toLowerCase(), `${section}.${key}`);
      else {
        const what = `there is a host of this name already: ${other}`;
        problems.error(place, `${section}.${key}`, what, 'Give one of them another name.');
      }
    }
  }
}
