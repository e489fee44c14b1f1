import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Trash2, Users } from 'lucide-react';
import { type FormEvent, type ReactElement, useState } from 'react';
import { ask } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { ConfirmedButton } from '../element/confirmed-button.tsx';
import { Field } from '../element/field.tsx';
import { Modal } from '../element/modal.tsx';
import { Pending, Problem } from '../element/notice.tsx';
import { t } from '../language/translate.ts';
import { me } from '../shell/me.ts';
import { keptCriteria, type SearchState, stateOf } from './search-state.ts';

const saved = queryOptions({
  queryKey: ['saved-searches'],
  queryFn: ({ signal }) => ask('GET /saved-searches', { signal }),
});

/** Saved searches, one's own and those shared by others, and saving the current one. */
export function SavedSearches({
  state,
  onClose,
}: {
  readonly state: SearchState;
  readonly onClose: () => void;
}): ReactElement {
  const client = useQueryClient();
  const { data, error } = useQuery(saved);
  const { data: person } = useQuery(me);
  const [shared, setShared] = useState(false);
  const again = () => client.invalidateQueries({ queryKey: saved.queryKey });
  const keep = useMutation({
    mutationFn: (name: string) =>
      ask('POST /saved-searches', { body: { name, shared, criteria: keptCriteria(state) } }),
    onSuccess: again,
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = event.currentTarget;
    keep.mutate((new FormData(form).get('name') as string).trim(), {
      onSuccess: () => form.reset(),
    });
  };
  return (
    <Modal title={t('Saved searches')} onClose={onClose}>
      <Pending answer={data} error={error} />
      {data?.searches.length === 0 && (
        <p className="mb-4 text-ink-2">
          {t('None yet. Set the filters, then save them under a name.')}
        </p>
      )}
      <ul className="mb-4 flex flex-col">
        {data?.searches.map(({ id, name, owner, shared: isShared, criteria }) => (
          <li key={id} className="flex items-center gap-2 rounded-md hover:bg-hover">
            <Link
              to="/messages"
              search={stateOf(criteria)}
              onClick={onClose}
              className="min-w-0 flex-1 truncate px-2 py-1.5 font-medium text-accent"
            >
              {name}
            </Link>
            {isShared && (
              <span className="inline-flex shrink-0 items-center gap-1 text-xs text-ink-2">
                <Users size={13} aria-hidden="true" />
                {owner === person?.name ? t('shared') : t('by {name}', { name: owner })}
              </span>
            )}
            {(owner === person?.name || person?.name === '') && (
              <ConfirmedButton
                look="quiet"
                aria-label={t('Delete the search {name}', { name })}
                asks={{
                  title: t('Delete the search {name}', { name }),
                  children: isShared
                    ? t('It is gone for everybody who uses it.')
                    : t('Its filters are gone.'),
                  act: t('Delete'),
                  order: () => ask('DELETE /saved-searches/{id}', { path: { id } }),
                  onDone: again,
                }}
              >
                <Trash2 size={13} aria-hidden="true" />
              </ConfirmedButton>
            )}
          </li>
        ))}
      </ul>
      <form onSubmit={submit} className="flex flex-col gap-3 border-t border-line pt-4">
        <Field
          label={t('Save the current search as')}
          name="name"
          required
          maxLength={100}
          autoComplete="off"
          hint={t('a search of the same name is replaced')}
        />
        <label className="flex cursor-pointer items-center gap-2 text-xs">
          <input
            type="checkbox"
            className="size-4 accent-accent"
            checked={shared}
            onChange={({ target }) => setShared(target.checked)}
          />
          {t('Others may use it as well')}
        </label>
        {keep.isError && <Problem error={keep.error} />}
        <Button type="submit" look="primary" disabled={keep.isPending}>
          {t('Keep')}
        </Button>
      </form>
    </Modal>
  );
}
