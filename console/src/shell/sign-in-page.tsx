import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useEffect, useState } from 'react';
import { apiUrl, ask } from '../api/client.ts';
import { Button, buttonStyle } from '../element/button.tsx';
import { Field } from '../element/field.tsx';
import { Problem } from '../element/notice.tsx';
import { t } from '../language/translate.ts';
import { LanguageChoice } from './language-choice.tsx';
import { NewPassword } from './new-password.tsx';

interface Methods {
  readonly password: boolean;
  /** There is no user yet. */
  readonly first: boolean;
  readonly oidc: readonly Provider[];
  readonly saml: readonly Provider[];
}

interface Provider {
  readonly name: string;
  readonly title: string;
}

interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** Shown instead of everything else while nobody is signed in, or while the user must first choose a password. */
export function SignInPage({
  mustChange = false,
}: {
  readonly mustChange?: boolean;
}): ReactElement {
  const client = useQueryClient();
  const [given, setGiven] = useState<string | undefined>(undefined);
  const changing = mustChange || given !== undefined;
  const { data: methods, error } = useQuery({
    queryKey: ['sign-in-methods'],
    queryFn: ({ signal }) => ask<Methods>('sign-in/methods', { signal }),
  });
  const signIn = useMutation({
    mutationFn: (body: Credentials) =>
      ask<{ readonly mustChangePassword: boolean }>('sign-in', { body }),
    onSuccess: async ({ mustChangePassword }, { password }) => {
      if (mustChangePassword) setGiven(password);
      else await client.invalidateQueries();
    },
  });
  useEffect(() => {
    document.title = `${t('Sign in')} · Waybill`;
  }, []);
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    signIn.mutate({ user: form.get('user') as string, password: form.get('password') as string });
  };
  return (
    <main className="flex min-h-full items-center justify-center p-4">
      <div className="w-full max-w-sm rounded-xl border border-line bg-surface p-6 shadow-float">
        <img src="./waybill.svg" alt="" width="32" height="32" />
        <h1 className="mt-3 mb-4">
          {changing ? t('Choose a new password') : t('Sign in to Waybill')}
        </h1>
        {error !== null && <Problem error={error} />}
        {signIn.isError && <Problem error={signIn.error} />}
        {changing && <NewPassword current={given} />}
        {!changing && methods?.first === true && <FirstAdministrator />}
        {!changing && methods?.first === false && methods.password && (
          <form onSubmit={submit} className="mt-3 flex flex-col gap-3">
            <Field label={t('User')} name="user" autoComplete="username" required autoFocus />
            <Field
              label={t('Password')}
              name="password"
              type="password"
              autoComplete="current-password"
              required
            />
            <Button type="submit" look="primary" className="mt-1 h-9" disabled={signIn.isPending}>
              {signIn.isPending ? t('Signing in…') : t('Sign in')}
            </Button>
          </form>
        )}
        {!changing && methods !== undefined && <Providers methods={methods} />}
        <div className="mt-5 border-t border-line pt-4">
          <LanguageChoice />
        </div>
      </div>
    </main>
  );
}

/** The ways that lead to somebody else's page. */
function Providers({ methods }: { readonly methods: Methods }): ReactElement {
  const all = (['oidc', 'saml'] as const).flatMap((kind) =>
    methods[kind].map((one) => ({ kind, ...one })),
  );
  return (
    <>
      {all.map(({ kind, name, title }) => (
        <a
          key={`${kind} ${name}`}
          className={`${buttonStyle()} mt-3 !h-9 w-full`}
          href={apiUrl(`sign-in/${kind}/${encodeURIComponent(name)}`, {
            back: location.pathname + location.search,
          })}
        >
          {t('Sign in with {title}', { title })}
        </a>
      ))}
    </>
  );
}

/** Creates the first administrator. The address that `waybill run` prints includes the code. */
function FirstAdministrator(): ReactElement {
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
      <p>{t('Nobody can sign in yet. Use the code that waybill run printed to begin.')}</p>
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
