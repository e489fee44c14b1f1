import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { CircleUser, LogOut, ShieldCheck } from 'lucide-react';
import { type ReactElement, useState } from 'react';
import { ApiProblem, ask, type Result } from '../api/client.ts';
import { lazyPart } from '../api/part.ts';
import { Button, buttonStyle, ICON_BUTTON } from '../element/button.tsx';
import { Problem } from '../element/notice.tsx';
import { t } from '../language/translate.ts';
import { LanguageChoice } from './language-choice.tsx';
import type { Me } from './me.ts';

const NewPassword = lazyPart(() => import('./new-password.tsx'), 'NewPassword');

/** Ways to be signed in that somebody else keeps up: they do not end here. */
const SIGNED_IN_ELSEWHERE: ReadonlySet<string> = new Set(['header', 'bearer']);

/** Who is signed in, the language of the console, and signing out. */
export function AccountMenu({ user }: { readonly user: Me | undefined }): ReactElement {
  const client = useQueryClient();
  const signOut = useMutation({
    mutationFn: () =>
      ask('POST /sign-out').catch((error: unknown) => {
        if (error instanceof ApiProblem && error.status === 401) return {};
        throw error;
      }),
    onSuccess: async ({ redirect }: Result<'POST /sign-out'>) => {
      // where the provider's session ends too: otherwise the next one here is signed in as this person
      if (redirect !== undefined) location.assign(redirect);
      // the browser's way back leads to this page as it is now
      await client.resetQueries();
    },
  });
  const name = user?.name ?? '';
  return (
    <>
      <button
        type="button"
        className={`${ICON_BUTTON} md:w-auto md:max-w-40 md:gap-1.5 md:px-2`}
        popoverTarget="account"
        aria-label={`${t('Account')} ${name}`}
      >
        <CircleUser size={17} aria-hidden="true" className="shrink-0" />
        {name !== '' && <span className="truncate text-xs max-md:hidden">{name}</span>}
      </button>
      <div
        id="account"
        popover="auto"
        role="dialog"
        aria-label={t('Account')}
        className="fixed inset-auto top-12 right-2 m-0 w-64 rounded-lg border border-line bg-raised p-3 text-ink shadow-float"
      >
        <div className="flex flex-col gap-3">
          {name !== '' && (
            <div className="min-w-0">
              <div className="truncate font-medium">{name}</div>
              <div className="text-xs text-ink-2">{user?.roles?.join(', ')}</div>
            </div>
          )}
          <LanguageChoice />
          {user?.via === 'local' && <OwnPassword />}
          {(user?.via === 'local' || user?.via?.startsWith('ldap ') === true) && (
            <Link to="/second-factor" className={buttonStyle()}>
              <ShieldCheck size={14} aria-hidden="true" /> {t('Second factor')}
            </Link>
          )}
          {user?.via !== undefined && !SIGNED_IN_ELSEWHERE.has(user.via) && (
            <Button onClick={() => signOut.mutate()} disabled={signOut.isPending}>
              <LogOut size={14} aria-hidden="true" /> {t('Sign out')}
            </Button>
          )}
          {signOut.isError && (
            <>
              <Problem error={signOut.error} />
              <p>{t('You may still be signed in: sign out again.')}</p>
            </>
          )}
        </div>
      </div>
    </>
  );
}

/** Changing one's own password. */
function OwnPassword(): ReactElement {
  const [asked, setAsked] = useState<'no' | 'yes' | 'done'>('no');
  if (asked === 'done')
    return (
      <p role="status" className="text-good">
        {t('The password is changed.')}
      </p>
    );
  if (asked === 'no')
    return <Button onClick={() => setAsked('yes')}>{t('Change the password')}</Button>;
  return (
    <NewPassword
      current={undefined}
      label={t('Present password')}
      onDone={() => setAsked('done')}
    />
  );
}
