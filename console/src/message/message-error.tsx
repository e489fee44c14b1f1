import { CircleAlert } from 'lucide-react';
import type { ReactElement } from 'react';
import type { Message, Session } from '../../../src/api/contract/message.ts';
import { failureText } from '../element/failure-text.ts';
import { Said } from '../element/said.tsx';
import { clock, preciseClock } from '../element/time-text.ts';
import { serverText } from '../language/server-text.ts';
import { t } from '../language/translate.ts';

type Attempt = Session['attempts'][number];

interface MessageErrorProps {
  readonly message: Message;
  /** For the whole session. */
  readonly attempts: readonly Attempt[];
}

/** Why it failed, whether a retry helps, and when it is. */
export function MessageError({ message, attempts }: MessageErrorProps): ReactElement | null {
  const own = attempts.filter(({ messageId }) => messageId === message.id);
  const shown = message.error ?? own.at(-1)?.error;
  if (shown === undefined && message.warning === undefined) return null;
  const over = ENDED.has(message.status) && message.error === undefined;
  const look = over ? 'border-warn/40 bg-warn-soft' : 'border-bad/40 bg-bad-soft';
  return (
    <div className={`rounded-md border px-3 py-2 text-xs ${look}`}>
      <div className="flex items-start gap-2">
        <CircleAlert
          size={15}
          className={`mt-0.5 shrink-0 ${over ? 'text-warn' : 'text-bad'}`}
          aria-hidden="true"
        />
        <div className="min-w-0">
          <p className="break-words">{serverText(shown?.text ?? message.warning ?? '')}</p>
          {shown !== undefined && <Said words={shown.said} />}
          {shown !== undefined && (
            <p className="mt-1 text-ink-2">
              <span className="font-mono">{shown.code}</span>
              {` · ${over ? endedText(message.status) : outlook(shown, message.status, own.at(-1))}`}
            </p>
          )}
        </div>
      </div>
      {own.length > 1 && <Tries tries={own} />}
    </div>
  );
}

/** Nothing has to be done any more, whatever was tried before. */
const ENDED: ReadonlySet<Message['status']> = new Set(['completed', 'discarded']);

const endedText = (status: Message['status']): string =>
  status === 'completed' ? t('it went through later') : t('it was discarded later');

function outlook(
  { retryable }: Attempt['error'],
  status: Message['status'],
  last: Attempt | undefined,
): string {
  if (status === 'retrying' && last !== undefined)
    return t('next try at {time}', { time: clock(last.next) });
  return retryable
    ? t('trying again may help')
    : t('trying again does not help: fix the cause or the message');
}

function Tries({ tries }: { readonly tries: readonly Attempt[] }): ReactElement {
  return (
    <details className="mt-2">
      <summary className="text-ink-2">{t('{count} failed tries', { count: tries.length })}</summary>
      <ol className="mt-1 flex flex-col gap-0.5">
        {tries.map(({ attempt, at, error }) => (
          <li key={attempt} className="grid grid-cols-[2rem_5.5rem_1fr] gap-x-2">
            <span className="text-ink-2">{attempt}</span>
            <span className="font-mono">{preciseClock(at)}</span>
            <span className="break-words">{failureText(error)}</span>
          </li>
        ))}
      </ol>
    </details>
  );
}
