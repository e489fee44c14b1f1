import { type ErrorComponentProps, Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { Nothing, Problem } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { rich, t } from '../language/translate.ts';

/** Shown instead of a page that failed; the rest of the console keeps working. */
export function RouteProblem({ error }: ErrorComponentProps): ReactElement {
  return (
    <Page title={t('This page failed')}>
      <Problem error={error} />
    </Page>
  );
}

/** An address without a page. */
export function NotFound(): ReactElement {
  return (
    <Page title={t('No such page')}>
      <Nothing>
        {rich(
          'There is no page at this address. <link>Go to the dashboard</link> or press {keys} to find a message.',
          {
            link: (text) => (
              <Link to="/" className="text-accent underline">
                {text}
              </Link>
            ),
            keys: (
              <>
                <kbd>{t('Ctrl')}</kbd> <kbd>K</kbd>
              </>
            ),
          },
        )}
      </Nothing>
    </Page>
  );
}
