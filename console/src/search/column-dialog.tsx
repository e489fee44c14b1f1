import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { searchFields } from '../api/queries.ts';
import { Button } from '../element/button.tsx';
import { Modal } from '../element/modal.tsx';
import { t } from '../language/translate.ts';
import {
  COLUMNS,
  type ColumnName,
  columnOf,
  DEFAULT_COLUMNS,
  fieldColumn,
  fieldsOf,
} from './columns.tsx';

interface ColumnDialogProps {
  readonly chosen: readonly ColumnName[];
  readonly onChoose: (columns: readonly ColumnName[]) => void;
  readonly onClose: () => void;
}

/** Which columns the list of messages has; kept for the person. */
export function ColumnDialog({
  chosen: before,
  onChoose,
  onClose,
}: ColumnDialogProps): ReactElement {
  const [chosen, setChosen] = useState(before);
  const { data } = useQuery(searchFields);
  // one that was chosen and is gone from the production can be taken away
  const fields = new Set([...(data?.fields ?? []), ...fieldsOf(before)]);
  const choose = (next: readonly ColumnName[]): void => {
    setChosen(next);
    onChoose(next);
  };
  const toggle = (name: ColumnName): void =>
    choose(chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name]);
  return (
    <Modal
      title={t('Columns')}
      onClose={onClose}
      footer={
        <>
          <Button onClick={() => choose(DEFAULT_COLUMNS)}>{t('The usual ones')}</Button>
          <Button look="primary" onClick={onClose}>
            {t('Done')}
          </Button>
        </>
      }
    >
      <Choices
        legend={t('They are kept for you, on every machine.')}
        names={Object.keys(COLUMNS) as ColumnName[]}
        chosen={chosen}
        onToggle={toggle}
      />
      {fields.size > 0 && (
        <Choices
          legend={t(
            'Search fields of the production, as they stand in the message or in the one its session began with.',
          )}
          names={[...fields].map(fieldColumn)}
          chosen={chosen}
          onToggle={toggle}
        />
      )}
    </Modal>
  );
}

interface ChoicesProps {
  readonly legend: string;
  readonly names: readonly ColumnName[];
  readonly chosen: readonly ColumnName[];
  readonly onToggle: (name: ColumnName) => void;
}

function Choices({ legend, names, chosen, onToggle }: ChoicesProps): ReactElement {
  return (
    <fieldset className="mb-4 grid grid-cols-2 gap-x-6 gap-y-1">
      <legend className="mb-2 text-xs text-ink-2">{legend}</legend>
      {names.map((name) => (
        <label key={name} className="flex min-h-7 cursor-pointer items-center gap-2">
          <input
            type="checkbox"
            className="size-4 accent-accent"
            checked={chosen.includes(name)}
            disabled={chosen.length === 1 && chosen.includes(name)}
            onChange={() => onToggle(name)}
          />
          {columnOf(name).title}
        </label>
      ))}
    </fieldset>
  );
}
