import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { lazy, type ReactElement, Suspense, useMemo } from 'react';
import { productionMap, statistics } from '../api/queries.ts';
import { Button } from '../element/button.tsx';
import { INPUT } from '../element/field.tsx';
import { Problem, Waiting } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { useMedia, WIDE } from '../element/use-media.ts';
import { HostTable } from '../host/host-table.tsx';
import { useHotKeys } from '../shell/hot-keys.ts';

const ProductionDiagram = lazy(() => import('./production-diagram.tsx'));
const MINUTES = 5;

/** Who sends to whom, with live state, rates and queues: as a diagram or as its table. */
export function ProductionPage(): ReactElement {
  const { view, focus } = useSearch({ from: '/production' });
  const navigate = useNavigate();
  const wide = useMedia(WIDE);
  const { data, error } = useQuery(productionMap);
  const { data: counted } = useQuery(statistics(MINUTES * 60_000, 60_000));
  const rates = useMemo(() => {
    const sums = new Map<string, number>();
    for (const { host, in: came } of counted?.intervals ?? [])
      sums.set(host, (sums.get(host) ?? 0) + came / MINUTES);
    return sums;
  }, [counted]);
  const isTable = view === 'table' || (view === undefined && !wide);
  const show = (next: string): void =>
    void navigate({
      to: '/production',
      search: (before) => ({ ...before, view: next }),
      replace: true,
    });
  useHotKeys({ t: () => show(isTable ? 'diagram' : 'table') });
  return (
    <Page
      title={data?.title ?? 'Production'}
      fixed
      detail={
        data !== undefined && `${data.hosts.length} hosts, ${data.edges.length} ways between them`
      }
      actions={
        <>
          {!isTable && (
            <select
              aria-label="Show only the paths through a host"
              value={focus ?? ''}
              onChange={({ target }) =>
                void navigate({
                  to: '/production',
                  search: (before) => ({ ...before, focus: target.value || undefined }),
                  replace: true,
                })
              }
              className={`${INPUT} !w-44`}
            >
              <option value="">every path</option>
              {data?.hosts.map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          )}
          <Button aria-pressed={isTable} onClick={() => show(isTable ? 'diagram' : 'table')}>
            {isTable ? 'Show as diagram' : 'Show as table'}
          </Button>
        </>
      }
    >
      {error !== null && (
        <div className="p-4">
          <Problem error={error} />
        </div>
      )}
      {data === undefined && error === null && <Waiting />}
      {data !== undefined && isTable && (
        <div
          className="min-h-0 flex-1 overflow-auto bg-surface"
          tabIndex={0}
          role="region"
          aria-label="Hosts and their ways"
        >
          <HostTable hosts={data.hosts} />
          <table className="stack mt-4 w-full border-collapse border-t border-line text-left">
            <thead>
              <tr className="bg-sunken text-2xs text-ink-2">
                {['From', 'To', 'By', 'Rules'].map((name) => (
                  <th key={name} scope="col" className="px-3 py-1.5 font-medium">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {data.edges.map(({ from, to, by, labels }) => (
                <tr key={`${from} ${to} ${by}`} className="border-t border-line">
                  <td className="px-3 py-1">{from}</td>
                  <td className="px-3 py-1">{to}</td>
                  <td className="px-3 py-1 text-xs text-ink-2">{by}</td>
                  <td className="line px-3 py-1 text-xs text-ink-2">{labels.join(', ')}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {data !== undefined && !isTable && (
        <Suspense fallback={<Waiting />}>
          <ProductionDiagram map={data} rates={rates} focus={focus} />
        </Suspense>
      )}
    </Page>
  );
}
