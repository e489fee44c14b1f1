import { useMutation } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import type { MessageCount, SearchCriteria } from '../../../src/api/contract/message.ts';
import { ask } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { count, moment } from '../element/time-text.ts';
import { t } from '../language/translate.ts';

interface TotalProps {
  readonly criteria: SearchCriteria;
  /** Found so far. */
  readonly atLeast: number;
}

/** How many messages fit: counted when somebody asks, since it may take a while, and as far as the time allowed. */
export function Total({ criteria, atLeast }: TotalProps): ReactElement {
  const counting = useMutation({
    mutationFn: async (before: MessageCount | undefined): Promise<MessageCount> => {
      const after = before?.next;
      const page = await ask<MessageCount>('messages/count', {
        body: { ...criteria, ...(after === undefined ? {} : { after }) },
      });
      return { ...page, count: page.count + (before?.count ?? 0) };
    },
  });
  const { data } = counting;
  if (data?.complete === true) return <span>{t('{count} in all', { count: data.count })}</span>;
  return (
    <span className="inline-flex items-center gap-1">
      {data === undefined
        ? t('{count} found', { count: `${count(atLeast)}+` })
        : t('{count} since {time}', {
            count: data.count,
            time: moment(data.searchedBackTo, false),
          })}
      <Button
        look="quiet"
        disabled={counting.isPending}
        onClick={() => counting.mutate(counting.data)}
      >
        {counting.isPending ? t('Counting…') : data === undefined ? t('Count all') : t('Count on')}
      </Button>
      {counting.isError && <span className="text-bad">{counting.error.message}</span>}
    </span>
  );
}
