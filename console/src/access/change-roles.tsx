import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useState } from 'react';
import { ask } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { Checkboxes } from '../element/checkboxes.tsx';
import { Field } from '../element/field.tsx';
import { Problem } from '../element/notice.tsx';
import { Panel } from '../element/page.tsx';
import { t } from '../language/translate.ts';
import type { Rights } from './rights-page.tsx';

/** Gives a local user other roles or another scope. They have to sign in again. */
export function ChangeRoles({
  rights: { name, roles: before, scope },
}: {
  readonly rights: Rights;
}): ReactElement {
  const client = useQueryClient();
  const { data } = useQuery({
    queryKey: ['roles'],
    queryFn: ({ signal }) =>
      ask<{ readonly roles: Readonly<Record<string, readonly string[]>> }>('roles', { signal }),
  });
  const [roles, setRoles] = useState(before);
  const change = useMutation({
    mutationFn: (seen: readonly string[]) =>
      ask(`users/${encodeURIComponent(name)}/roles`, {
        method: 'PUT',
        body: { roles, scope: seen },
      }),
    onSettled: () => client.invalidateQueries({ queryKey: ['users'] }),
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const text = new FormData(event.currentTarget).get('scope') as string;
    change.mutate(text.split(/[\s,]+/).filter((one) => one !== ''));
  };
  // a role that is gone from console.yaml can be taken away
  const all = [...new Set([...Object.keys(data?.roles ?? {}), ...before])];
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
        <Button type="submit" look="primary" disabled={change.isPending || roles.length === 0}>
          {t('Change ## rights')}
        </Button>
      </form>
    </Panel>
  );
}
