import { Link } from '@tanstack/react-router';
import type { ReactElement, ReactNode } from 'react';
import type { Failures } from '../../../src/api/contract/message.ts';
import { StatusBadge } from '../element/status-badge.tsx';
import { count } from '../element/time-text.ts';
import { serverText } from '../language/server-text.ts';
import type { SearchState } from '../search/search-state.ts';

/** One host and cause in a line: how many, and in whose words; a link to just these messages. */
export function FailureLine({
  group: { host, status, code, cause, text, said, count: many },
  within,
  children,
}: {
  readonly group: Failures['groups'][number];
  /** Which of them, by time. */
  readonly within: SearchState;
  readonly children?: ReactNode;
}): ReactElement {
  const ours = serverText(text);
  return (
    <Link
      to="/messages"
      search={{ target: host, status, error: code, cause, ...within }}
      className="flex items-center gap-2.5 px-3 py-1.5 hover:bg-hover"
    >
      <span className="min-w-12 shrink-0 text-right tabular-nums font-semibold">{count(many)}</span>
      <StatusBadge status={status} />
      <span className="min-w-0 flex-1 truncate" title={said ?? ours}>
        <strong className="font-medium">{host}</strong> {said !== undefined && <q>{said}</q>}{' '}
        <span className="text-ink-2">{ours}</span>
      </span>
      {children}
    </Link>
  );
}
