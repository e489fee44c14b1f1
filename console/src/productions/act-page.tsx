import { useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { productions } from '../api/productions.ts';
import { Pending } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { t } from '../language/translate.ts';
import { ActInAll } from './act-in-all.tsx';
import { JobsInAll, jobsNamed } from './jobs-in-all.tsx';

/** One act on messages of several productions: first what it would be, then what became of it. */
export function ActInAllPage(): ReactElement {
  const { data, error } = useQuery(productions);
  const { jobs, order, by, ...rest } = useSearch({ from: '/productions/act' });
  const named = jobs === undefined ? [] : jobsNamed(jobs);
  return (
    <Page
      title={
        named.length > 0 ? t('Jobs in several productions') : t('Act on many, in all productions')
      }
    >
      <Pending answer={data} error={data === undefined ? error : null} />
      {data !== undefined && (
        <div className="flex flex-col gap-3">
          {named.length > 0 ? (
            <JobsInAll jobs={named} />
          ) : (
            <ActInAll names={data.productions} order={order} state={{ ...rest, find: by }} />
          )}
        </div>
      )}
    </Page>
  );
}
