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
          <Button onClick={() => choose(DEFAULT_COLUMNS)}>{t('The usual ones')}</Button>
          <Button look="primary" onClick={onClose}>
            {t('Done')}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        {choices(
          t('They are kept for you, on every machine.'),
          Object.keys(COLUMNS) as ColumnName[],
        )}
        {fields.size > 0 &&
          choices(
            t(
              'Search fields of the production, as they stand in the message or in the one its session began with.',
            ),
            [...fields].map(fieldColumn),
          )}
      </div>
    </Modal>
  );
}
