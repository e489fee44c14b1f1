import { useMutation } from '@tanstack/react-query';
import { Download, Plus, Trash2, Upload } from 'lucide-react';
import { type ReactElement, useRef, useState } from 'react';
import { Button } from '../element/button.tsx';
import { INPUT } from '../element/field.tsx';
import { Problem } from '../element/notice.tsx';
import { saveFile } from '../element/save-file.ts';
import { t } from '../language/translate.ts';
import { rowOf, type TableText, writeTable } from './table-text.ts';

interface TableEditorProps {
  readonly name: string;
  readonly table: TableText;
  readonly onChange: (text: string) => void;
}

/** The most rows shown at once; a filter finds the others. */
const SHOWN = 200;

/** A code table with one row per key; the rest of its file is unchanged. */
export function TableEditor({ name, table, onChange }: TableEditorProps): ReactElement {
  const [filter, setFilter] = useState('');
  const { rows, separator, headed } = table;
  const wanted = filter.trim().toLowerCase();
  const found = rows.flatMap(({ cells, raw }, index) => {
    const isRow = cells !== undefined && !(headed && index === 0);
    return isRow && raw.toLowerCase().includes(wanted) ? [{ cells, index }] : [];
  });
  const width = Math.max(2, ...found.slice(0, SHOWN).map(({ cells }) => cells.length));
  const titles = (headed ? rows[0]?.cells : undefined) ?? [t('Key'), t('Value ## of a table')];
  const put = (next: TableText['rows']): void => onChange(writeTable({ ...table, rows: next }));
  const change = (index: number, cells: readonly string[]): void =>
    put(rows.map((row, at) => (at === index ? rowOf(cells, separator) : row)));
  return (
    <div className="flex flex-col gap-2 p-3">
      <Tools
        name={name}
        table={table}
        filter={filter}
        onFilter={setFilter}
        onChange={onChange}
        onAdd={() => {
          setFilter('');
          put([
            ...rows.slice(0, headed ? 1 : 0),
            rowOf(['', ''], separator),
            ...rows.slice(headed ? 1 : 0),
          ]);
        }}
      />
      <div
        className="max-h-[60vh] overflow-auto rounded-md border border-line"
        tabIndex={0}
        role="region"
        aria-label={name}
      >
        <table className="w-full border-collapse text-left text-xs">
          <thead className="sticky top-0 bg-sunken text-2xs text-ink-2">
            <tr>
              {Array.from({ length: width }, (_, column) => (
                <th key={column} scope="col" className="px-2 py-1.5 font-medium">
                  {titles[column] ?? t('Note')}
                </th>
              ))}
              <th scope="col">
                <span className="sr-only">{t('Remove')}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {found.slice(0, SHOWN).map(({ cells, index }) => (
              <tr key={index} className="border-t border-line">
                {Array.from({ length: width }, (_, column) => (
                  <td key={column} className="px-1 py-0.5">
                    <input
                      aria-label={t('{column} in line {line}', {
                        column: titles[column] ?? t('Note'),
                        line: `${index + 1}`,
                      })}
                      value={cells[column] ?? ''}
                      onChange={({ target: { value } }) =>
                        change(
                          index,
                          Array.from({ length: Math.max(cells.length, column + 1) }, (_cell, at) =>
                            at === column ? value : (cells[at] ?? ''),
                          ),
                        )
                      }
                      spellCheck={false}
                      className={`${INPUT} font-mono`}
                    />
                  </td>
                ))}
                <td className="w-8 text-right">
                  <Button
                    look="quiet"
                    aria-label={t('Remove line {line}', { line: `${index + 1}` })}
                    onClick={() => put(rows.filter((_row, at) => at !== index))}
                  >
                    <Trash2 size={13} aria-hidden="true" />
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {found.length > SHOWN && (
        <p className="text-xs text-ink-2">
          {t('The first {count} of {total}; the filter finds the others.', {
            count: SHOWN,
            total: found.length,
          })}
        </p>
      )}
    </div>
  );
}

function Tools({
  name,
  table,
  filter,
  onFilter,
  onChange,
  onAdd,
}: TableEditorProps & {
  readonly filter: string;
  readonly onFilter: (filter: string) => void;
  readonly onAdd: () => void;
}): ReactElement {
  const file = useRef<HTMLInputElement>(null);
  // a file may be gone, or not readable, once it was chosen
  const reading = useMutation({
    mutationFn: (chosen: File) => chosen.text(),
    onSuccess: onChange,
  });
  return (
    <div className="flex flex-wrap items-center gap-2">
      <input
        aria-label={t('Filter')}
        placeholder={t('Filter')}
        value={filter}
        onChange={({ target }) => onFilter(target.value)}
        className={`${INPUT} !w-48`}
      />
      <Button onClick={onAdd}>
        <Plus size={13} aria-hidden="true" /> {t('Add a row')}
      </Button>
      <Button onClick={() => file.current?.click()}>
        <Upload size={13} aria-hidden="true" /> {t('Import CSV')}
      </Button>
      <input
        ref={file}
        type="file"
        accept=".csv,.tsv,.txt"
        hidden
        aria-label={t('Import CSV')}
        onChange={({ target }) => {
          const [chosen] = target.files ?? [];
          target.value = '';
          if (chosen !== undefined) reading.mutate(chosen);
        }}
      />
      <Button
        onClick={() =>
          saveFile(new Blob([writeTable(table)], { type: 'text/csv' }), name.replace(/^.*\//, ''))
        }
      >
        <Download size={13} aria-hidden="true" /> {t('Export CSV')}
      </Button>
      {reading.isError && <Problem error={reading.error} />}
    </div>
  );
}
