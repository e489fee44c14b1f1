import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useState } from 'react';
import { ask } from '../api/client.ts';
import { Button } from '../element/button.tsx';
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
        <fieldset className="grid grid-cols-2 gap-x-4 gap-y-1">
          <legend className="mb-1 text-xs font-medium text-ink-2">{t('Roles')}</legend>
          {all.map((role) => (
            <label key={role} className="flex min-h-7 cursor-pointer items-center gap-2 text-xs">
              <input
                type="checkbox"
                className="size-4 accent-accent"
                checked={roles.includes(role)}
                onChange={() =>
                  setRoles(
                    roles.includes(role) ? roles.filter((one) => one !== role) : [...roles, role],
                  )
                }
              />
              {role}
            </label>
          ))}
        </fieldset>
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
