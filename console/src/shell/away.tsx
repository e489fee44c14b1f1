import { useQuery } from '@tanstack/react-query';
import { Link, useLocation, useNavigate } from '@tanstack/react-router';
import { type ReactElement, useEffect } from 'react';
import { PRODUCTION } from '../api/client.ts';
import { productions } from '../api/productions.ts';
import { Problem } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { t } from '../language/translate.ts';
import type { Me } from './me.ts';

/** Whether the console shows other productions to the user. */
export function useSeveral(): boolean {
  const { data } = useQuery(productions);
  return data !== undefined && data.productions.some((one) => one !== data.own);
}

/**
 * Whether the page is one of all productions, which needs none of them to answer. Somebody without
 * any right in the console's own production begins there.
 */
export function useOnList(user: Me | undefined): boolean {
  const { pathname } = useLocation();
  const navigate = useNavigate();
  const several = useSeveral();
  const begins = several && PRODUCTION === undefined && user?.permissions?.length === 0;
  useEffect(() => {
    if (begins && pathname === '/') void navigate({ to: '/productions', replace: true });
  }, [begins, pathname, navigate]);
  return pathname === '/productions' || pathname.startsWith('/productions/');
}

/** In place of the pages of a production that does not answer, until it does. */
export function Away({ why }: { readonly why: unknown }): ReactElement {
  return (
    <Page title={PRODUCTION ?? t('Production')}>
      <div className="flex flex-col gap-3">
        <Problem error={why} />
        <p>
          <Link to="/productions" className="text-accent underline">
            {t('All productions')}
          </Link>
        </p>
      </div>
    </Page>
  );
}
