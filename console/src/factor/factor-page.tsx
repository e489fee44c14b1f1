import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Plus, Trash2 } from 'lucide-react';
import { type ReactElement, type ReactNode, useState } from 'react';
import { ask } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { Modal } from '../element/modal.tsx';
import { Pending, Problem, Warning } from '../element/notice.tsx';
import { Page, Panel } from '../element/page.tsx';
import { When } from '../element/when.tsx';
import { serverText } from '../language/server-text.ts';
import { rich, t } from '../language/translate.ts';
import { type FactorKind, FactorSetup, PasswordAgain } from './factor-setup.tsx';
import { type OwnFactors, ownFactors } from './own-factors.ts';
import { RecoveryCodes } from './recovery-codes.tsx';

/** With few left it is time for new ones. */
const FEW = 3;

type Act =
  | { readonly add: FactorKind }
  | { readonly remove: string; readonly named: string }
  | 'codes';

/** What somebody signs in with besides the password. */
export function FactorPage(): ReactElement {
  const client = useQueryClient();
  const { data, error } = useQuery(ownFactors);
  const [act, setAct] = useState<Act | undefined>(undefined);
  const close = (): void => {
    setAct(undefined);
    void client.invalidateQueries({ queryKey: ['me'] });
  };
  return (
    <Page title={t('Second factor')} detail={t('what you sign in with besides your password')}>
      <Pending answer={data} error={error} />
      {data?.allowed === false && (
        <p className="text-ink-2">
          {t('You sign in through a provider: a second factor is set up there.')}
        </p>
      )}
      {data?.allowed === true && <Factors own={data} onAct={setAct} />}
      {act !== undefined && <ActDialog act={act} onClose={close} />}
    </Page>
  );
}

function Factors({
  own,
  onAct,
}: {
  readonly own: OwnFactors;
  readonly onAct: (act: Act) => void;
}): ReactElement {
  const { totp, passkeys, codesLeft, obstacle, required } = own;
  const hasAny = totp !== undefined || passkeys.length > 0;
  return (
    <div className="flex max-w-3xl flex-col gap-4">
      {!hasAny && (
        <p>
          {required
            ? t('Your role needs a second factor.')
            : t('Whoever learns your password can sign in as you. A second factor prevents that.')}
        </p>
      )}
      {hasAny && codesLeft <= FEW && (
        <Warning>
          {t(
            '{count} {count|recovery code is|recovery codes are} left. Make new ones before you need them.',
            { count: codesLeft },
          )}
        </Warning>
      )}
      <Panel
        title={t('Authenticator app')}
        actions={
          <Button onClick={() => onAct({ add: 'app' })}>
            <Plus size={13} aria-hidden="true" />
            {totp === undefined ? t('Set up an app') : t('Set up another app instead')}
          </Button>
        }
      >
        {totp === undefined ? (
          <p className="text-ink-2">{t('None is set up.')}</p>
        ) : (
          <Kept
            {...totp}
            name={t('Authenticator app')}
            onRemove={() => onAct({ remove: 'totp', named: t('Authenticator app') })}
          />
        )}
      </Panel>
      <Panel
        title={t('Passkeys')}
        actions={
          obstacle === undefined && (
            <Button onClick={() => onAct({ add: 'passkey' })}>
              <Plus size={13} aria-hidden="true" /> {t('Add a passkey')}
            </Button>
          )
        }
      >
        {obstacle !== undefined && (
          <p className="text-ink-2">
            {t('No passkey can be made here: {why}', { why: serverText(obstacle) })}
          </p>
        )}
        {obstacle === undefined && passkeys.length === 0 && (
          <p className="text-ink-2">{t('None is set up.')}</p>
        )}
        <ul className="flex flex-col divide-y divide-line">
          {passkeys.map(({ id, label, site, created, lastUsed }) => (
            <li key={id} className="py-1.5 first:pt-0 last:pb-0">
              <Kept
                created={created}
                lastUsed={lastUsed}
                name={label}
                detail={site === location.hostname ? undefined : t('for {site}', { site })}
                onRemove={() => onAct({ remove: id, named: label })}
              />
            </li>
          ))}
        </ul>
      </Panel>
      {hasAny && (
        <Panel
          title={t('Recovery codes')}
          actions={<Button onClick={() => onAct('codes')}>{t('Make new ones')}</Button>}
        >
          <p>
            {t('{count} of them {count|is|are} left, for when the device is not at hand.', {
              count: codesLeft,
            })}
          </p>
        </Panel>
      )}
    </div>
  );
}

function Kept({
  name,
  created,
  lastUsed,
  detail,
  onRemove,
}: {
  readonly name: string;
  readonly created: number;
  readonly lastUsed?: number | undefined;
  readonly detail?: ReactNode;
  readonly onRemove: () => void;
}): ReactElement {
  return (
    <div className="flex items-center gap-3">
      <div className="min-w-0">
        <div className="font-medium break-words">
          {name} {detail !== undefined && <span className="font-normal text-warn">{detail}</span>}
        </div>
        <div className="text-xs text-ink-2">
          {rich('since {time}', { time: <When at={created} as="ago" /> })} ·{' '}
          {lastUsed === undefined
            ? t('never used')
            : rich('last used {time}', { time: <When at={lastUsed} as="ago" /> })}
        </div>
      </div>
      <Button
        look="danger"
        className="ml-auto"
        aria-label={t('Remove {name}', { name })}
        onClick={onRemove}
      >
        <Trash2 size={13} aria-hidden="true" />
      </Button>
    </div>
  );
}

function ActDialog({
  act,
  onClose,
}: {
  readonly act: Act;
  readonly onClose: () => void;
}): ReactElement {
  if (act === 'codes') {
    return (
      <Modal title={t('New recovery codes')} onClose={onClose}>
        <NewCodes onClose={onClose} />
      </Modal>
    );
  }
  if ('add' in act) {
    const title = act.add === 'app' ? t('Set up an app') : t('Add a passkey');
    return (
      <Modal title={title} onClose={onClose}>
        <FactorSetup password={undefined} kind={act.add} onDone={onClose} />
      </Modal>
    );
  }
  return (
    <Modal title={t('Remove {name}', { name: act.named })} onClose={onClose}>
      <Removal which={act.remove} onClose={onClose} />
    </Modal>
  );
}

function NewCodes({ onClose }: { readonly onClose: () => void }): ReactElement {
  const make = useMutation({
    mutationFn: (password: string) =>
      ask('POST /me/second-factor/recovery-codes', { body: { password } }),
  });
  if (make.data !== undefined) return <RecoveryCodes codes={make.data.codes} onKept={onClose} />;
  return (
    <div className="flex flex-col gap-3">
      <p>{t('The codes that you have now are void as soon as there are new ones.')}</p>
      {make.isError && <Problem error={make.error} />}
      <PasswordAgain onGiven={(password) => make.mutate(password)} />
    </div>
  );
}

function Removal({
  which,
  onClose,
}: {
  readonly which: string;
  readonly onClose: () => void;
}): ReactElement {
  const remove = useMutation({
    mutationFn: (password: string) =>
      ask('POST /me/second-factor/remove', { body: { password, which } }),
    onSuccess: onClose,
  });
  return (
    <div className="flex flex-col gap-3">
      <p>
        {t(
          'You cannot sign in with it any more. Your other sessions and all your tokens end, in case somebody else has the device.',
        )}
      </p>
      {remove.isError && <Problem error={remove.error} />}
      <PasswordAgain onGiven={(password) => remove.mutate(password)} />
    </div>
  );
}
