import { resolve } from 'node:path';
import type { Definition } from '../definition.ts';
import { placeAt, valueAt } from '../written/written.ts';
import { type CertificateAt, checkCertificate } from './certificates.ts';
import { checkCode } from './code.ts';
import { portProblems } from './ports.ts';
import { type Checking, checkLoops } from './reach.ts';
import { checkSearch } from './search.ts';
import { warnOfUnused } from './unused.ts';

/** What must hold between the parts of a production. Warnings wait until there is no error, since most would follow from it. */
export async function checkWhole(checking: Checking, now: number): Promise<void> {
  const { definition, problems } = checking;
  checkServices(checking);
  checkLoops(checking);
  checkSearch(checking);
  for (const { what, remedy, path, ...place } of portProblems([definition])) {
    problems.error(place, path, what, remedy);
  }
  await checkCode(checking);
  for (const certificate of certificatesOf(definition)) {
    await checkCertificate(certificate, now, problems);
  }
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

/** Certificates that hosts show or trust, as far as they lie in this production's files. */
function* certificatesOf(definition: Definition): Generator<CertificateAt> {
  for (const [name, { kind, values, place }] of definition.credentials) {
    const { certificate } = values;
    if (kind !== 'certificate' || typeof certificate !== 'string') continue;
    const pem = certificate.includes('-----BEGIN ')
      ? { text: certificate }
      : { file: resolve(definition.folder, certificate) };
    const keys = ['credentials', name, 'certificate'];
    yield {
      pem,
      place: definition.placeOf(keys) ?? place,
      path: `credentials.${name}.certificate`,
    };
  }
}
