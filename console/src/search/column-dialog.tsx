import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { searchFields } from '../api/queries.ts';
import { Button } from '../element/button.tsx';
import { Checkboxes } from '../element/checkboxes.tsx';
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

/** The columns of the list of messages; saved per user. */
export function ColumnDialog({
  chosen: before,
  onChoose,
  onClose,
}: ColumnDialogProps): ReactElement {
  const [chosen, setChosen] = useState(before);
  const { data } = useQuery(searchFields);
  // a chosen one that is no longer in the production can be removed
  const fields = new Set([...(data?.fields ?? []), ...fieldsOf(before)]);
  const choose = (next: readonly ColumnName[]): void => {
    setChosen(next);
    onChoose(next);
  };
  const choices = (legend: string, names: readonly ColumnName[]): ReactElement => (
    <Checkboxes
      legend={legend}
      options={names.map((name) => [name, columnOf(name).title])}
      chosen={chosen}
      onChange={choose}
      needed
    />
  );
  return (
    <Modal
      title={t('Columns')}
      onClose={onClose}
      footer={
        <>
          <Button onClick={() => choose(DEFAULT_COLUMNS)}>{t('The default ones')}</Button>
          <Button look="primary" onClick={onClose}>
            {t('Done')}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        {choices(
          t('They are saved for you, on every machine.'),
          Object.keys(COLUMNS) as ColumnName[],
        )}
        {fields.size > 0 &&
          choices(
            t(
              'Search fields of the production, with their values in the message or in the first one of its session.',
            ),
            [...fields].map(fieldColumn),
          )}
      </div>
    </Modal>
  );
}
