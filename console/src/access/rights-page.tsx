import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { type FormEvent, type ReactElement, useState } from 'react';
import { ApiProblem, ask, type Result } from '../api/client.ts';
import { Button, buttonStyle } from '../element/button.tsx';
import { Checkboxes } from '../element/checkboxes.tsx';
import { Field } from '../element/field.tsx';
import { Pending, Problem } from '../element/notice.tsx';
import { Page, Panel } from '../element/page.tsx';
import { t } from '../language/translate.ts';

/** What somebody may do, according to the API. */
export type Rights = Result<'GET /users/{name}/rights'>;

/** What one person may actually do, through which role, and for which hosts. */
export function RightsPage(): ReactElement {
  const { name } = useParams({ from: '/users/$name' });
  const { data, error } = useQuery({
    queryKey: ['users', name, 'rights'],
    queryFn: ({ signal }) => ask('GET /users/{name}/rights', { path: { name }, signal }),
  });
  return (
    <Page
      title={t('Rights of {name}', { name })}
      detail={
        data !== undefined &&
        (data.via === 'local'
          ? t('a local user')
          : t('from outside, last signed in by {way}', { way: data.via }))
      }
      actions={
        <Link to="/audit" search={{ actor: name }} className={buttonStyle()}>
          {t('What {name} did', { name })}
        </Link>
      }
    >
      <Pending answer={data} error={error} />
      {data !== undefined && (
        <div className="grid items-start gap-4 lg:grid-cols-2">
          <Panel title={t('May')}>
            <dl className="grid grid-cols-[14rem_minmax(0,1fr)] gap-y-1 text-xs max-sm:grid-cols-1">
              {Object.entries(data.permissions).map(([permission, roles]) => (
                <div key={permission} className="contents">
                  <dt className="font-mono">{permission}</dt>
                  <dd className="text-ink-2">{t('as {roles}', { roles: roles.join(', ') })}</dd>
                </div>
              ))}
            </dl>
            {Object.keys(data.permissions).length === 0 && (
              <p className="text-ink-2">{t('nothing at all')}</p>
            )}
          </Panel>
          <div className="flex min-w-0 flex-col gap-4">
            {data.via === 'local' && (
              <ChangeRoles key={JSON.stringify([data.roles, data.scope])} rights={data} />
            )}
            <Panel title={t('Sees')}>
              <p className="font-mono text-xs break-words">{data.scope.join(', ')}</p>
              <p className="mt-1 text-xs text-ink-2">
                {data.visibleHosts === undefined
                  ? t('every host')
                  : t('{count} {count|host|hosts}: {hosts}', {
                      count: data.visibleHosts.length,
                      hosts: data.visibleHosts.join(', '),
                    })}
              </p>
            </Panel>
            <Panel title={t('May not')}>
              <p className="font-mono text-xs break-words text-ink-2">
                {data.missing.length === 0 ? '–' : data.missing.join(', ')}
              </p>
            </Panel>
          </div>
        </div>
      )}
    </Page>
  );
}

const CONFLICT = 409;

/** Changes the roles or scope of a local user, who then has to sign in again. */
function ChangeRoles({
  rights: { name, roles: before, scope },
}: {
  readonly rights: Rights;
}): ReactElement {
  const client = useQueryClient();
  const { data } = useQuery({
    queryKey: ['roles'],
    queryFn: ({ signal }) => ask('GET /roles', { signal }),
  });
  const everywhere = before.filter((one) => !one.includes('@'));
  const [roles, setRoles] = useState<readonly string[]>(everywhere);
  const [saw] = useState({ roles: before, scope });
  const change = useMutation({
    mutationFn: (body: { readonly roles: readonly string[]; readonly scope: readonly string[] }) =>
      ask('PUT /users/{name}/roles', { path: { name }, body: { ...body, saw } }),
    // what somebody else has made of it meanwhile comes with the next look, and what is typed stays until then
    onSettled: (_, error) =>
      error instanceof ApiProblem && error.status === CONFLICT
        ? undefined
        : client.invalidateQueries({ queryKey: ['users'] }),
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const words = (field: string): string[] =>
      (form.get(field) as string).split(/[\s,]+/).filter((one) => one !== '');
    change.mutate({ roles: [...roles, ...words('there')], scope: words('scope') });
  };
  // a role that is no longer in console.yaml can be removed
  const all = [...new Set([...Object.keys(data?.roles ?? {}), ...everywhere])];
  return (
    <Panel title={t('Roles and scope')}>
      <form onSubmit={submit} className="flex flex-col gap-3">
        <Checkboxes
          legend={t('Roles')}
          options={all.map((role) => [role, role])}
          chosen={roles}
          onChange={setRoles}
          verbatim
        />
        <Field
          label={t('Roles in one production only')}
          name="there"
          defaultValue={before.filter((one) => one.includes('@')).join(', ')}
          spellCheck={false}
          hint={t('engineer@lab, with commas between')}
        />
        <Field
          label={t('Scope')}
          name="scope"
          required
          defaultValue={scope.join(', ')}
          spellCheck={false}
          hint={t('* for everything, or host:adt-* and tag:clinical, with commas between')}
        />
        {change.isError && <Problem error={change.error} />}
        {change.isSuccess && (
          <p role="status" className="text-good">
            {t('Changed; {name} has to sign in again.', { name })}
          </p>
        )}
        <Button type="submit" look="primary" disabled={change.isPending}>
          {t('Change ## rights')}
        </Button>
      </form>
    </Panel>
  );
}
