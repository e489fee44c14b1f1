import type { ReactElement } from 'react';
import type { ReloadReport } from '../../../src/api/contract/host.ts';
import { t } from '../language/translate.ts';

/** Changed settings, with their old and new values. */
export function Changes({
  changes,
}: {
  readonly changes: ReloadReport['production'];
}): ReactElement {
  return (
    <table className="w-full table-fixed border-collapse text-left text-xs">
      <thead>
        <tr className="bg-sunken text-2xs text-ink-2">
          {[t('Setting'), t('Before'), t('After')].map((name) => (
            <th key={name} scope="col" className="px-3 py-1.5 font-medium">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {changes.map(({ path, before, after }) => (
          <tr key={path} className="border-t border-line align-top">
            <th scope="row" className="px-3 py-1 font-mono font-normal break-words">
              {path}
            </th>
            <td className="px-3 py-1 font-mono break-all text-bad">{textOf(before)}</td>
            <td className="px-3 py-1 font-mono break-all text-good">{textOf(after)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The server's values for files, whose content it does not show here. */
const OF_FILES: Readonly<Record<string, string>> = {
  'as it was': t('as it was'),
  changed: t('changed ## content of a file'),
};

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? (OF_FILES[value] ?? value) : JSON.stringify(value);
}
