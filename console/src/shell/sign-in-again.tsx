import { focusManager, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useEffect, useRef } from 'react';
import { t } from '../language/translate.ts';
import { type Me, me } from './me.ts';
import { SignInPage } from './sign-in-page.tsx';

/**
 * The sign-in over a page whose user was signed out. The page is hidden and asks for nothing, but what was typed in it
 * and the dialog that is open in it stay. A sign-in elsewhere, such as with a provider in another tab, brings it back too.
 */
export function SignInAgain({ user: { name } }: { readonly user: Me }): ReactElement {
  const client = useQueryClient();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const { current } = dialog;
    // above the dialog that may be open in the page, which would make everything else unreachable
    current?.showModal();
    focusManager.setFocused(false);
    const look = (): void => void client.refetchQueries(me);
    window.addEventListener('focus', look);
    return () => {
      window.removeEventListener('focus', look);
      focusManager.setFocused(undefined);
      current?.close();
    };
  }, [client]);
  return (
    <dialog
      ref={dialog}
      aria-label={t('Sign in')}
      onCancel={(event) => event.preventDefault()}
      className="m-0 h-full max-h-none w-full max-w-none bg-canvas text-ink"
    >
      <SignInPage mustChange={false} mustAdd={false} onAdded={() => undefined} again={name} />
    </dialog>
  );
}
