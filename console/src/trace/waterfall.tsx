import type { ReactElement } from 'react';
import type { Message, Session } from '../../../src/api/contract/message.ts';
import { serverNow } from '../clock/server-clock.ts';
import { shortType } from '../element/short-type.ts';
import { StatusBadge } from '../element/status-badge.tsx';
import { STATUS_TONES } from '../element/status-tone.ts';
import { duration, preciseClock } from '../element/time-text.ts';
import { rich, t } from '../language/translate.ts';

interface WaterfallProps {
  readonly session: Session;
  /** The message that is chosen. */
  readonly selected: number | undefined;
  readonly onSelect: (message: Message) => void;
}

/**
 * Where the time went: one line per message, pale while it waited, solid while it was under way, a
 * mark for each failed try.
 */
export function Waterfall({ session, selected, onSelect }: WaterfallProps): ReactElement {
  const { messages, attempts, past, started } = session;
  const end = endOf(session);
  const length = Math.max(1, end - started);
  const at = (time: number): number => ((time - started) / length) * 100;
  return (
    <div
      className="min-h-0 flex-1 overflow-auto bg-surface"
      tabIndex={0}
      role="region"
      aria-label={t('Where the time went')}
    >
      <div className="sticky top-0 z-10 grid grid-cols-[15rem_minmax(0,1fr)_9rem] border-b border-line bg-sunken px-3 py-1.5 text-2xs text-ink-2 max-sm:grid-cols-1">
        <span className="max-sm:hidden">{t('Message')}</span>
        <span className="flex justify-between">
          {[0, 0.25, 0.5, 0.75, 1].map((part) => (
            <span key={part}>
              {part === 0 ? preciseClock(started) : `+${duration(length * part)}`}
            </span>
          ))}
        </span>
        <span className="text-right max-sm:hidden">{t('Waited, under way')}</span>
      </div>
      <ol>
        {messages.map((message, index) => {
          const { id, source, target, type, created, status } = message;
          const begun = beginOf(message);
          const failed = past.find(({ messageId }) => messageId === id)?.done;
          // it waited there until a person ended it
          const over = failed ?? message.done ?? end;
          return (
            <li key={id}>
              <button
                type="button"
                aria-pressed={id === selected}
                onClick={() => onSelect(message)}
                className={`grid w-full grid-cols-[15rem_minmax(0,1fr)_9rem] items-center border-b border-line px-3 py-1.5 text-left max-sm:grid-cols-1 ${id === selected ? 'bg-selected' : 'hover:bg-hover'}`}
              >
                <span className="flex min-w-0 flex-wrap items-center gap-x-2 pr-3">
                  <span className="w-4 text-2xs font-semibold text-ink-2">{index + 1}</span>
                  <span className="min-w-0 truncate font-medium">
                    {source === '' ? '' : `${source} → `}
                    {target}
                  </span>
                  <span className="ml-6 flex items-center gap-2 max-sm:ml-0">
                    <StatusBadge status={status} />
                    <span className="font-mono text-2xs text-ink-2">{shortType(type)}</span>
                  </span>
                </span>
                <span className="relative block h-4 w-full rounded bg-sunken" aria-hidden="true">
                  <Bar
                    from={at(created)}
                    to={at(begun)}
                    look={`${STATUS_TONES[status]} opacity-30`}
                  />
                  <Bar from={at(begun)} to={at(over)} look={STATUS_TONES[status]} />
                  {attempts
                    .filter(({ messageId }) => messageId === id)
                    .map((attempt) => (
                      <span
                        key={`${attempt.attempt} ${attempt.at}`}
                        className="absolute inset-y-0 w-0.5 bg-warn"
                        style={{ left: `${at(attempt.at)}%` }}
                      />
                    ))}
                </span>
                <span className="text-right text-xs whitespace-nowrap text-ink-2 max-sm:text-left">
                  <Times of={timesOf(message, failed)} />
                </span>
              </button>
            </li>
          );
        })}
      </ol>
    </div>
  );
}

/** Phones have no heads of columns: there each says what it is. */
function Times({ of: [waited = '', worked] }: { readonly of: readonly string[] }): ReactElement {
  if (worked === undefined) return <>{waited}</>;
  return (
    <>
      {rich('<unit>waited </unit>{waited}, {worked}<unit> under way</unit>', {
        waited,
        worked,
        unit: (text) => <span className="sm:hidden">{text}</span>,
      })}
    </>
  );
}

function Bar({
  from,
  to,
  look,
}: {
  readonly from: number;
  readonly to: number;
  readonly look: string;
}): ReactElement {
  return (
    <span
      className={`absolute inset-y-0.5 min-w-0.5 rounded-sm ${look}`}
      style={{ left: `${Math.min(99.5, from)}%`, width: `${Math.max(0, to - from)}%` }}
    />
  );
}

/** When work on it began; what is still queued has only waited. */
const beginOf = ({ started, done, created, status }: Message): number =>
  started ?? (status === 'queued' ? serverNow() : (done ?? created));

/** How long it waited and was under way; or only the first, in words. */
function timesOf(message: Message, failed: number | undefined): readonly string[] {
  const { created, done, status } = message;
  if (status === 'queued')
    return [t('waits for {duration}', { duration: duration(serverNow() - created) })];
  const begun = beginOf(message);
  return [duration(begun - created), duration((failed ?? done ?? serverNow()) - begun)];
}

/** The end of the last message; now, while one is still under way. */
function endOf({ messages, started }: Session): number {
  const isOpen = messages.some(({ status }) => status === 'queued' || status === 'retrying');
  const last = Math.max(started, ...messages.map(({ done, created }) => done ?? created));
  return isOpen ? Math.max(last, serverNow()) : last;
}
