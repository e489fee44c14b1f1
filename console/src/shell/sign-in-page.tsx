import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useEffect } from 'react';
import { apiUrl, ask } from '../api/client.ts';
import { Button, buttonStyle } from '../element/button.tsx';
import { Field } from '../element/field.tsx';
import { Problem } from '../element/notice.tsx';

interface Methods {
  readonly password?: boolean;
  readonly local?: boolean;
  readonly oidc?: readonly { readonly name: string; readonly title?: string }[];
}

/** Shown instead of everything while the API says that nobody is signed in. */
export function SignInPage(): ReactElement {
  const client = useQueryClient();
  const methods = useQuery({
    queryKey: ['sign-in-methods'],
    queryFn: ({ signal }) => ask<Methods>('sign-in/methods', { signal }),
  });
  const signIn = useMutation({
    mutationFn: (body: { readonly user: string; readonly password: string }) =>
      ask('sign-in', { body }),
    onSuccess: () => client.invalidateQueries(),
  });
  useEffect(() => {
    document.title = 'Sign in · Waybill';
  }, []);
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    signIn.mutate({
      user: `${form.get('user') as string}`,
      password: `${form.get('password') as string}`,
    });
  };
  const { data } = methods;
  const withPassword = data?.password !== false && data?.local !== false;
  return (
    <main className="flex min-h-full items-center justify-center p-4">
      <div className="w-full max-w-sm rounded-xl border border-line bg-surface p-6 shadow-float">
        <img src="./waybill.svg" alt="" width="32" height="32" />
        <h1 className="mt-3 mb-4">Sign in to Waybill</h1>
        {signIn.isError && <Problem error={signIn.error} />}
        {withPassword && (
          <form onSubmit={submit} className="mt-3 flex flex-col gap-3">
            <Field label="User" name="user" autoComplete="username" required autoFocus />
            <Field
              label="Password"
              name="password"
              type="password"
              autoComplete="current-password"
              required
            />
            <Button type="submit" look="primary" className="mt-1 h-9" disabled={signIn.isPending}>
              {signIn.isPending ? 'Signing in…' : 'Sign in'}
            </Button>
          </form>
        )}
        {data?.oidc?.map(({ name, title }) => (
          <a
            key={name}
            className={`${buttonStyle()} mt-3 h-9 w-full`}
            href={apiUrl(`sign-in/oidc/${encodeURIComponent(name)}`, { back: location.href })}
          >
            Sign in with {title ?? name}
          </a>
        ))}
      </div>
    </main>
  );
}
