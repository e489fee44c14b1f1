import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Unplug } from 'lucide-react';
import { type ReactElement, useEffect, useRef } from 'react';
import { status } from '../api/answers.ts';
import { isAway } from '../api/away.ts';
import { When } from '../element/when.tsx';
import { rich } from '../language/translate.ts';
import { rememberAnswer } from './last-answer.ts';

/** That the server does not answer, and how old what is shown is. */
export function StaleBanner(): ReactElement | null {
  const { error, data, dataUpdatedAt } = useQuery(status);
  const client = useQueryClient();
  const wasAway = useRef(false);
  const away = isAway(error);
  useEffect(() => {
    if (dataUpdatedAt > 0) rememberAnswer(dataUpdatedAt);
  }, [dataUpdatedAt]);
  useEffect(() => {
    // what a page asked for meanwhile failed, and not all of it is asked again by itself
    if (wasAway.current && !away)
      void client.refetchQueries({
        type: 'active',
        predicate: ({ state }) => state.status === 'error',
      });
    wasAway.current = away;
  }, [away, client]);
  if (data === undefined || !away) return null;
  return (
    <p
      role="status"
      className="flex flex-wrap items-center gap-2 border-b border-warn/40 bg-warn-soft px-4 py-1.5 text-xs text-warn"
    >
      <Unplug size={14} aria-hidden="true" />
      <span>
        {rich('The server does not answer. What is shown is as of {time}.', {
          time: <When at={dataUpdatedAt} as="recent" />,
        })}
      </span>
    </p>
  );
}
