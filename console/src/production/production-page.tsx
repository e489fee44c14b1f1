import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { lazy, type ReactElement, type ReactNode, Suspense, useMemo } from 'react';
import type { ProductionMap } from '../../../src/api/contract/host.ts';
import { productionMap, statistics } from '../api/queries.ts';
import { Button } from '../element/button.tsx';
import { INPUT } from '../element/field.tsx';
import { Problem, Waiting, Warning } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { useMedia, WIDE } from '../element/use-media.ts';
import { HostTable } from '../host/host-table.tsx';
import { TagFilter, tagged } from '../host/tag-filter.tsx';
import { t } from '../language/translate.ts';
import { useHotKeys } from '../shell/hot-keys.ts';

const ProductionDiagram = lazy(() => import('./production-diagram.tsx'));
const MINUTES = 5;

/** Who sends to whom, with live state, rates and queues: as a diagram or a table. */
export function ProductionPage(): ReactElement {
  const { view, focus, tag } = useSearch({ from: '/production' });
  const navigate = useNavigate();
  const wide = useMedia(WIDE);
  const { data, error } = useQuery(productionMap);
  const isTable = view === 'table' || (view === undefined && !wide);
  const change = (next: Readonly<Record<string, string | undefined>>): void =>
    void navigate({
      to: '/production',
      search: (before) => ({ ...before, ...next }),
      replace: true,
    });
  const other = isTable ? 'diagram' : 'table';
  useHotKeys({ t: () => change({ view: other }) });
  return (
    <Page
      title={data?.title ?? t('Production')}
      fixed
      detail={
        data !== undefined &&
        t('{hosts} hosts, {ways} connections between them', {
          hosts: data.hosts.length,
          ways: data.edges.length,
        })
      }
      actions={
        <>
          <TagFilter hosts={data?.hosts ?? []} tag={tag} onTag={(next) => change({ tag: next })} />
          {!isTable && (
            <PathChoice
              hosts={data?.hosts ?? []}
              focus={focus}
              onFocus={(next) => change({ focus: next })}
            />
          )}
          <Button aria-pressed={isTable} onClick={() => change({ view: other })}>
            {isTable ? t('Show as diagram') : t('Show as table')}
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
      {data !== undefined && <Left queues={data.left} />}
      {data !== undefined && <Shown map={data} isTable={isTable} focus={focus} tag={tag} />}
    </Page>
  );
}

/** What waits for hosts that the production no longer has. */
function Left({ queues }: { readonly queues: ProductionMap['left'] }): ReactNode {
  return queues.map(({ host, depth }) => (
    <div key={host} className="mx-4 mb-2">
      <Warning>
        {t(
          'Messages waiting for {host}, which the production no longer has: {count}. They are sent once it has this host again.',
          { host, count: depth },
        )}
      </Warning>
    </div>
  ));
}

/** Host → messages per minute, over the last minutes. */
function useRates(): ReadonlyMap<string, number> {
  const { data } = useQuery(statistics(MINUTES * 60_000, 60_000));
  return useMemo(() => {
    const sums = new Map<string, number>();
    for (const { host, in: came } of data?.intervals ?? [])
      sums.set(host, (sums.get(host) ?? 0) + came / MINUTES);
    return sums;
  }, [data]);
}

const WAY_NAMES = {
  to: t('to ## a setting'),
  rule: t('rule'),
  code: t('code'),
  invalid: t('invalid'),
  setting: t('setting'),
} as const satisfies Record<ProductionMap['edges'][number]['by'], string>;

/** Who sends to whom, as rows. */
function Ways({ edges }: { readonly edges: ProductionMap['edges'] }): ReactElement {
  return (
    <table className="stack mt-4 w-full border-collapse border-t border-line text-left">
      <thead>
        <tr className="bg-sunken text-2xs text-ink-2">
          {[t('From'), t('To ## a host'), t('By ## a rule'), t('Rules')].map((name) => (
            <th key={name} scope="col" className="px-3 py-1.5 font-medium">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {edges.map(({ from, to, by, labels }) => (
          <tr key={`${from} ${to} ${by}`} className="border-t border-line">
            <td className="px-3 py-1">{from}</td>
            <td className="px-3 py-1">{to}</td>
            <td className="px-3 py-1 text-xs text-ink-2">{WAY_NAMES[by]}</td>
            <td className="line px-3 py-1 text-xs text-ink-2" translate="no">
              {labels.join(', ')}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface PathChoiceProps {
  readonly hosts: ProductionMap['hosts'];
  readonly focus: string | undefined;
  readonly onFocus: (host: string | undefined) => void;
}

function PathChoice({ hosts, focus, onFocus }: PathChoiceProps): ReactElement {
  return (
    <select
      aria-label={t('Show only the paths through a host')}
      value={focus ?? ''}
      onChange={({ target }) => onFocus(target.value || undefined)}
      className={`${INPUT} !w-44`}
    >
      <option value="">{t('every path')}</option>
      {hosts.map(({ name }) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  );
}

interface ShownProps {
  readonly map: ProductionMap;
  readonly isTable: boolean;
  readonly focus: string | undefined;
  readonly tag: string | undefined;
}

function Shown({ map, isTable, focus, tag }: ShownProps): ReactElement {
  const rates = useRates();
  if (!isTable)
    return (
      <Suspense fallback={<Waiting />}>
        <ProductionDiagram map={map} rates={rates} focus={focus} tag={tag} />
      </Suspense>
    );
  return (
    <div
      className="min-h-0 flex-1 overflow-auto bg-surface"
      tabIndex={0}
      role="region"
      aria-label={t('Hosts and their connections')}
    >
      <HostTable hosts={tagged(map.hosts, tag)} />
      <Ways edges={map.edges} />
    </div>
  );
}
