import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, type ReactElement, useEffect, useRef } from 'react';
import type { FoundMessage } from '../../../src/api/contract/message.ts';
import { useMedia, WIDE } from '../element/use-media.ts';
import { t } from '../language/translate.ts';
import { type ColumnName, columnOf, leastWidth, tracksOf } from './columns.tsx';
import { MessageCard, MessageRow, ROW_LOOK } from './message-row.tsx';

interface MessageGridProps {
  readonly rows: readonly FoundMessage[];
  readonly columns: readonly ColumnName[];
  readonly selected: number | undefined;
  readonly marked: ReadonlySet<number>;
  readonly onSelect: (id: number) => void;
  readonly onOpen: (message: FoundMessage) => void;
  readonly onKey: (key: string, message: FoundMessage) => boolean;
  readonly onEnd: () => void;
  /** What stands below the last row. */
  readonly foot: ReactElement;
}

const ROW = 30;
const CARD = 62;

/** A grid of as many rows as there are, with as many in the document as are seen. The focus stays on the grid; a row is active. */
export function MessageGrid(props: MessageGridProps): ReactElement {
  const { rows, columns, selected, marked, onSelect, onOpen, onKey, onEnd, foot } = props;
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
