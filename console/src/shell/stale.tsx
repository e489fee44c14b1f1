import { useQuery } from '@tanstack/react-query';
import { Unplug } from 'lucide-react';
import type { ReactElement } from 'react';
import { status } from '../api/answers.ts';
import { ApiProblem } from '../api/client.ts';
import { When } from '../element/when.tsx';
import { rich } from '../language/translate.ts';

/** No answer at all, or a proxy's that there is none. */
const AWAY = new Set([0, 502, 504]);

/** That the server does not answer, and how old what is shown is. */
export function StaleBanner(): ReactElement | null {
  const { error, data, dataUpdatedAt } = useQuery(status);
  if (data === undefined || !(error instanceof ApiProblem) || !AWAY.has(error.status)) return null;
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
