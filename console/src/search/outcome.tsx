import { Repeat2 } from 'lucide-react';
import type { ReactElement } from 'react';
import type { Message } from '../../../src/operator/api/contract/message.ts';

/** What became of the message, in a few words. */
export function Outcome({
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
