import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { Plus } from 'lucide-react';
import { type FormEvent, type ReactElement, useState } from 'react';
import { ask, type Body } from '../api/client.ts';
import { serverNow } from '../clock/server-clock.ts';
import { Button } from '../element/button.tsx';
import { Checkboxes } from '../element/checkboxes.tsx';
import { ConfirmedButton } from '../element/confirmed-button.tsx';
import { CopyButton } from '../element/copy-button.tsx';
import { Field } from '../element/field.tsx';
import { ListTable } from '../element/list-table.tsx';
import { Modal } from '../element/modal.tsx';
import { Nothing, Pending, Problem, ShownOnce } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { day } from '../element/time-text.ts';
import { When } from '../element/when.tsx';
import { rich, t } from '../language/translate.ts';
import { me, useMay } from '../shell/me.ts';

/** Tokens for programs: whose rights they have, until when, and when they were last used. */
export function TokenPage(): ReactElement {
  const client = useQueryClient();
  const { data, error } = useQuery({
    queryKey: ['tokens'],
    queryFn: ({ signal }) => ask('GET /tokens', { signal }),
  });
  const [adding, setAdding] = useState(false);
  const [made, setMade] = useState<string | undefined>(undefined);
  const ended = useSearch({ from: '/tokens' }).expired !== undefined;
  const navigate = useNavigate();
  const again = () => client.invalidateQueries({ queryKey: ['tokens'] });
  const now = serverNow();
  const shown = data?.tokens.filter(({ revoked, expires }) => ended || (!revoked && expires > now));
  return (
    <Page
      title={t('Tokens')}
      detail={t('for programs that use the API')}
      actions={
        <>
          <Button
            aria-pressed={ended}
            onClick={() => void navigate({ to: '/tokens', search: ended ? {} : { expired: '1' } })}
          >
            {ended ? t('Only valid ones') : t('Including expired ones')}
          </Button>
          <Button look="primary" onClick={() => setAdding(true)}>
            <Plus size={14} aria-hidden="true" /> {t('Make a token')}
          </Button>
        </>
      }
    >
      <Pending answer={data} error={error} />
      {made !== undefined && (
        <ShownOnce>
          {rich(
            '{token} {copy} It is not shown again. Programs send it as Authorization: Bearer.',
            {
              token: <code className="font-mono font-semibold break-all">{made}</code>,
              copy: <CopyButton text={made} label={t('Copy the token')} />,
            },
          )}
        </ShownOnce>
      )}
      {shown?.length === 0 && <Nothing>{t('No token is valid.')}</Nothing>}
      {shown !== undefined && shown.length > 0 && (
        <ListTable
          label={t('Tokens')}
          look="min-w-[48rem]"
          columns={[
            t('Token'),
            t('Acts as'),
            t('May'),
            t('Made ## of a token'),
            t('Valid until'),
            t('Used last'),
            t('Act'),
          ]}
        >
          {shown.map(({ id, label, user, permissions, created, expires, lastUsed, revoked }) => (
            <tr key={id} className="border-t border-line hover:bg-hover">
              <th scope="row" className="px-3 py-1.5 font-medium">
                {label}
              </th>
              <td className="px-3 py-1.5">{user}</td>
              <td className="px-3 py-1.5 text-xs text-ink-2" title={permissions?.join(', ')}>
                {permissions === undefined
                  ? t('everything {user} may do', { user })
                  : t('{count} {count|permission|permissions}', { count: permissions.length })}
              </td>
              <td className="px-3 py-1.5 text-xs">{day(created)}</td>
              <td className="px-3 py-1.5 text-xs">
                {revoked ? t('revoked') : expires < now ? t('expired') : day(expires)}
              </td>
              <td className="px-3 py-1.5 text-xs">
                {lastUsed === undefined ? t('never') : <When at={lastUsed} as="ago" />}
              </td>
              <td className="px-3 py-1.5">
                {!revoked && expires > now && (
                  <ConfirmedButton
                    look="danger"
                    aria-label={t('Revoke {label}', { label })}
                    asks={{
                      title: t('Revoke {label}', { label }),
                      children:
                        lastUsed === undefined
                          ? t('It was never used. It cannot be made valid again.')
                          : rich(
                              'It was last used {time}. A program that has it is refused from now on, and it cannot be made valid again: that program needs another one.',
                              { time: <When at={lastUsed} as="ago" /> },
                            ),
                      act: t('Revoke'),
                      order: () => ask('DELETE /tokens/{id}', { path: { id } }),
                      onDone: again,
                    }}
                  >
                    {t('Revoke')}
                  </ConfirmedButton>
                )}
              </td>
            </tr>
          ))}
        </ListTable>
      )}
      {adding && (
        <NewToken
          onClose={() => setAdding(false)}
          onMade={(token) => {
            setMade(token);
            setAdding(false);
            void again();
          }}
        />
      )}
    </Page>
  );
}

const DAYS = 90;

/** Makes a token for oneself or for a local user; it gets the chosen ones of its user's permissions. */
function NewToken({
  onClose,
  onMade,
}: {
  readonly onClose: () => void;
  readonly onMade: (token: string) => void;
}): ReactElement {
  const may = useMay();
  const { data: person } = useQuery(me);
  const own = person?.permissions ?? [];
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const make = useMutation({
    mutationFn: (body: Body<'POST /tokens'>) => ask('POST /tokens', { body }),
    onSuccess: ({ token }) => onMade(token),
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string): string => ((form.get(name) ?? '') as string).trim();
    make.mutate({
      label: text('label'),
      days: Number(text('days')),
      permissions: own.filter((one) => chosen.includes(one)),
      ...(text('user') === '' ? {} : { user: text('user') }),
    });
  };
  return (
    <Modal title={t('Make a token')} onClose={onClose}>
      <form onSubmit={submit} className="flex flex-col gap-3">
        <Field label={t('What for')} name="label" required maxLength={100} autoComplete="off" />
        <div className="grid grid-cols-2 gap-3">
          <Field
            label={t('Valid, days')}
            name="days"
            type="number"
            min={1}
            max={3_650}
            required
            defaultValue={DAYS}
          />
          {may('user.manage') && (
            <Field
              label={t('Acts as')}
              name="user"
              placeholder={person?.name}
              autoComplete="off"
              hint={t('a local user')}
            />
          )}
        </div>
        <Checkboxes
          legend={t('Permissions, out of those of its user')}
          options={own.map((permission) => [permission, permission])}
          chosen={chosen}
          onChange={setChosen}
          verbatim
        />
        {make.isError && <Problem error={make.error} />}
        <Button type="submit" look="primary" disabled={make.isPending || chosen.length === 0}>
          {t('Make it')}
        </Button>
      </form>
    </Modal>
  );
}
