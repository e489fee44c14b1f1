import { useQuery } from '@tanstack/react-query';
import { KeyRound, Smartphone } from 'lucide-react';
import { type FormEvent, type ReactElement, useState } from 'react';
import { Button } from '../element/button.tsx';
import { Field } from '../element/field.tsx';
import { Pending } from '../element/notice.tsx';
import { serverText } from '../language/server-text.ts';
import { t } from '../language/translate.ts';
import { AppSetup } from './app-setup.tsx';
import { type AddedFactor, ownFactors } from './own-factors.ts';
import { PasskeySetup } from './passkey-setup.tsx';
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
