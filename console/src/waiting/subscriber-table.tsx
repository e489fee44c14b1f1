import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type ReactElement, useState } from 'react';
import type { SubscriberList } from '../../../src/api/contract/kept.ts';
import { ask } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { Confirm } from '../element/confirmed-button.tsx';
import { ListTable } from '../element/list-table.tsx';
import { Nothing, Pending, Warning } from '../element/notice.tsx';
import { count } from '../element/time-text.ts';
import { When } from '../element/when.tsx';
import { serverText } from '../language/server-text.ts';
import { t } from '../language/translate.ts';
import { useMay } from '../shell/me.ts';
import { REFRESH } from './parts.tsx';

type Subscriber = SubscriberList['subscribers'][number];

/** Who is told of something, and the way to end or renew that. */
export function SubscriberTable(): ReactElement {
  const may = useMay();
  const [chosen, setChosen] = useState<Subscriber | undefined>(undefined);
  const { data, error, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery({
    queryKey: ['subscribers'],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam: after, signal }) =>
      ask('GET /subscribers', { query: { after }, signal }),
    getNextPageParam: ({ next }) => next,
    refetchInterval: REFRESH,
  });
  if (data === undefined) return <Pending answer={data} error={error} />;
  // who gets into trouble meanwhile moves to an earlier part of the list
  const all = new Map(
    data.pages
      .flatMap((page) => page.subscribers)
      .map((one) => [`${one.host} ${one.id}`, one] as const),
  );
  const isCut = !hasNextPage && data.pages.at(-1)?.cut === true;
  // those of a part may all be of operations that somebody does not see
  if (all.size === 0 && !hasNextPage)
    return <Nothing>{t('Nobody has subscribed to anything (FHIR).')}</Nothing>;
  return (
    <>
      {isCut && <Warning>{t('There are more than are shown here.')}</Warning>}
      <ListTable
        label={t('Subscribers')}
        look="min-w-[64rem]"
        columns={[
          t('Owner ## of a subscription'),
          t('About ## what a subscription is about'),
          t('Told at ## an address'),
          t('State'),
          t('Events'),
          t('Last taken ## a notification'),
          t('Until'),
          '',
        ]}
      >
        {[...all].map(([key, one]) => (
          <tr key={key} className="border-t border-line hover:bg-hover">
            <th scope="row" className="px-3 py-1.5 text-left font-normal md:min-w-48">
              <span className="break-all" translate="no">
                {one.owner}
              </span>
              <span className="block text-xs text-ink-2">
                <Link
                  to="/hosts/$host"
                  params={{ host: one.host }}
                  className="text-accent underline"
                >
                  {one.host}
                </Link>{' '}
                <span className="font-mono break-all" translate="no">
                  {one.id}
                </span>
              </span>
            </th>
            <td className="px-3 py-1.5 font-mono text-xs break-words md:max-w-44" translate="no">
              {one.about}
            </td>
            <td className="px-3 py-1.5 text-xs break-words md:max-w-40 md:min-w-32" translate="no">
              {one.place}
            </td>
            <td className="px-3 py-1.5 text-xs md:max-w-52 md:min-w-32">
              <State one={one} />
            </td>
            <td className="px-3 py-1.5 text-xs" data-name={t('Events')}>
              {count(one.events)}
            </td>
            <td
              className="px-3 py-1.5 font-mono text-xs md:min-w-24"
              data-name={t('Last taken ## a notification')}
            >
              {one.taken === undefined ? '—' : <When at={one.taken} as="second" />}
            </td>
            <td className="px-3 py-1.5 font-mono text-xs md:min-w-24" data-name={t('Until')}>
              <When at={one.end} as="second" />
            </td>
            <td className="px-3 py-1.5 text-right">
              {may('host.control') && (
                <Button onClick={() => setChosen(one)}>
                  {isOff(one) ? t('Switch on') : t('Switch off')}
                </Button>
              )}
            </td>
          </tr>
        ))}
      </ListTable>
      {hasNextPage && (
        <Button
          className="mt-3 self-start"
          disabled={isFetchingNextPage}
          onClick={() => void fetchNextPage()}
        >
          {t('Show more')}
        </Button>
      )}
      {chosen !== undefined && <Turn one={chosen} onClose={() => setChosen(undefined)} />}
    </>
  );
}

const isOff = ({ state }: Subscriber): boolean => state === 'off' || state === 'error';

const STATES = {
  requested: t('waits for its handshake'),
  active: t('active ## a subscription'),
  error: t('in error'),
  off: t('off ## a subscription'),
} as const;

function State({ one: { state, error, failures } }: { readonly one: Subscriber }): ReactElement {
  return (
    <>
      <span className={state === 'error' ? 'text-bad' : undefined}>{STATES[state]}</span>
      {failures > 0 && (
        <span className="block text-ink-2">
          {t('not taken {count} {count|time|times} in a row', { count: failures })}
        </span>
      )}
      {error !== undefined && <span className="block text-ink-2">{serverText(error)}</span>}
    </>
  );
}

function Turn({
  one,
  onClose,
}: {
  readonly one: Subscriber;
  readonly onClose: () => void;
}): ReactElement {
  const on = isOff(one);
  const { host, id, owner } = one;
  return (
    <Confirm
      title={
        on
          ? t('Switch on the subscription of {owner}', { owner })
          : t('Switch off the subscription of {owner}', { owner })
      }
      act={on ? t('Switch it on') : t('Switch it off')}
      look={on ? 'primary' : 'danger'}
      withReason
      order={(reason) => ask('POST /subscribers/turn', { body: { host, id, on, reason } })}
      onClose={onClose}
    >
      {on
        ? t('It is told again of what happens from now on, without a new handshake.')
        : t('It is told nothing more, and its owner cannot switch it on again.')}
    </Confirm>
  );
}
