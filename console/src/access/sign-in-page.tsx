import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { ask } from '../api/client.ts';
import { ListTable } from '../element/list-table.tsx';
import { Nothing, Pending } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { zone } from '../element/time-text.ts';
import { When } from '../element/when.tsx';
import { serverText } from '../language/server-text.ts';
import { t } from '../language/translate.ts';

/** What the server says if nothing about them is out of the ordinary. */
const AS_USUAL = /^passwords are on$/;

/** The latest sign-ins, and why somebody was refused, which they themselves are not told. */
export function SignInPage(): ReactElement {
  const { data, error } = useQuery({
    queryKey: ['sign-ins'],
    queryFn: ({ signal }) => ask('GET /sign-in/trace', { signal }),
    refetchInterval: 3_000,
  });
  return (
    <Page title={t('Sign-ins')} detail={t('why somebody cannot sign in')}>
      <Pending answer={data} error={error} />
      {data !== undefined && (
        <div className="flex flex-col gap-3">
          <p className={data.passwords.allowed ? 'text-ink-2' : 'text-warn'}>
            {data.passwords.allowed && AS_USUAL.test(data.passwords.why)
              ? t('Passwords are accepted.')
              : data.passwords.allowed
                ? t('Passwords are accepted: {why}', { why: serverText(data.passwords.why) })
                : t('Passwords are not accepted: {why}', { why: serverText(data.passwords.why) })}
          </p>
          {data.events.length === 0 ? (
            <Nothing>{t('Nobody has tried to sign in since the start.')}</Nothing>
          ) : (
            <ListTable
              label={t('Sign-ins')}
              look="min-w-[52rem] text-xs"
              columns={[
                t('Time, {zone}', { zone: zone() }),
                t('Who'),
                t('How'),
                t('From ## address'),
                t('Outcome'),
                t('Why'),
              ]}
            >
              {data.events.map(({ at, user, method, ip, outcome, cause, remedy }, index) => (
                <tr
                  key={data.events.length - index}
                  className="border-t border-line align-top hover:bg-hover"
                >
                  <td className="px-3 py-1 font-mono whitespace-nowrap">
                    <When at={at} as="second" />
                  </td>
                  <td className="px-3 py-1 break-all">{user}</td>
                  <td className="px-3 py-1">{method}</td>
                  <td className="px-3 py-1 font-mono">{ip}</td>
                  <td className={`px-3 py-1 ${outcome === 'refused' ? 'text-bad' : 'text-good'}`}>
                    {outcome === 'refused' ? t('refused') : t('signed in')}
                  </td>
                  <td className="px-3 py-1 break-words">
                    {cause !== undefined && serverText(cause)}
                    {remedy !== undefined && (
                      <span className="block text-ink-2">{serverText(remedy)}</span>
                    )}
                  </td>
                </tr>
              ))}
            </ListTable>
          )}
        </div>
      )}
    </Page>
  );
}
