import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useState } from 'react';
import { ask } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { Field } from '../element/field.tsx';
import { Problem } from '../element/notice.tsx';
import { t } from '../language/translate.ts';

/** Makes the first administrator. The address that `waybill run` prints brings the code along. */
export function FirstAdministrator(): ReactElement {
  const client = useQueryClient();
  const [brought] = useState(() => /^#first=([\w-]+)$/.exec(location.hash)?.[1]);
  const make = useMutation({
    mutationFn: (body: Readonly<Record<'code' | 'user' | 'password', string>>) =>
      ask<{ readonly name: string }>('sign-in/first', { body }),
    onSuccess: async () => {
      // the code is used: it need not stay in the history
      history.replaceState(history.state, '', location.pathname + location.search);
      await client.invalidateQueries();
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const of = (name: string): string => form.get(name) as string;
    make.mutate({ code: of('code').trim(), user: of('user'), password: of('password') });
  };
  return (
    <form onSubmit={submit} className="mt-3 flex flex-col gap-3">
      <p>{t('Nobody can sign in yet. Whoever has the code that waybill run printed begins.')}</p>
      {make.isError && <Problem error={make.error} />}
      <Field
        label={t('Code')}
        name="code"
        defaultValue={brought}
        autoComplete="off"
        required
        autoFocus={brought === undefined}
      />
      <Field
        label={t('User')}
        name="user"
        autoComplete="username"
        required
        autoFocus={brought !== undefined}
      />
      <Field
        label={t('Password, 12 characters or more')}
        name="password"
        type="password"
        autoComplete="new-password"
        minLength={12}
        required
      />
      <Button type="submit" look="primary" className="mt-1 h-9" disabled={make.isPending}>
        {t('Become the administrator')}
      </Button>
    </form>
  );
}
