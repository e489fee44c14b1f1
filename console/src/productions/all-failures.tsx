import type { ReactElement } from 'react';
import type { Failures } from '../../../src/api/contract/message.ts';
import { addressIn } from '../api/client.ts';
import { Nothing } from '../element/notice.tsx';
import { Said } from '../element/said.tsx';
import { StatusBadge } from '../element/status-badge.tsx';
import { count } from '../element/time-text.ts';
import { When } from '../element/when.tsx';
import { serverText } from '../language/server-text.ts';
import { rich, t } from '../language/translate.ts';
import { LinkIn, Missing, useGathered } from './gathered.tsx';
import type { Of } from './merged.ts';
import { failuresOf } from './queries.ts';

type Group = Failures['groups'][number];

/** What failed anywhere, by host and cause, most frequent first; each is dealt with in its production. */
export function AllFailures({ names }: { readonly names: readonly string[] }): ReactElement {
  const found = useGathered(names, failuresOf, ({ groups }) => groups);
  const groups = found.items.toSorted((a, b) => b.item.count - a.item.count);
  return (
    <>
      <Missing missing={found.missing} />
      {groups.length === 0 && found.open === 0 && (
        <Nothing>{t('Nothing has failed in the productions that answer.')}</Nothing>
      )}
      <ul className="flex flex-col gap-2" aria-label={t('What failed')}>
        {groups.map((one) => (
          <Row key={keyOf(one)} {...one} />
        ))}
      </ul>
    </>
  );
}

const keyOf = ({ production, item: { host, status, code, cause } }: Of<Group>): string =>
  JSON.stringify([production, host, status, code, cause]);

function Row({ production, item }: Of<Group>): ReactElement {
  const { host, status, code, cause, text, said, count: many, first, last } = item;
  const messages = new URLSearchParams({ target: host, status, error: code, cause, last: 'all' });
  return (
    <li className="flex items-start gap-3 rounded-lg border border-line bg-surface px-3 py-2">
      <span className="shrink-0 text-lg font-semibold">{count(many)}</span>
      <div className="min-w-0 flex-1">
        <h2 className="flex flex-wrap items-center gap-2">
          <LinkIn production={production} path="suspended?all=1">
            {production}
          </LinkIn>
          <LinkIn production={production} path={`hosts/${encodeURIComponent(host)}`}>
            {host}
          </LinkIn>
          <StatusBadge status={status} />
          <span className="font-mono text-2xs font-normal text-ink-2">{code}</span>
        </h2>
        <p className="break-words">{serverText(text)}</p>
        <Said words={said} />
        <p className="flex flex-wrap gap-x-3 text-xs text-ink-2">
          <span>
            {rich('first {first}, last {last}', {
              first: <When at={first} as="second" />,
              last: <When at={last} as="ago" />,
            })}
          </span>
          <a
            href={addressIn(production, `messages?${messages}`)}
            className="text-accent hover:underline"
          >
            {t('View them')}
          </a>
        </p>
      </div>
    </li>
  );
}
