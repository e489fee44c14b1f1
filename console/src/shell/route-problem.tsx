import { type ErrorComponentProps, Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { Nothing, Problem } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';

/** Shown in place of a page that failed; the rest of the console goes on. */
export function RouteProblem({ error }: ErrorComponentProps): ReactElement {
  return (
    <Page title="This page failed">
      <Problem error={error} />
    </Page>
  );
}

/** An address that no page has. */
export function NotFound(): ReactElement {
  return (
    <Page title="No such page">
      <Nothing>
        There is no page at this address.{' '}
        <Link to="/" className="text-accent underline">
          Go to the dashboard
        </Link>{' '}
        or press <kbd>Ctrl</kbd> <kbd>K</kbd> to find a message.
      </Nothing>
    </Page>
  );
}
