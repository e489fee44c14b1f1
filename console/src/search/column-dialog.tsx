import { type ReactElement, useState } from 'react';
import { Button } from '../element/button.tsx';
import { Modal } from '../element/modal.tsx';
import { COLUMNS, type ColumnName, DEFAULT_COLUMNS } from './columns.tsx';

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
  const choose = (next: readonly ColumnName[]): void => {
    setChosen(next);
    onChoose(next);
  };
  const toggle = (name: ColumnName): void =>
    choose(chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name]);
  return (
    <Modal
      title="Columns"
      onClose={onClose}
      footer={
        <>
          <Button onClick={() => choose(DEFAULT_COLUMNS)}>The usual ones</Button>
          <Button look="primary" onClick={onClose}>
            Done
          </Button>
        </>
      }
    >
      <fieldset className="grid grid-cols-2 gap-x-6 gap-y-1">
        <legend className="mb-2 text-xs text-ink-2">
          They are kept for you, on every machine.
        </legend>
        {Object.entries(COLUMNS).map(([name, { title }]) => (
          <label key={name} className="flex min-h-7 cursor-pointer items-center gap-2">
            <input
              type="checkbox"
              className="size-4 accent-accent"
              checked={chosen.includes(name as ColumnName)}
              disabled={chosen.length === 1 && chosen.includes(name as ColumnName)}
              onChange={() => toggle(name as ColumnName)}
            />
            {title}
          </label>
        ))}
      </fieldset>
    </Modal>
  );
}
