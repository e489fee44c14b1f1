import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { ask } from '../api/client.ts';
import { buttonStyle } from '../element/button.tsx';
import { Pending } from '../element/notice.tsx';
import { Page, Panel } from '../element/page.tsx';
import { t } from '../language/translate.ts';
import { ChangeRoles } from './change-roles.tsx';

/** What the API says that somebody may do. */
export interface Rights {
  readonly name: string;
  readonly via: string;
  readonly roles: readonly string[];
  readonly scope: readonly string[];
  readonly visibleHosts?: readonly string[];
  /** Permission → the roles that give it. */
  readonly permissions: Readonly<Record<string, readonly string[]>>;
  readonly missing: readonly string[];
}

/** What one person may really do, by which role, and for which hosts. */
export function RightsPage(): ReactElement {
  const { name } = useParams({ from: '/users/$name' });
  const { data, error } = useQuery({
    queryKey: ['users', name, 'rights'],
    queryFn: ({ signal }) => ask<Rights>(`users/${encodeURIComponent(name)}/rights`, { signal }),
  });
  return (
    <Page
      title={t('Rights of {name}', { name })}
      detail={
        data !== undefined &&
        (data.via === 'local'
          ? t('a local user')
          : t('from outside, signed in last by {way}', { way: data.via }))
      }
      actions={
        <Link to="/audit" search={{ actor: name }} className={buttonStyle()}>
          {t('What {name} did', { name })}
        </Link>
      }
    >
      <Pending answer={data} error={error} />
      {data !== undefined && (
        <div className="grid items-start gap-4 lg:grid-cols-2">
          <Panel title={t('May')}>
            <dl className="grid grid-cols-[14rem_minmax(0,1fr)] gap-y-1 text-xs max-sm:grid-cols-1">
              {Object.entries(data.permissions).map(([permission, roles]) => (
                <div key={permission} className="contents">
                  <dt className="font-mono">{permission}</dt>
                  <dd className="text-ink-2">{t('as {roles}', { roles: roles.join(', ') })}</dd>
                </div>
              ))}
            </dl>
            {Object.keys(data.permissions).length === 0 && (
              <p className="text-ink-2">{t('nothing at all')}</p>
            )}
          </Panel>
          <div className="flex min-w-0 flex-col gap-4">
            {data.via === 'local' && <ChangeRoles key={data.roles.join()} rights={data} />}
            <Panel title={t('Sees')}>
              <p className="font-mono text-xs break-words">{data.scope.join(', ')}</p>
              <p className="mt-1 text-xs text-ink-2">
                {data.visibleHosts === undefined
                  ? t('every host')
                  : t('{count} {count|host|hosts}: {hosts}', {
                      count: data.visibleHosts.length,
                      hosts: data.visibleHosts.join(', '),
                    })}
              </p>
            </Panel>
            <Panel title={t('May not')}>
              <p className="font-mono text-xs break-words text-ink-2">
                {data.missing.length === 0 ? '–' : data.missing.join(', ')}
              </p>
            </Panel>
          </div>
        </div>
      )}
    </Page>
  );
}
