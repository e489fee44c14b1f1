import { startRegistration } from '@simplewebauthn/browser';
import { useMutation, useQuery } from '@tanstack/react-query';
import { KeyRound, Smartphone } from 'lucide-react';
import { type FormEvent, type ReactElement, useEffect, useRef, useState } from 'react';
import { encode } from 'uqr';
import { ask } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { CopyButton } from '../element/copy-button.tsx';
import { Field } from '../element/field.tsx';
import { Pending, Problem, Waiting } from '../element/notice.tsx';
import { serverText } from '../language/server-text.ts';
import { t } from '../language/translate.ts';
import { browserProblem } from './browser-problem.ts';
import { type AddedFactor, ownFactors } from './own-factors.ts';
import { CodesElsewhere, RecoveryCodes } from './recovery-codes.tsx';

export type FactorKind = 'app' | 'passkey';

/** Sets a second factor up, from the choice to the recovery codes. */
export function FactorSetup({
  password: known,
  kind: wanted,
  onDone,
}: {
  /** If it was typed just before; otherwise it is asked for. */
  readonly password: string | undefined;
  /** If it is decided already. */
  readonly kind?: FactorKind;
  readonly onDone: () => void;
}): ReactElement {
  const [kind, setKind] = useState(wanted);
  const [password, setPassword] = useState(known);
  const [added, setAdded] = useState<AddedFactor>({});
  const isAdded = (given: AddedFactor): void => {
    if (given.codes === undefined && given.codesElsewhere !== true) onDone();
    else setAdded(given);
  };
  if (added.codes !== undefined) return <RecoveryCodes codes={added.codes} onKept={onDone} />;
  if (added.codesElsewhere === true) return <CodesElsewhere onRead={onDone} />;
  if (kind === undefined) return <Kinds onChosen={setKind} />;
  if (password === undefined) return <PasswordAgain onGiven={setPassword} />;
  const again = (): void => setPassword(undefined);
  return (
    <div className="flex flex-col gap-3">
      {kind === 'app' ? (
        <AppSetup password={password} onAdded={isAdded} />
      ) : (
        <PasskeySetup password={password} onAdded={isAdded} />
      )}
      {known === undefined && (
        <Button look="quiet" onClick={again}>
          {t('Type the password again')}
        </Button>
      )}
    </div>
  );
}

function Kinds({ onChosen }: { readonly onChosen: (kind: FactorKind) => void }): ReactElement {
  const { data, error } = useQuery(ownFactors);
  return (
    <div className="flex flex-col gap-3">
      <p>{t('Your role needs more than a password. Choose what you will also sign in with.')}</p>
      <Pending answer={data} error={error} />
      {data !== undefined && (
        <>
          <Button className="!h-9" onClick={() => onChosen('app')}>
            <Smartphone size={15} aria-hidden="true" /> {t('Authenticator app')}
          </Button>
          {data.obstacle === undefined && (
            <Button className="!h-9" onClick={() => onChosen('passkey')}>
              <KeyRound size={15} aria-hidden="true" /> {t('Passkey')}
            </Button>
          )}
          {data.obstacle !== undefined && (
            <p className="text-xs text-ink-2">
              {t('No passkey can be made here: {why}', { why: serverText(data.obstacle) })}
            </p>
          )}
        </>
      )}
    </div>
  );
}

/** An open session that somebody left changes nothing without the password. */
export function PasswordAgain({
  onGiven,
}: {
  readonly onGiven: (password: string) => void;
}): ReactElement {
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    onGiven(new FormData(event.currentTarget).get('password') as string);
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-3">
      <Field
        label={t('Your password')}
        name="password"
        type="password"
        autoComplete="current-password"
        required
        autoFocus
      />
      <Button type="submit" look="primary" className="!h-9">
        {t('Continue ## a form')}
      </Button>
    </form>
  );
}

