import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { FormEvent, ReactElement } from 'react';
import { ask } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { Field } from '../element/field.tsx';
import { Problem } from '../element/notice.tsx';
import { t } from '../language/translate.ts';
import { me } from './me.ts';

interface NewPasswordProps {
  /** The previous password, if known; otherwise it is asked for. */
  readonly current: string | undefined;
  /** The label of the previous password. */
  readonly label?: string;
  /** Called instead of reloading the page. */
  readonly onDone?: () => void;
}

/** Asks for a new password to replace the previous one. */
export function NewPassword({
  current,
  label = t('Password you were given'),
  onDone,
}: NewPasswordProps): ReactElement {
  const client = useQueryClient();
  const change = useMutation({
    mutationFn: async (form: FormData) => {
      const body = {
        current: current ?? (form.get('current') as string),
        password: form.get('password') as string,
      };
      // the answer about who is signed in includes the token that every act must carry
      await client.fetchQuery({ ...me, staleTime: 0 });
      await ask('POST /me/password', { body });
    },
    onSuccess: async () => {
      if (onDone === undefined) return client.resetQueries();
      // the session, and with it the token for acts, is a new one now
      await client.invalidateQueries({ queryKey: me.queryKey });
      return onDone();
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    change.mutate(new FormData(event.currentTarget));
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-3">
      {current === undefined && (
        <Field
          label={label}
          name="current"
          type="password"
          autoComplete="current-password"
          required
          autoFocus
        />
      )}
      <Field
        label={t('New password')}
        name="password"
        type="password"
        autoComplete="new-password"
        minLength={12}
        required
        autoFocus={current !== undefined}
        hint={t('at least 12 characters')}
      />
      {change.isError && <Problem error={change.error} />}
      <Button type="submit" look="primary" className="!h-9" disabled={change.isPending}>
        {t('Save the password')}
      </Button>
    </form>
  );
}
