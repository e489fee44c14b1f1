import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { FormEvent, ReactElement } from 'react';
import { Button } from '../element/button.tsx';
import { INPUT } from '../element/field.tsx';
import { Pending } from '../element/notice.tsx';
import { Page, Panel } from '../element/page.tsx';
import { t } from '../language/translate.ts';
import { NoteLines } from './note-lines.tsx';
import { notes as notesQuery, presence } from './queries.ts';
import { WhileAway } from './while-away.tsx';

/** What those who leave tell those who come: all notes, and what happened while one was away. */
export function ShiftPage(): ReactElement {
  const { find = '' } = useSearch({ from: '/shift' });
  const navigate = useNavigate();
  const { data: here } = useQuery(presence);
  const { data, error } = useQuery(notesQuery(find === '' ? {} : { text: find }));
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const text = (new FormData(event.currentTarget).get('find') as string).trim();
    void navigate({ to: '/shift', search: { find: text }, replace: true });
  };
  return (
    <Page
      title={t('Shift')}
      detail={t('notes on hosts, alerts and messages, for those who come after')}
    >
      <div className="flex flex-col gap-4">
        {here?.away !== undefined && <WhileAway {...here.away} />}
        <Panel
          title={t('Notes')}
          actions={
            <form onSubmit={submit} className="flex gap-2" role="search">
              <input
                key={find}
                type="search"
                name="find"
                defaultValue={find}
                aria-label={t('Find in notes')}
                placeholder={t('Find in notes')}
                maxLength={200}
                className={INPUT}
              />
              <Button type="submit">{t('Find')}</Button>
            </form>
          }
        >
          <Pending answer={data} error={error} />
          {data?.notes.length === 0 && (
            <p className="text-ink-2">
              {find === ''
                ? t(
                    'Nobody has written anything. Notes are written on the page of a host or message, and beside an alert.',
                  )
                : t('No note contains this.')}
            </p>
          )}
          {data !== undefined && <NoteLines notes={data.notes} label={t('Notes')} named />}
        </Panel>
      </div>
    </Page>
  );
}
