import type { CertificateReport } from '../control/certificate-report.ts';
import type { ProductionDescription } from '../control/production-description.ts';

/** Hosts with a setting of kind credential that names it. */
function certificateUsers(
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

/** The certificates with the visible hosts that use them; those who see every host also see unused certificates. */
export function visibleCertificates(
  certificates: readonly CertificateReport[],
  description: ProductionDescription,
  visible: readonly string[] | undefined,
): readonly CertificateReport[] {
  const used = certificates.map((report) =>
    report.kind === 'peer'
      ? report
      : { ...report, hosts: [...report.hosts, ...certificateUsers(report.name, description)] },
  );
  if (visible === undefined) return used;
  return used.flatMap((report) => {
    const hosts = report.hosts.filter((host) => visible.includes(host));
    return hosts.length === 0 ? [] : [{ ...report, hosts }];
  });
}
