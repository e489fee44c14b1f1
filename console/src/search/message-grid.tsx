import { useVirtualizer } from '@tanstack/react-virtual';
import { Check } from 'lucide-react';
import { type KeyboardEvent, type ReactElement, useEffect, useRef } from 'react';
import type { FoundMessage } from '../../../src/api/contract/message.ts';
import { shortType } from '../element/short-type.ts';
import { StatusBadge } from '../element/status-badge.tsx';
import { preciseClock } from '../element/time-text.ts';
import { useMedia, WIDE } from '../element/use-media.ts';
import { t } from '../language/translate.ts';
import { type ColumnName, columnOf, fieldsOf, leastWidth, tracksOf } from './columns.tsx';
import { Outcome } from './outcome.tsx';

interface MessageGridProps {
  readonly rows: readonly FoundMessage[];
  readonly columns: readonly ColumnName[];
  readonly selected: number | undefined;
  readonly marked: ReadonlySet<number>;
  /** Whether all that match are marked, also those that are not among the rows. */
  readonly all: boolean;
  readonly onMarkAll: (() => void) | undefined;
  readonly onSelect: (id: number) => void;
  readonly onOpen: (message: FoundMessage) => void;
  readonly onKey: (key: string, message: FoundMessage) => boolean;
  readonly onEnd: () => void;
  /** What is below the last row. */
  readonly foot: ReactElement;
}

const ROW = 30;
const CARD = 62;

/** A virtual grid: only the visible rows are in the document. The focus stays on the grid; one row is active. */
export function MessageGrid(props: MessageGridProps): ReactElement {
  const { rows, columns, selected, marked, onSelect, onOpen, onKey, onEnd, foot } = props;
  const { all, onMarkAll } = props;
  const wide = useMedia(WIDE);
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => (wide ? ROW : CARD),
    overscan: 12,
    getItemKey: (index) => rows[index]?.id ?? index,
  });
  const items = virtual.getVirtualItems();
  const lastSeen = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (rows.length > 0 && lastSeen >= rows.length - 20) onEnd();
  }, [lastSeen, rows.length]);
  useEffect(() => virtual.measure(), [wide]);

  const at = rows.findIndex(({ id }) => id === selected);
  const move = (to: number): void => {
    const row = rows[Math.max(0, Math.min(rows.length - 1, to))];
    if (row === undefined) return;
    onSelect(row.id);
    virtual.scrollToIndex(rows.indexOf(row));
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.floor((scroller.current?.clientHeight ?? 300) / (wide ? ROW : CARD)) - 2;
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: at + 1,
      j: at + 1,
      ArrowUp: at - 1,
      k: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: rows.length - 1,
    };
    const to = steps[event.key];
    const row = rows[at];
    if (to !== undefined) move(to);
    else if (row !== undefined && event.key === 'Enter') onOpen(row);
    else if (row === undefined || !onKey(event.key, row)) return;
    event.preventDefault();
    event.stopPropagation();
  };
  const Row = wide ? MessageRow : MessageCard;
  return (
    <div ref={scroller} className="min-h-0 flex-1 overflow-auto bg-surface">
      <div
        role="grid"
        aria-label={t('Messages, newest first')}
        aria-rowcount={rows.length + (wide ? 1 : 0)}
        aria-activedescendant={at < 0 ? undefined : `message-${rows[at]?.id}`}
        aria-multiselectable="true"
        tabIndex={0}
        data-grid
        onKeyDown={onKeyDown}
        onFocus={() => {
          if (at < 0) move(0);
        }}
        className="outline-offset-[-2px]"
        style={wide ? { minWidth: `${leastWidth(columns)}rem` } : {}}
      >
        {wide && (
          <div
            role="row"
            aria-rowindex={1}
            className={`sticky top-0 z-10 border-b border-line bg-sunken text-2xs font-medium text-ink-2 ${ROW_LOOK}`}
            style={{ gridTemplateColumns: tracksOf(columns) }}
          >
            <span role="columnheader">
              <span className="sr-only">{t('Marked')}</span>
              {onMarkAll !== undefined && rows.length > 0 && (
                <Box
                  checked={all}
                  label={t('Mark all that match, also those not loaded')}
                  onClick={onMarkAll}
                />
              )}
            </span>
            {columns.map((name) => (
              <span
                role="columnheader"
                key={name}
                className={`truncate py-1.5 ${columnOf(name).look.includes('text-right') ? 'text-right' : ''}`}
              >
                {columnOf(name).title}
              </span>
            ))}
            <span role="columnheader">
              <span className="sr-only">{t('Trace')}</span>
            </span>
          </div>
        )}
        <div role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}>
          {items.map(({ key, index, start, size }) => {
            const message = rows[index];
            if (message === undefined) return null;
            return (
              <Row
                key={key}
                message={message}
                columns={columns}
                index={index + (wide ? 2 : 1)}
                top={start}
                height={size}
                selected={message.id === selected}
                related={message.sessionId === rows[at]?.sessionId}
                marked={marked.has(message.id)}
                onSelect={onSelect}
                onOpen={onOpen}
                onMark={(id) => onKey('x', rows.find((one) => one.id === id) ?? message)}
              />
            );
          })}
        </div>
      </div>
      {foot}
    </div>
  );
}

/** For the head of the grid and its rows; the tracks are those of the columns. */
const ROW_LOOK = 'grid items-center gap-x-3 px-3';

interface RowProps {
  readonly columns: readonly ColumnName[];
  readonly message: FoundMessage;
  readonly index: number;
  readonly top: number;
  readonly height: number;
  readonly selected: boolean;
  /** In the same session as the selected one. */
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
function MessageRow(props: RowProps): ReactElement {
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
function MessageCard(props: RowProps): ReactElement {
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
          <span className="ml-auto shrink-0 font-mono text-xs text-ink-2">
            {preciseClock(created)}
          </span>
        </div>
        <div className="flex min-w-0 items-center gap-2 text-xs">
          <span className="max-w-3/5 shrink-0 truncate">
            {source} → {target}
          </span>
          {values.length > 0 && (
            <span className="min-w-0 truncate font-mono">{values.join(' · ')}</span>
          )}
          <span className="ml-auto flex min-w-0 shrink items-center truncate">
            <Outcome message={message} />
          </span>
        </div>
      </div>
    </div>
  );
}

function Mark({ message: { id }, marked, onMark }: RowProps): ReactElement {
  return (
    <Box
      checked={marked}
      label={t('Mark message {id}', { id: `${id}` })}
      onClick={() => onMark(id)}
    />
  );
}

function Box({
  checked,
  label,
  onClick,
}: {
  readonly checked: boolean;
  readonly label: string;
  readonly onClick: () => void;
}): ReactElement {
  return (
    <button
      type="button"
      tabIndex={-1}
      role="checkbox"
      aria-checked={checked}
      aria-label={label}
      title={label}
      onClick={onClick}
      className={`flex size-6 items-center justify-center rounded ${checked ? '' : 'opacity-60'}`}
    >
      <span
        className={`flex size-3.5 items-center justify-center rounded-[3px] border ${checked ? 'border-accent bg-accent text-accent-ink' : 'border-line-strong'}`}
      >
        {checked && <Check size={11} strokeWidth={3} aria-hidden="true" />}
      </span>
    </button>
  );
}
