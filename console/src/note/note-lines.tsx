import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Pencil, Trash2 } from 'lucide-react';
import { type FormEvent, type ReactElement, useState } from 'react';
import type { Note } from '../../../src/api/contract/note.ts';
import { ask } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { ConfirmedButton } from '../element/confirmed-button.tsx';
import { Problem } from '../element/notice.tsx';
import { When } from '../element/when.tsx';
import { rich, t } from '../language/translate.ts';
import { useMay } from '../shell/me.ts';

/** Notes, newest first, with what their writers may do. */
export function NoteLines({
  notes,
  label,
  named = false,
}: {
  readonly notes: readonly Note[];
  readonly label: string;
  /** Whether each says what it is about. */
  readonly named?: boolean;
}): ReactElement {
  return (
    <ul aria-label={label} className="flex flex-col divide-y divide-line">
      {notes.map((note) => (
        <Line key={note.id} note={note} named={named} />
      ))}
    </ul>
  );
}

function Line({ note, named }: { readonly note: Note; readonly named: boolean }): ReactElement {
  const { id, at, by, text, edited, own } = note;
  const may = useMay();
  const client = useQueryClient();
  const [editing, setEditing] = useState(false);
  const again = () => client.invalidateQueries({ queryKey: ['notes'] });
  const mayRemove = may('note.write') && (own || may('alert.manage'));
  return (
    <li className="flex items-start gap-2 py-1.5 first:pt-0 last:pb-0">
      <div className="min-w-0 flex-1">
        {editing ? (
          <Editing note={note} onClose={() => setEditing(false)} />
        ) : (
          <p className="break-words whitespace-pre-wrap">{text}</p>
        )}
        <p className="flex flex-wrap gap-x-2 text-xs text-ink-2">
          {named && <Subject note={note} />}
          <span translate="no">{by}</span>
          <When at={at} as="recent" />
          {edited !== undefined && (
            <span>{rich('changed {time}', { time: <When at={edited} as="recent" /> })}</span>
          )}
        </p>
      </div>
      {own && may('note.write') && !editing && (
        <Button look="quiet" aria-label={t('Change this note')} onClick={() => setEditing(true)}>
          <Pencil size={13} aria-hidden="true" />
        </Button>
      )}
      {mayRemove && !editing && (
        <ConfirmedButton
          look="quiet"
          aria-label={t('Remove this note')}
          asks={{
            title: t('Remove this note'),
            children: <q>{text}</q>,
            act: t('Remove ## a note'),
            order: () => ask('DELETE /notes/{id}', { path: { id } }),
            onDone: again,
          }}
        >
          <Trash2 size={13} aria-hidden="true" />
        </ConfirmedButton>
      )}
    </li>
  );
}

/** What a note is about, as a link to it. */
function Subject({ note: { about, object } }: { readonly note: Note }): ReactElement {
  const look = 'text-accent hover:underline';
  if (about === 'host') {
    return (
      <Link to="/hosts/$host" params={{ host: object }} className={look}>
        {t('host {name}', { name: object })}
      </Link>
    );
  }
  if (about === 'message') {
    return (
      <Link to="/messages/$id" params={{ id: Number(object) }} className={look}>
        {t('message {id}', { id: object })}
      </Link>
    );
  }
  return (
    <Link to="/alerts" className={look}>
      {t('alert {id}', { id: object })}
    </Link>
  );
}

function Editing({
  note: { id, text },
  onClose,
}: {
  readonly note: Note;
  readonly onClose: () => void;
}): ReactElement {
  const client = useQueryClient();
  const edit = useMutation({
    mutationFn: (changed: string) =>
      ask('PUT /notes/{id}', { path: { id }, body: { text: changed } }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['notes'] });
      onClose();
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    edit.mutate((new FormData(event.currentTarget).get('text') as string).trim());
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-2">
      <NoteField label={t('Change this note')} value={text} focused />
      {edit.isError && <Problem error={edit.error} />}
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>{t('Cancel')}</Button>
        <Button type="submit" look="primary" disabled={edit.isPending}>
          {t('Keep ## a changed note')}
        </Button>
      </div>
    </form>
  );
}

export function NoteField({
  label,
  value = '',
  focused = false,
}: {
  readonly label: string;
  readonly value?: string;
  readonly focused?: boolean;
}): ReactElement {
  return (
    <textarea
      name="text"
      aria-label={label}
      placeholder={label}
      defaultValue={value}
      required
      autoFocus={focused}
      maxLength={2_000}
      rows={2}
      className="w-full min-w-0 rounded-md border border-line-strong bg-surface px-2 py-1 text-sm text-ink placeholder:text-ink-3"
    />
  );
}
