import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useEffect, useState } from 'react';
import { isForeign403 } from '../api/away.ts';
import { ApiProblem, apiUrl, ask, ELSEWHERE, type Result } from '../api/client.ts';
import { Button, buttonStyle } from '../element/button.tsx';
import { Field } from '../element/field.tsx';
import { Problem } from '../element/notice.tsx';
import { FactorSetup } from '../factor/factor-setup.tsx';
import { type AskedFor, SecondStep } from '../factor/second-step.tsx';
import { t } from '../language/translate.ts';
import { LanguageChoice } from './language-choice.tsx';
import { NewPassword } from './new-password.tsx';

type Methods = Result<'GET /sign-in/methods'>;

interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** What is asked for now. */
type Stage = 'password' | 'second' | 'change' | 'add';

const HEADINGS: Readonly<Record<Stage, string>> = {
  password: t('Sign in to Waybill'),
  second: t('Sign in to Waybill'),
  change: t('Choose a new password'),
  add: t('Set up a second factor'),
};

/** Shown instead of everything else while nobody is signed in, or while the user must first choose a password. */
export function SignInPage({
  mustChange,
  mustAdd,
  onAdded,
  again,
}: {
  readonly mustChange: boolean;
  /** Whether a second factor has to be set up. */
  readonly mustAdd: boolean;
  /** Called when one is. */
  readonly onAdded: () => void;
  /** Whose page waits below. */
  readonly again?: string;
}): ReactElement {
  const client = useQueryClient();
  const [given, setGiven] = useState<string | undefined>(undefined);
  const [typed, setTyped] = useState<string | undefined>(undefined);
  const [asked, setAsked] = useState<AskedFor | undefined>(undefined);
  const stage: Stage =
    mustChange || given !== undefined
      ? 'change'
      : mustAdd
        ? 'add'
        : asked === undefined
          ? 'password'
          : 'second';
  const { data: methods, error } = useQuery({
    queryKey: ['sign-in-methods'],
    queryFn: ({ signal }) => ask('GET /sign-in/methods', { signal }),
  });
  const signIn = useMutation({
    mutationFn: (body: Credentials) => ask('POST /sign-in', { body }),
    onSuccess: async ({ mustChangePassword, secondFactor }, { password }) => {
      setTyped(password);
      if (secondFactor !== undefined) setAsked(secondFactor);
      else if (mustChangePassword) setGiven(password);
      else await entered();
    },
  });
  const entered = async (): Promise<void> => {
    // what is below is another person's
    if (again !== undefined && (await ask('GET /me', { ofConsole: true })).name !== again)
      location.reload();
    else await client.invalidateQueries();
  };
  const stepped = async (): Promise<void> => {
    setAsked(undefined);
    if (signIn.data?.mustChangePassword === true) setGiven(typed);
    else await entered();
  };
  useEffect(() => {
    document.title = `${t('Sign in')} · Waybill`;
  }, []);
  const isElsewhere = stage === 'password' && signsInElsewhere(methods, error);
  return (
    <main className="flex min-h-full items-center justify-center p-4">
      <div className="w-full max-w-sm rounded-xl border border-line bg-surface p-6 shadow-float">
        <img src="./waybill.svg" alt="" width="32" height="32" />
        <h1 className="mt-3 mb-4">{HEADINGS[stage]}</h1>
        {again !== undefined && stage === 'password' && (
          <p className="mb-3 text-ink-2">
            {t('You were signed out. The page is kept as it was, with what you had typed.')}
          </p>
        )}
        {isElsewhere ? <Elsewhere again={again} /> : error !== null && <Problem error={error} />}
        {signIn.isError && <Problem error={signIn.error} />}
        {stage === 'change' && <NewPassword current={given} />}
        {stage === 'add' && <FactorSetup password={typed} onDone={onAdded} />}
        {stage === 'second' && asked !== undefined && (
          <SecondStep
            asked={asked}
            onSignedIn={() => void stepped()}
            onBack={() => setAsked(undefined)}
          />
        )}
        {stage === 'password' && methods !== undefined && (
          <FirstStep
            methods={methods}
            pending={signIn.isPending}
            onGiven={signIn.mutate}
            again={again}
          />
        )}
        <div className="mt-5 border-t border-line pt-4">
          <LanguageChoice />
        </div>
      </div>
    </main>
  );
}

/** Whether there is no way to sign in here, or a proxy wants that before it lets through which there are. */
function signsInElsewhere(methods: Methods | undefined, error: Error | null): boolean {
  if (methods === undefined)
    return error instanceof ApiProblem && (error.code === ELSEWHERE || isForeign403(error));
  const { first, password, oidc, saml, kerberos } = methods;
  return !first && !password && oidc.length + saml.length + kerberos.length === 0;
}

/** A proxy in front of Waybill signs people in: where pages are asked for, not what is in them. */
function Elsewhere({ again }: { readonly again: string | undefined }): ReactElement {
  return (
    <>
      <p>
        {again === undefined
          ? t('You sign in with what stands in front of Waybill. Load this page to begin.')
          : t(
              'You sign in with what stands in front of Waybill: in another tab, then come back here.',
            )}
      </p>
      {again === undefined ? (
        // a link to an address with a # would load nothing
        <Button className="mt-3 !h-9 w-full" onClick={() => location.reload()} autoFocus>
          {t('Load the page')}
        </Button>
      ) : (
        <a
          className={`${buttonStyle()} mt-3 !h-9 w-full`}
          href={location.href}
          target="_blank"
          rel="noreferrer"
        >
          {t('Sign in in another tab')}
        </a>
      )}
    </>
  );
}

/** Name and password, or what there is instead. */
function FirstStep({
  methods,
  pending,
  onGiven,
  again,
}: {
  readonly methods: Methods;
  readonly pending: boolean;
  readonly onGiven: (given: Credentials) => void;
  readonly again: string | undefined;
}): ReactElement {
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    onGiven({ user: form.get('user') as string, password: form.get('password') as string });
  };
  return (
    <>
      {methods.first && <FirstAdministrator />}
      {!methods.first && methods.password && (
        <form onSubmit={submit} className="mt-3 flex flex-col gap-3">
          <Field
            label={t('User')}
            name="user"
            autoComplete="username"
            defaultValue={again}
            required
            autoFocus={again === undefined}
          />
          <Field
            label={t('Password')}
            name="password"
            type="password"
            autoComplete="current-password"
            required
            autoFocus={again !== undefined}
          />
          <Button type="submit" look="primary" className="mt-1 h-9" disabled={pending}>
            {pending ? t('Signing in…') : t('Sign in')}
          </Button>
        </form>
      )}
      <Providers methods={methods} elsewhere={again !== undefined} />
    </>
  );
}

/** Sign-ins that lead to somebody else's page. */
function Providers({
  methods,
  elsewhere,
}: {
  readonly methods: Methods;
  /** In a tab of its own: this one has something to keep. */
  readonly elsewhere: boolean;
}): ReactElement {
  const all = (['kerberos', 'oidc', 'saml'] as const).flatMap((kind) =>
    methods[kind].map((one) => ({ kind, ...one })),
  );
  return (
    <>
      {all.map(({ kind, name, title }) => (
        <a
          key={`${kind} ${name}`}
          className={`${buttonStyle()} mt-3 !h-9 w-full`}
          {...(elsewhere ? { target: '_blank', rel: 'noreferrer' } : {})}
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
      ask('POST /sign-in/first', { body }),
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
