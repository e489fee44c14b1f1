import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { KeyRound, Plus, ShieldOff, Trash2 } from 'lucide-react';
import { type FormEvent, type ReactElement, useState } from 'react';
import { AccessLinks } from '../access/access-links.tsx';
import { ask, type Result } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { Confirm, ConfirmedButton } from '../element/confirmed-button.tsx';
import { CopyButton } from '../element/copy-button.tsx';
import { Choice, Field } from '../element/field.tsx';
import { ListTable } from '../element/list-table.tsx';
import { Modal } from '../element/modal.tsx';
import { Pending, Problem, ShownOnce } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { day } from '../element/time-text.ts';
import { When } from '../element/when.tsx';
import { rich, t } from '../language/translate.ts';

type User = Result<'GET /users'>['users'][number];

interface OneTime {
  readonly name: string;
  readonly password: string;
}

/** Local users: who may sign in, with which roles, and the passwords for their first sign-in. */
export function UserPage(): ReactElement {
  const client = useQueryClient();
  const { data, error } = useQuery({
    queryKey: ['users'],
    queryFn: ({ signal }) => ask('GET /users', { signal }),
  });
  const [adding, setAdding] = useState(false);
  const [given, setGiven] = useState<OneTime | undefined>(undefined);
  const again = () => client.invalidateQueries({ queryKey: ['users'] });
  const [resetting, setResetting] = useState<string | undefined>(undefined);
  const [removing, setRemoving] = useState<string | undefined>(undefined);
  return (
    <Page
      title={t('Users')}
      detail={t('local users; those who sign in through a provider are listed at the provider')}
      actions={
        <>
          <AccessLinks />
          <Button look="primary" onClick={() => setAdding(true)}>
            <Plus size={14} aria-hidden="true" /> {t('Add a user')}
          </Button>
        </>
      }
    >
      <Pending answer={data} error={error} />
      {given !== undefined && (
        <ShownOnce>
          {rich('{name} signs in once with {password}', {
            name: given.name,
            password: <code className="font-mono font-semibold">{given.password}</code>,
          })}{' '}
          <CopyButton text={given.password} label={t('Copy the password')} />{' '}
          {t('It is not shown again.')}
        </ShownOnce>
      )}
      {data !== undefined && (
        <ListTable
          label={t('Users')}
          look="min-w-[44rem]"
          columns={[t('User'), t('Roles'), t('May see'), t('Last sign-in'), t('Since'), t('Acts')]}
        >
          {data.users.map((user) => (
            <UserRow
              key={user.name}
              user={user}
              onPassword={(one) => {
                setGiven(one);
                void again();
              }}
              onReset={() => setResetting(user.name)}
              onRemove={() => setRemoving(user.name)}
            />
          ))}
        </ListTable>
      )}
      {adding && (
        <NewUser
          onClose={() => setAdding(false)}
          onAdded={(one) => {
            setGiven(one);
            setAdding(false);
            void again();
          }}
        />
      )}
      {resetting !== undefined && (
        <ResetFactor
          name={resetting}
          onClose={() => {
            setResetting(undefined);
            void again();
          }}
        />
      )}
      {removing !== undefined && (
        <Removal
          name={removing}
          onClose={() => {
            setRemoving(undefined);
            void again();
          }}
        />
      )}
    </Page>
  );
}

