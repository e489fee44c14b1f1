import { Check } from 'lucide-react';
import type { ReactElement } from 'react';
import type { FoundMessage } from '../../../src/api/contract/message.ts';
import { shortType } from '../element/short-type.ts';
import { StatusBadge } from '../element/status-badge.tsx';
import { clock } from '../element/time-text.ts';
import { t } from '../language/translate.ts';
import { type ColumnName, columnOf, fieldsOf, tracksOf } from './columns.tsx';
import { Outcome } from './outcome.tsx';

/** Of the head of the grid and of its rows; the tracks are those of the columns. */
export const ROW_LOOK = 'grid items-center gap-x-3 px-3';

export interface RowProps {
  readonly columns: readonly ColumnName[];
  readonly message: FoundMessage;
  readonly index: number;
  readonly top: number;
  readonly height: number;
  readonly selected: boolean;
  /** Of the same session as the selected one. */
  readonly related: boolean;
  readonly marked: boolean;
  readonly onSelect: (id: number) => void;
  readonly onOpen: (message: FoundMessage) => void;
  readonly onMark: (id: number) => void;
}

function rowProps({ message, index, top, height, selected, marked, onSelect, onOpen }: RowProps) {
  return {
    role: 'row',
    id: `message-${message.id}`,
    'aria-rowindex': index,
    'aria-selected': marked,
    onMouseDown: () => onSelect(message.id),
    onDoubleClick: () => onOpen(message),
    style: { height, transform: `translateY(${top}px)` },
    'data-active': selected ? '' : undefined,
  } as const;
}

const look = ({ selected, marked, related }: RowProps): string =>
  `absolute inset-x-0 top-0 cursor-default border-b border-line ${related ? 'shadow-[inset_3px_0_0_var(--accent)] ' : ''}${selected ? 'bg-selected' : marked ? 'bg-accent-soft' : 'hover:bg-hover'}`;

/** One message as a line of the table. */
export function MessageRow(props: RowProps): ReactElement {
  const { message, onOpen, columns } = props;
  const { style, ...row } = rowProps(props);
  return (
    <div
      {...row}
      style={{ ...style, gridTemplateColumns: tracksOf(columns) }}
      className={`${look(props)} ${ROW_LOOK}`}
    >
      <span role="gridcell">
        <Mark {...props} />
      </span>
      {columns.map((name) => {
        const column = columnOf(name);
        return (
          <span
            key={name}
            role="gridcell"
            className={`truncate ${column.look}`}
            title={column.whole?.(message)}
          >
            {column.cell(message)}
          </span>
        );
      })}
      <span role="gridcell" className="text-right text-xs">
        <button
          type="button"
          tabIndex={-1}
          onClick={() => onOpen(message)}
          className="rounded px-1 text-accent hover:underline"
          aria-label={t('Open the trace of message {id}', { id: `${message.id}` })}
        >
          {t('trace')}
        </button>
      </span>
    </div>
  );
}

/** One message as a card of two lines, for narrow screens. */
export function MessageCard(props: RowProps): ReactElement {
  const { message, onOpen, columns } = props;
  const { created, status, source, target, type, fields } = message;
  const values = fieldsOf(columns).flatMap((name) => fields?.[name] ?? []);
  return (
    <div {...rowProps(props)} className={look(props)}>
      <div
        role="gridcell"
        className="flex h-full flex-col justify-center gap-1 px-3"
        onClick={() => onOpen(message)}
      >
        <div className="flex items-center gap-2">
          <StatusBadge status={status} />
          <span className="min-w-0 truncate font-mono text-xs">{shortType(type)}</span>
          <span className="ml-auto shrink-0 font-mono text-xs text-ink-2">{clock(created)}</span>
        </div>
        <div className="flex min-w-0 items-center gap-2 text-xs">
          <span className="truncate">
            {source} → {target}
          </span>
          {values.length > 0 && (
            <span className="max-w-1/2 shrink-0 truncate font-mono">{values.join(' · ')}</span>
          )}
          <span className="ml-auto flex min-w-0 shrink items-center truncate">
            <Outcome message={message} />
          </span>
        </div>
      </div>
    </div>
  );
}

function Mark({ message, marked, onMark }: RowProps): ReactElement {
  return (
    <button
      type="button"
      tabIndex={-1}
      role="checkbox"
      aria-checked={marked}
      aria-label={t('Mark message {id}', { id: `${message.id}` })}
      onClick={() => onMark(message.id)}
      className={`flex size-6 items-center justify-center rounded ${marked ? '' : 'opacity-60'}`}
    >
      <span
        className={`flex size-3.5 items-center justify-center rounded-[3px] border ${marked ? 'border-accent bg-accent text-accent-ink' : 'border-line-strong'}`}
      >
        {marked && <Check size={11} strokeWidth={3} aria-hidden="true" />}
      </span>
    </button>
  );
}
