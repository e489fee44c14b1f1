import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type ReactElement, type ReactNode, Suspense, useMemo } from 'react';
import type { ProductionMap } from '../../../src/api/contract/host.ts';
import { lazyPart } from '../api/part.ts';
import { productionMap, statistics } from '../api/queries.ts';
import { Button } from '../element/button.tsx';
import { INPUT } from '../element/field.tsx';
import { useFirst } from '../element/first.tsx';
import { needsAttention } from '../element/needs-attention.ts';
import { Problem, Waiting, Warning } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { useMedia, WIDE } from '../element/use-media.ts';
import { HostTable } from '../host/host-table.tsx';
import { TagFilter, tagged } from '../host/tag-filter.tsx';
import { t } from '../language/translate.ts';
import { useHotKeys } from '../shell/hot-keys.ts';

const ProductionDiagram = lazyPart(() => import('./production-diagram.tsx'), 'default');
const MINUTES = 5;

/** Who sends to whom, with live state, rates and queues: as a diagram or a table. */
export function ProductionPage(): ReactElement {
  const { view, focus, tag, find, trouble } = useSearch({ from: '/production' });
  const troubled = trouble !== undefined;
  const navigate = useNavigate();
  const wide = useMedia(WIDE);
  const { data, error } = useQuery(productionMap);
  const isTable = view === 'table' || (view === undefined && !wide);
  /** @param isTyped what is typed is one step back, and not one for each letter */
  const change = (next: Readonly<Record<string, string | undefined>>, isTyped = false): void =>
    void navigate({
      to: '/production',
      search: (before) => ({ ...before, ...next }),
      replace: isTyped,
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
        // all at once: nothing moves away from who wants to click
        data !== undefined && (
          <>
            <TagFilter hosts={data.hosts} tag={tag} onTag={(next) => change({ tag: next })} />
            {!isTable && (
              <PathChoice
                hosts={data.hosts}
                focus={focus}
                onFocus={(next) => change({ focus: next })}
              />
            )}
            <Button
              aria-pressed={troubled}
              onClick={() => change({ trouble: troubled ? undefined : '1' })}
            >
              {t('Only troubled')}
            </Button>
            <Button onClick={() => change({ view: other })}>
              {isTable ? t('Show as diagram') : t('Show as table')}
            </Button>
          </>
        )
      }
    >
      {error !== null && (
        <div className="p-4">
          <Problem error={error} />
        </div>
      )}
      {data === undefined && error === null && <Waiting />}
      {data !== undefined && <Left queues={data.left} />}
      {data !== undefined && (
        <Shown
          map={data}
          isTable={isTable}
          // an address may name a host that is no more
          focus={data.hosts.some(({ name }) => name === focus) ? focus : undefined}
          tag={tag}
          troubled={troubled}
          find={find}
          onFind={(text) => change({ find: text }, find !== undefined)}
        />
      )}
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
function useRates(): ReadonlyMap<string, number> | undefined {
  const { data } = useQuery(statistics(MINUTES * 60_000, 60_000));
  return useMemo(() => {
    if (data === undefined) return undefined;
    const sums = new Map<string, number>();
    for (const { host, in: came } of data.intervals)
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
  const { first, more } = useFirst(edges);
  return (
    <>
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
          {first.map(({ from, to, by, labels }) => (
            <tr key={`${from} ${to} ${by}`} className="border-t border-line">
              <td className="px-3 py-1">{from}</td>
              <td className="px-3 py-1">
                <span aria-hidden="true" className="text-ink-3 sm:hidden">
                  →{' '}
                </span>
                {to}
              </td>
              <td className="px-3 py-1 text-xs text-ink-2">{WAY_NAMES[by]}</td>
              <td className="line px-3 py-1 text-xs text-ink-2" translate="no">
                {labels.join(', ')}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {more}
    </>
  );
}

interface PathChoiceProps {
  readonly hosts: ProductionMap['hosts'];
  readonly focus: string | undefined;
  readonly onFocus: (host: string | undefined) => void;
}

function PathChoice({ hosts, focus, onFocus }: PathChoiceProps): ReactElement {
  const names = new Set(hosts.map(({ name }) => name));
  const choose = (text: string): void => {
    if (text === '') onFocus(undefined);
    else if (names.has(text)) onFocus(text);
  };
  return (
    <>
      <input
        key={focus}
        type="search"
        list="hosts-of-production"
        aria-label={t('Show only the paths through a host')}
        placeholder={t('every path')}
        defaultValue={focus ?? ''}
        onChange={({ target }) => choose(target.value)}
        className={`${INPUT} !w-36`}
        spellCheck={false}
      />
      <datalist id="hosts-of-production">
        {hosts.map(({ name }) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </>
  );
}

interface ShownProps {
  readonly map: ProductionMap;
  readonly isTable: boolean;
  readonly focus: string | undefined;
  readonly tag: string | undefined;
  readonly troubled: boolean;
  readonly find: string | undefined;
  readonly onFind: (text: string | undefined) => void;
}

function Shown({ map, isTable, focus, tag, troubled, find, onFind }: ShownProps): ReactElement {
  const rates = useRates();
  if (!isTable)
    return (
      <Suspense fallback={<Waiting />}>
        <ProductionDiagram map={map} rates={rates} focus={focus} tag={tag} troubled={troubled} />
      </Suspense>
    );
  const hosts = tagged(map.hosts, tag).filter(({ health }) => !troubled || needsAttention(health));
  return (
    <div
      className="min-h-0 flex-1 overflow-auto bg-surface"
      tabIndex={0}
      role="region"
      aria-label={t('Hosts and their connections')}
    >
      <HostTable hosts={hosts} find={find} onFind={onFind} />
      <Ways edges={map.edges} />
    </div>
  );
}