/** Sets an authenticator app up: a QR code, and the first code of the app as proof. */
function AppSetup({
  password,
  onAdded,
}: {
  readonly password: string;
  readonly onAdded: (added: AddedFactor) => void;
}): ReactElement {
  const start = useMutation({
    mutationFn: () => ask('POST /me/second-factor/totp', { body: { password } }),
  });
  const { mutate: begin } = start;
  const begun = useRef(false);
  useEffect(() => {
    // once, although React mounts twice while developing
    if (!begun.current) begin();
    begun.current = true;
  }, [begin]);
  const confirm = useMutation({
    mutationFn: (body: { readonly ticket: string; readonly code: string }) =>
      ask('POST /me/second-factor/totp/confirm', { body }),
    onSuccess: onAdded,
  });
  if (start.isError) return <Problem error={start.error} />;
  if (start.data === undefined) return <Waiting />;
  const { secret, uri, ticket } = start.data;
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const code = new FormData(event.currentTarget).get('code') as string;
    confirm.mutate({ ticket, code });
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-3">
      <p>
        {t(
          'Scan this with an authenticator app, such as the one your phone already has, or type the key. Then enter the code that the app shows.',
        )}
      </p>
      <div className="flex flex-wrap items-start gap-4">
        <QrCode text={uri} label={t('QR code with the key')} />
        <div className="flex min-w-44 flex-1 flex-col gap-3">
          <div className="text-xs">
            <div className="font-medium text-ink-2">{t('Key')}</div>
            <span className="font-mono break-all" translate="no">
              {secret.replaceAll(/(.{4})(?=.)/g, '$1 ')}
            </span>{' '}
            <CopyButton text={secret} label={t('Copy the key')} />
          </div>
          <Field
            label={t('Code of the app')}
            name="code"
            inputMode="numeric"
            autoComplete="one-time-code"
            pattern="\s*\d{3}\s?\d{3}\s*"
            maxLength={10}
            required
            autoFocus
          />
        </div>
      </div>
      {confirm.isError && <Problem error={confirm.error} />}
      <Button type="submit" look="primary" className="!h-9" disabled={confirm.isPending}>
        {t('Use this app')}
      </Button>
    </form>
  );
}

/** Light modules around a code: scanners need them to find it. */
const BORDER = 2;

/** A QR code, drawn here: what it says is a secret. Dark on white in either theme, as scanners expect. */
function QrCode({ text, label }: { readonly text: string; readonly label: string }): ReactElement {
  const { data, size } = encode(text, { border: BORDER });
  const path = data
    .flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : '')))
    .join('');
  return (
    <svg
      role="img"
      aria-label={label}
      viewBox={`0 0 ${size} ${size}`}
      shapeRendering="crispEdges"
      className="size-48 shrink-0 rounded-lg border border-line bg-white"
    >
      <path d={path} fill="#000" />
    </svg>
  );
}

type Options = Parameters<typeof startRegistration>[0]['optionsJSON'];

/** Makes a passkey: on this device, a phone or a security key. */
function PasskeySetup({
  password,
  onAdded,
}: {
  readonly password: string;
  readonly onAdded: (added: AddedFactor) => void;
}): ReactElement {
  const make = useMutation({
    mutationFn: async (label: string) => {
      const { options, ticket } = await ask('POST /me/second-factor/passkey', {
        body: { password },
      });
      const response = await startRegistration({ optionsJSON: options as Options }).catch(
        browserProblem,
      );
      return ask('POST /me/second-factor/passkey/confirm', { body: { ticket, label, response } });
    },
    onSuccess: onAdded,
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    make.mutate((new FormData(event.currentTarget).get('label') as string).trim());
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-3">
      <p>
        {t(
          'A passkey is kept by this device, your phone or a security key. It works only for this console, so nobody can trick you into giving it away.',
        )}
      </p>
      <Field
        label={t('Name of the passkey')}
        name="label"
        defaultValue={t('This device')}
        hint={t('by which you recognise it in the list')}
        maxLength={100}
        pattern=".*\S.*"
        required
        autoFocus
      />
      {make.isError && <Problem error={make.error} />}
      <Button type="submit" look="primary" className="!h-9" disabled={make.isPending}>
        {make.isPending ? t('Waiting for the device…') : t('Make the passkey')}
      </Button>
    </form>
  );
}
