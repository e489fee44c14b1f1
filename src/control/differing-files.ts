import type { StatusReport } from './engine-report.ts';

/** Which engines run which files, if not all run the same: one of them may belong to a copy of the production. */
export function differingFiles(
  reports: readonly Pick<StatusReport, 'engine' | 'files'>[],
): string | undefined {
  const engines = Map.groupBy(
    reports.filter(({ files }) => files !== undefined),
    ({ files }) => files,
  );
  if (engines.size < 2) return undefined;
  return [...engines]
    .map(([files = '', those]) => {
      const numbers = those.map(({ engine }) => engine).toSorted((a, b) => a - b);
      return `${files} on engine ${numbers.join(', ')}`;
    })
    .toSorted()
    .join('; ');
}
