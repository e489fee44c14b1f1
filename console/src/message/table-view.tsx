import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { bodyTable, type Part } from '../api/queries.ts';
import { Button } from '../element/button.tsx';
import { Problem, Waiting } from '../element/notice.tsx';
import { t } from '../language/translate.ts';
import { Masked } from './hl7-tree.tsx';

const PAGE = 200;

/** Delimited text as rows and columns. */
export function TableView({
  id,
  part,
}: {
  readonly id: number;
  readonly part: Part;
}): ReactElement {
  const [after, setAfter] = useState(0);
  const { data, error } = useQuery(bodyTable(id, part, after));
  if (error !== null)
    return (
      <div className="p-3">
        <Problem error={error} />
      </div>
    );
  if (data === undefined) return <Waiting />;
  return (
    <div>
      <div className="flex flex-wrap items-center gap-2 border-b border-line px-3 py-1.5 text-xs text-ink-2">
        {t('{count} {count|row|rows}', { count: data.rowCount })}
        {data.masked && <Masked />}
        {after > 0 && (
          <Button onClick={() => setAfter(Math.max(0, after - PAGE))}>{t('Back')}</Button>
        )}
        {data.next !== undefined && (
          <Button onClick={() => setAfter(data.next ?? 0)}>{t('On ## to what follows')}</Button>
        )}
      </div>
      <table className="border-collapse text-xs">
        <thead>
          <tr className="bg-sunken">
            <th scope="col" className="px-2 py-1 text-right font-medium text-ink-2">
              {t('row')}
            </th>
            {data.columns.map((name) => (
              <th
                key={name}
                scope="col"
                className="border-l border-line px-2 py-1 text-left font-medium"
              >
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {data.rows.map((row, index) => (
            <tr key={after + index} className="border-t border-line hover:bg-hover">
              <td className="px-2 py-0.5 text-right text-ink-3">{after + index + 1}</td>
              {row.map((value, column) => (
                <td
                  key={data.columns[column] ?? column}
                  className="border-l border-line px-2 py-0.5 font-mono"
                >
                  {value}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
