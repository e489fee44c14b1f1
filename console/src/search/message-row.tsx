import { Check, Repeat2 } from 'lucide-react';
import type { ReactElement } from 'react';
import type { Message } from '../../../src/operator/api/contract/message.ts';
import { shortType } from '../element/short-type.ts';
import { StatusBadge } from '../element/status-badge.tsx';
import { bytes, clock, day, duration } from '../element/time-text.ts';

/** The columns of the grid, for its head and its rows. */
export const COLUMNS =
  'grid grid-cols-[1.75rem_8.5rem_6.5rem_minmax(5rem,1fr)_minmax(5rem,1fr)_minmax(6rem,1.1fr)_4rem_4rem_minmax(8rem,2fr)] items-center gap-x-3 px-3';

export interface RowProps {
  readonly message: Message;
  readonly index: number;
  readonly top: number;
  readonly height: number;
  readonly selected: boolean;
  /** Of the same session as the selected one. */
  readonly related: boolean;
  readonly marked: boolean;
  readonly onSelect: (id: number) => void;
  readonly onOpen: (message: Message) => void;
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
  const { message, onOpen } = props;
  const { created, status, source, target, type, size, done } = message;
  return (
    <div {...rowProps(props)} className={`${look(props)} ${COLUMNS}`}>
      <span role="gridcell">
        <Mark {...props} />
      </span>
      <span role="gridcell" className="truncate font-mono text-xs">
        {day(created) === day(Date.now()) ? (
          ''
        ) : (
          <span className="text-ink-3">{day(created).slice(5)} </span>
        )}
        {clock(created)}
      </span>
      <span role="gridcell" className="flex">
        <StatusBadge status={status} />
      </span>
      <span role="gridcell" className="truncate">
        {source}
      </span>
      <span role="gridcell" className="truncate">
        {target}
      </span>
      <span role="gridcell" className="truncate font-mono text-xs" title={type}>
        {shortType(type)}
      </span>
      <span role="gridcell" className="truncate text-right text-xs text-ink-2">
        {bytes(size)}
      </span>
      <span role="gridcell" className="truncate text-right text-xs text-ink-2">
        {done === undefined ? '' : duration(done - created)}
      </span>
      <span role="gridcell" className="flex min-w-0 items-center gap-2 text-xs">
        <Outcome message={message} />
        <button
          type="button"
          tabIndex={-1}
          onClick={() => onOpen(message)}
          className="ml-auto shrink-0 rounded px-1.5 text-accent hover:underline"
          aria-label={`Open the trace of message ${message.id}`}
        >
          trace
        </button>
      </span>
    </div>
  );
}

/** One message as a card of two lines, for narrow screens. */
export function MessageCard(props: RowProps): ReactElement {
  const { message, onOpen } = props;
  const { created, status, source, target, type } = message;
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
      aria-label={`Mark message ${message.id}`}
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

/** What became of the message, in a few words. */
function Outcome({
  message: { error, reply, warning, resendOf, attempts, by, duplicateOf, status },
}: {
  readonly message: Message;
}): ReactElement {
  const text =
    error?.text ??
    warning ??
    (duplicateOf === undefined ? undefined : `repeats ${duplicateOf}`) ??
    (reply === undefined && status === 'discarded' && by === undefined
      ? 'by its rules'
      : replyText(reply));
  return (
    <>
      {resendOf !== undefined && (
        <span
          className="flex shrink-0 items-center gap-1 text-held"
          title={`resent from ${resendOf}`}
        >
          <Repeat2 size={12} aria-hidden="true" /> resend
        </span>
      )}
      {attempts > 1 && <span className="shrink-0 text-warn">{attempts} tries</span>}
      <span
        className={`min-w-0 truncate ${error === undefined ? 'text-ink-2' : 'text-bad'}`}
        title={text}
      >
        {text}
      </span>
      {by !== undefined && <span className="shrink-0 text-ink-3">by {by}</span>}
    </>
  );
}

function replyText(reply: Message['reply']): string {
  if (reply === undefined) return '';
  return [reply.code, reply.text].filter((part) => part !== undefined && part !== '').join(' · ');
}
