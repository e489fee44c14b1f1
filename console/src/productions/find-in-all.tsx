import { useNavigate, useSearch } from '@tanstack/react-router';
import type { FormEvent, ReactElement } from 'react';
import type { QuickHits } from '../../../src/api/contract/message.ts';
import { addressIn } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { Field } from '../element/field.tsx';
import { ListTable } from '../element/list-table.tsx';
import { Nothing } from '../element/notice.tsx';
import { When } from '../element/when.tsx';
import { t } from '../language/translate.ts';
import { LinkIn, Missing, useGathered } from './gathered.tsx';
import type { Of } from './merged.ts';
import { hitsOf } from './queries.ts';

type Hit = QuickHits['hits'][number];

/** A patient, an order or a message across productions: each searches its own trace. */
export function FindInAll({ names }: { readonly names: readonly string[] }): ReactElement {
  const { find = '' } = useSearch({ from: '/productions' });
  const navigate = useNavigate();
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const text = (new FormData(event.currentTarget).get('find') as string).trim();
    void navigate({ to: '/productions', search: { view: 'find', find: text } });
  };
  const found = useGathered(
    names,
    (name) => hitsOf(name, find),
    ({ hits }) => hits,
  );
  const hits = bySession(found.items);
  return (
    <>
      <form onSubmit={submit} className="flex flex-wrap items-end gap-2">
        <Field
          key={find}
          label={t('MRN, control id, message id or another search field')}
          name="find"
          defaultValue={find}
          autoComplete="off"
          spellCheck={false}
          className="w-96 max-w-full"
        />
        <Button type="submit" look="primary">
          {t('Find in all')}
        </Button>
      </form>
      {find !== '' && (
        <p role="status" className="text-xs text-ink-2">
          {found.open > 0
            ? t('{count} found; {open} still {open|searches|search}', {
                count: hits.length,
                open: found.open,
              })
            : t('{count} found', { count: hits.length })}
        </p>
      )}
      <Missing missing={found.missing} />
      {find !== '' && found.open === 0 && hits.length === 0 && (
        <Nothing>
          {t('Nothing has exactly this value. Search fields are found as a whole.')}
        </Nothing>
      )}
      {hits.length > 0 && (
        <ListTable
          label={t('Found')}
          look="min-w-[36rem]"
          columns={[t('Production'), t('Session'), t('Found by'), t('Time ## of a message')]}
        >
          {hits.map(({ production, item }) => (
            <HitRow key={`${production} ${item.sessionId}`} production={production} hit={item} />
          ))}
        </ListTable>
      )}
    </>
  );
}

/** A session is one row, however many of its messages have the value. Newest first. */
function bySession(hits: readonly Of<Hit>[]): readonly Of<Hit>[] {
  const first = new Map<string, Of<Hit>>();
  for (const hit of hits) {
    const key = `${hit.production} ${hit.item.sessionId}`;
    if (!first.has(key)) first.set(key, hit);
  }
  return [...first.values()].toSorted((a, b) => b.item.at - a.item.at);
}

function HitRow({
  production,
  hit: { sessionId, messageId, field, at },
}: {
  readonly production: string;
  readonly hit: Hit;
}): ReactElement {
  const step = messageId === undefined ? '' : `?step=${messageId}`;
  return (
    <tr className="border-t border-line hover:bg-hover">
      <th scope="row" className="px-3 py-1.5 font-normal">
        <LinkIn production={production}>{production}</LinkIn>
      </th>
      <td className="px-3 py-1.5 font-mono">
        <a
          href={addressIn(production, `sessions/${sessionId}${step}`)}
          className="text-accent hover:underline"
        >
          {sessionId}
        </a>
      </td>
      <td className="px-3 py-1.5 text-xs">{field ?? t('its id')}</td>
      <td className="px-3 py-1.5 text-xs">
        <When at={at} as="second" />
      </td>
    </tr>
  );
}
