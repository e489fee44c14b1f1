import { Link, useNavigate } from '@tanstack/react-router';
import type { FormEvent, ReactElement } from 'react';
import { Button, buttonStyle } from '../element/button.tsx';
import { INPUT } from '../element/field.tsx';
import { t } from '../language/translate.ts';

/** Where to look when somebody cannot sign in, or is not allowed to do something, including users from a provider. */
export function AccessLinks(): ReactElement {
  const navigate = useNavigate();
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const name = (new FormData(event.currentTarget).get('name') as string).trim();
    if (name !== '') void navigate({ to: '/users/$name', params: { name } });
  };
  return (
    <>
      <form onSubmit={submit} className="flex items-center gap-1">
        <input
          name="name"
          aria-label={t('Rights of')}
          placeholder={t('name of a user')}
          autoComplete="off"
          spellCheck={false}
          className={`${INPUT} !w-40`}
        />
        <Button type="submit">{t('Rights')}</Button>
      </form>
      <Link to="/sign-ins" className={buttonStyle()}>
        {t('Sign-ins')}
      </Link>
    </>
  );
}
