import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { FormEvent, ReactElement } from 'react';
import type { Note } from '../../../src/api/contract/note.ts';
import { ask } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { Problem } from '../element/notice.tsx';
import { t } from '../language/translate.ts';
import { useMay } from '../shell/me.ts';
import { NoteField, NoteLines } from './note-lines.tsx';
import { notes as notesQuery } from './queries.ts';

type About = Pick<Note, 'about' | 'object'>;

/** What people wrote about a host, an alert or a message, and a place to write more. */
export function Notes(about: About): ReactElement {
  const { data, error } = useQuery(notesQuery(about));
  const may = useMay();
  const written = data?.notes ?? [];
  return (
    <div className="flex flex-col gap-2">
      {error !== null && <Problem error={error} />}
      {written.length > 0 && <NoteLines notes={written} label={t('Notes')} />}
      {may('note.write') && <NewNote {...about} />}
      {written.length === 0 && !may('note.write') && (
        <p className="text-ink-2">{t('Nobody has written anything.')}</p>
      )}
    </div>
  );
}

function NewNote({ about, object }: About): ReactElement {
  const client = useQueryClient();
  const add = useMutation({
    mutationFn: ({ text }: { readonly text: string; readonly form: HTMLFormElement }) =>
      ask('POST /notes', { body: { about, object, text } }),
    onSuccess: (_answer, { form }) => {
      form.reset();
      return client.invalidateQueries({ queryKey: ['notes'] });
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = event.currentTarget;
    const text = (new FormData(form).get('text') as string).trim();
    if (text !== '') add.mutate({ text, form });
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-2">
      {add.isError && <Problem error={add.error} />}
      <div className="flex items-start gap-2">
        <NoteField label={t('A note for those who come after')} />
        <Button type="submit" disabled={add.isPending}>
          {t('Write ## a note')}
        </Button>
      </div>
    </form>
  );
}
