import { useNavigate } from '@tanstack/react-router';
import { FilePlus } from 'lucide-react';
import { type FormEvent, type ReactElement, useState } from 'react';
import type { Edits } from '../edit/edits.ts';
import { Button } from '../element/button.tsx';
import { Field } from '../element/field.tsx';
import { t } from '../language/translate.ts';

/** What may be written in the console: no code, and nothing outside of the production's folder. */
const PATH = /^(?!data\/|console\.yaml$)[\w][\w.-]*(?:\/[\w][\w.-]*)*\.(?:ya?ml|csv|tsv)$/;

/** How a file begins; a table that is empty could not be filled in. */
const beginning = (path: string): string => (path.endsWith('.csv') ? 'key,value\n' : '');

/** Begins a file that the production does not have yet; it is part of the change like every other edit. */
export function NewFile({
  known,
  edits,
}: {
  readonly known: readonly string[];
  readonly edits: Edits;
}): ReactElement {
  const navigate = useNavigate();
  const [path, setPath] = useState('');
  const [wrong, setWrong] = useState(false);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const wanted = path.trim();
    setWrong(!PATH.test(wanted));
    if (!PATH.test(wanted)) return;
    const isNew = !known.includes(wanted) && edits.of(wanted) === undefined;
    if (isNew) edits.put({ path: wanted, text: beginning(wanted) });
    setPath('');
    void navigate({ to: '/files', search: { path: wanted } });
  };
  return (
    <form onSubmit={submit} className="mt-3 flex flex-col gap-2">
      <Field
        label={t('New file')}
        value={path}
        onChange={({ target }) => setPath(target.value)}
        maxLength={200}
        hint={t('YAML or a table, below the folder of the production')}
        aria-invalid={wrong}
      />
      {wrong && (
        <p className="text-xs text-bad" role="alert">
          {t('Write a path such as transforms/to-lab.yaml or lookups/wards.csv.')}
        </p>
      )}
      <Button type="submit">
        <FilePlus size={13} aria-hidden="true" /> {t('Begin it')}
      </Button>
    </form>
  );
}
