import { useQuery, useQueryClient } from '@tanstack/react-query';
import { ClockAlert, Unplug } from 'lucide-react';
import { type ReactElement, useEffect, useRef } from 'react';
import { status } from '../api/answers.ts';
import { isAway } from '../api/away.ts';
import { duration } from '../element/time-text.ts';
import { When } from '../element/when.tsx';
import { rich, t } from '../language/translate.ts';
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
  if (data === undefined) return null;
  if (!away) return <WrongClock ahead={dataUpdatedAt - data.at} />;
  return (
    <p
      role="status"
      className="flex items-center gap-2 border-b border-warn/40 bg-warn-soft px-4 py-1.5 text-xs text-warn"
    >
      <Unplug size={14} className="shrink-0" aria-hidden="true" />
      <span>
        {rich('The server does not answer. What is shown is as of {time}.', {
          time: <When at={dataUpdatedAt} as="recent" />,
        })}
      </span>
    </p>
  );
}

const MINUTE = 60_000;
/** Milliseconds: whoever types a time then means another. */
const WRONG = 2 * MINUTE;

/** That the clock of this machine is wrong, and that Waybill does not go by it. */
function WrongClock({ ahead }: { readonly ahead: number }): ReactElement | null {
  if (Math.abs(ahead) < WRONG) return null;
  const by = { duration: duration(Math.round(Math.abs(ahead) / MINUTE) * MINUTE) };
  return (
    <p
      role="status"
      className="flex items-center gap-2 border-b border-warn/40 bg-warn-soft px-4 py-1.5 text-xs text-warn"
    >
      <ClockAlert size={14} className="shrink-0" aria-hidden="true" />
      <span>
        {ahead > 0
          ? t(
              'The clock of this machine is {duration} ahead of the server’s. Times here are the server’s.',
              by,
            )
          : t(
              'The clock of this machine is {duration} behind the server’s. Times here are the server’s.',
              by,
            )}
      </span>
    </p>
  );
}
