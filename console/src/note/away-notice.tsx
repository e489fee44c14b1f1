import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { When } from '../element/when.tsx';
import { rich, t } from '../language/translate.ts';
import { presence } from './queries.ts';

/** Tells who was away where it stands what happened meanwhile. */
export function AwayNotice(): ReactElement | null {
  const { data } = useQuery(presence);
  if (data?.away === undefined) return null;
  const { from, to } = data.away;
  return (
    <p
      className="flex flex-wrap gap-x-3 rounded-md border border-line bg-sunken px-3 py-2"
      role="status"
    >
      <span>
        {rich('You were away from {from} to {to}.', {
          from: <When at={from} as="recent" />,
          to: <When at={to} as="recent" />,
        })}
      </span>
      <Link to="/shift" className="text-accent hover:underline">
        {t('What happened meanwhile')}
      </Link>
    </p>
  );
}
