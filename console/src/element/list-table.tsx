import type { ReactElement, ReactNode } from 'react';

interface ListTableProps {
  /** What the rows are, for screen readers. */
  readonly label: string;
  readonly columns: readonly string[];
  /** The minimum width, below which the table scrolls sideways, and its text size. */
  readonly look: string;
  /** The rows. */
  readonly children: ReactNode;
}

/** A framed table that scrolls sideways if necessary, also by keyboard, and whose rows are blocks on a phone. */
export function ListTable({ label, columns, look, children }: ListTableProps): ReactElement {
  return (
    <div
      className="overflow-x-auto rounded-lg border border-line bg-surface"
      tabIndex={0}
      role="region"
      aria-label={label}
    >
      <table className={`stack w-full border-collapse text-left ${look}`}>
        <thead>
          <tr className="bg-sunken text-2xs text-ink-2">
            {columns.map((name) => (
              <th key={name} scope="col" className="px-3 py-1.5 font-medium">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
