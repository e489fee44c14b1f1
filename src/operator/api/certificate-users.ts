import type { ProductionDescription } from '../../production/describe-production.ts';
import type { ToldCertificate } from '../engines.ts';

/** Hosts with a setting of kind credential that names it. */
export function certificateUsers(
  credential: string,
  { hosts, adapters }: ProductionDescription,
): string[] {
  return hosts
    .filter(({ adapter, settings }) =>
      settings.some(
        ({ of, path, value }) =>
          of === 'adapter' &&
          value === credential &&
          adapters[adapter ?? '']?.settings[path]?.kind === 'credential',
      ),
    )
    .map(({ name }) => name);
}

/** The certificates of hosts that one may see; who sees all sees those that nobody uses, too. */
export function visibleCertificates(
  certificates: readonly ToldCertificate[],
  description: ProductionDescription,
  visible: readonly string[] | undefined,
): readonly ToldCertificate[] {
  if (visible === undefined) return certificates;
  return certificates.filter(({ credential }) =>
    certificateUsers(credential, description).some((host) => visible.includes(host)),
  );
}
