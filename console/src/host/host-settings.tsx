import { type ReactElement, useState } from 'react';
import type { HostPage } from '../../../src/operator/api/contract/host.ts';
import { Button } from '../element/button.tsx';
import { Panel } from '../element/page.tsx';

/** What the host is set to, each with the file and line that say so. The files are the truth: nothing is changed here. */
export function HostSettings({ page: { settings } }: { readonly page: HostPage }): ReactElement {
  const [all, setAll] = useState(false);
  const shown = settings.filter(({ written }) => all || written);
  return (
    <Panel
      title="Settings"
      flush
      actions={
        <Button look="quiet" aria-pressed={all} onClick={() => setAll(!all)}>
          {all ? 'Only what is written' : `With ${settings.length - shown.length} defaults`}
        </Button>
      }
    >
      <div className="overflow-x-auto" tabIndex={0} role="region" aria-label="Settings">
        <table className="w-full border-collapse text-left text-xs">
          <thead className="sr-only">
            <tr>
              <th scope="col">Setting</th>
              <th scope="col">Value</th>
              <th scope="col">Written in</th>
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
                  {place === undefined ? 'default' : `${place.file}:${place.line}`}
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
  if (value === null || value === undefined) return 'not set';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