function UserRow({
  user: { name, roles, scope, lastSignIn, created, mustChange, breakGlass, expires, secondFactor },
  onPassword,
  onReset,
  onRemove,
}: {
  readonly user: User;
  readonly onPassword: (given: OneTime) => void;
  readonly onReset: () => void;
  readonly onRemove: () => void;
}): ReactElement {
  return (
    <tr className="border-t border-line hover:bg-hover">
      <th scope="row" className="px-3 py-1.5 font-medium">
        <Link to="/users/$name" params={{ name }} className="text-accent hover:underline">
          {name}
        </Link>
        {breakGlass && <span className="ml-2 text-xs text-warn">{t('for emergencies')}</span>}
        {secondFactor.length > 0 && (
          <span className="ml-2 text-xs font-normal text-ink-2">
            {secondFactor
              .map((kind) => (kind === 'totp' ? t('with an app') : t('with a passkey')))
              .join(', ')}
          </span>
        )}
        {mustChange && (
          <span className="ml-2 text-xs font-normal text-ink-2">
            {t('has not chosen a password')}
          </span>
        )}
      </th>
      <td className="px-3 py-1.5 text-xs">{roles.join(', ')}</td>
      <td className="px-3 py-1.5 text-xs text-ink-2" data-name={t('May see')}>
        {scope.includes('*') ? t('everything') : scope.join(', ')}
      </td>
      <td className="px-3 py-1.5 text-xs" data-name={t('Last sign-in')}>
        {lastSignIn === undefined ? t('never') : <When at={lastSignIn} as="ago" />}
      </td>
      <td className="px-3 py-1.5 text-xs text-ink-2" data-name={t('Since')}>
        {expires === undefined
          ? day(created)
          : t('{since}, until {until}', { since: day(created), until: day(expires) })}
      </td>
      <td className="px-3 py-1.5">
        <span className="flex gap-2">
          <ConfirmedButton
            asks={{
              title: t('New password for {name}', { name }),
              children: t(
                'The password that {name} has now is void at once, {name} is signed out everywhere, and programs with a token of theirs are refused from then on. The new one is shown here once, for you to pass on.',
                { name },
              ),
              act: t('Make a new password'),
              order: async (): Promise<OneTime> => ({
                name,
                ...(await ask('POST /users/{name}/password', { path: { name } })),
              }),
              onDone: onPassword,
            }}
          >
            <KeyRound size={13} aria-hidden="true" /> {t('New password')}
          </ConfirmedButton>
          {secondFactor.length > 0 && (
            <Button
              aria-label={t('Reset the second factor of {name}', { name })}
              title={t('Reset the second factor of {name}', { name })}
              onClick={onReset}
            >
              <ShieldOff size={13} aria-hidden="true" />
            </Button>
          )}
          <Button look="danger" aria-label={t('Remove {name}', { name })} onClick={onRemove}>
            <Trash2 size={13} aria-hidden="true" />
          </Button>
        </span>
      </td>
    </tr>
  );
}

function NewUser({
  onClose,
  onAdded,
}: {
  readonly onClose: () => void;
  readonly onAdded: (one: OneTime) => void;
}): ReactElement {
  const { data } = useQuery({
    queryKey: ['roles'],
    queryFn: ({ signal }) => ask('GET /roles', { signal }),
  });
  const [role, setRole] = useState('');
  const roles = Object.keys(data?.roles ?? {});
  const chosen = role === '' ? (roles[0] ?? '') : role;
  const add = useMutation({
    mutationFn: async (name: string): Promise<OneTime> => ({
      name,
      ...(await ask('POST /users', { body: { name, roles: [chosen] } })),
    }),
    onSuccess: onAdded,
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    add.mutate((new FormData(event.currentTarget).get('name') as string).trim());
  };
  return (
    <Modal title={t('Add a user')} onClose={onClose}>
      <form onSubmit={submit} className="flex flex-col gap-3">
        <Field label={t('Name')} name="name" required autoFocus autoComplete="off" />
        <Choice label={t('Role')} value={chosen} onChange={({ target }) => setRole(target.value)}>
          {roles.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </Choice>
        <p className="text-xs text-ink-2">
          {t('May: {acts}', { acts: data?.roles[chosen]?.join(', ') ?? '' })}
        </p>
        {add.isError && <Problem error={add.error} />}
        <Button type="submit" look="primary" disabled={add.isPending || chosen === ''}>
          {t('Add ## a user')}
        </Button>
      </form>
    </Modal>
  );
}

function Removal({
  name,
  onClose,
}: {
  readonly name: string;
  readonly onClose: () => void;
}): ReactElement {
  return (
    <Confirm
      title={t('Remove {name}', { name })}
      act={t('Remove')}
      order={() => ask('DELETE /users/{name}', { path: { name } })}
      onClose={onClose}
    >
      {t(
        '{name} is signed out everywhere and can no longer sign in. What {name} did stays in the audit log.',
        { name },
      )}
    </Confirm>
  );
}

/** Removes somebody's second factors, for when the device is lost. */
function ResetFactor({
  name,
  onClose,
}: {
  readonly name: string;
  readonly onClose: () => void;
}): ReactElement {
  return (
    <Confirm
      title={t('Reset the second factor of {name}', { name })}
      act={t('Reset')}
      order={() => ask('DELETE /users/{name}/second-factor', { path: { name } })}
      onClose={onClose}
    >
      {t(
        'App, passkeys and recovery codes of {name} are removed, and {name} is signed out everywhere, also programs with a token of theirs. Until another one is set up, the password alone is enough: make sure that it is {name} who asks.',
        { name },
      )}
    </Confirm>
  );
}
