import { type ReactElement, useState } from 'react';
import type { HostPage } from '../../../src/api/contract/host.ts';
import { Button } from '../element/button.tsx';
import { Panel } from '../element/page.tsx';
import { t } from '../language/translate.ts';

/** What the host is set to, each with the file and line that say so. The files are the truth: nothing is changed here. */
export function HostSettings({ page: { settings } }: { readonly page: HostPage }): ReactElement {
  const [all, setAll] = useState(false);
  const shown = settings.filter(({ written }) => all || written);
  return (
    <Panel
      title={t('Settings')}
      flush
      actions={
        <Button look="quiet" aria-pressed={all} onClick={() => setAll(!all)}>
          {all
            ? t('Only what is written')
            : t('With {count} defaults', { count: settings.length - shown.length })}
        </Button>
      }
    >
      <div className="overflow-x-auto" tabIndex={0} role="region" aria-label={t('Settings')}>
        <table className="stack w-full border-collapse text-left text-xs">
          <thead className="sr-only">
            <tr>
              <th scope="col">{t('Setting')}</th>
              <th scope="col">{t('Value')}</th>
              <th scope="col">{t('Written in')}</th>
            </tr>
          </thead>
          <tbody>
            {shown.map(({ of, path, value, written, place, help }) => (
              <tr
                key={`${of} ${path}`}
                className="border-b border-line last:border-0 hover:bg-hover"
              >
                <th scope="row" className="w-44 px-3 py-1 font-mono font-normal" title={help}>
                  {path}
                </th>
                <td className={`px-3 py-1 font-mono break-all ${written ? '' : 'text-ink-3'}`}>
                  {shownValue(value)}
                </td>
                <td className="px-3 py-1 text-right whitespace-nowrap text-ink-2">
                  {place === undefined ? t('default') : `${place.file}:${place.line}`}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

function shownValue(value: unknown): string {
  if (value === null || value === undefined) return t('not set');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
