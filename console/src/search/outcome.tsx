import { Repeat2, Users } from 'lucide-react';
import type { ReactElement } from 'react';
import type { Message } from '../../../src/api/contract/message.ts';
import { failureText } from '../element/failure-text.ts';
import { TestBadge } from '../element/test-badge.tsx';
import { serverText } from '../language/server-text.ts';
import { t } from '../language/translate.ts';

/** What happened to the message, in a few words. */
export function Outcome({
  message: { error, reply, warning, resendOf, testBy, attempts, by, duplicateOf, status, ...rest },
}: {
  readonly message: Message & { readonly holdsOthers?: boolean };
}): ReactElement {
  const text =
    (error === undefined ? undefined : failureText(error)) ??
    (warning === undefined ? undefined : serverText(warning)) ??
    (duplicateOf === undefined ? undefined : t('repeats {id}', { id: `${duplicateOf}` })) ??
    (reply === undefined && status === 'discarded' && by === undefined
      ? t('by its rules')
      : replyText(reply));
  return (
    <>
      <TestBadge by={testBy} />
      {rest.holdsOthers === true && (
        <span
          className="flex shrink-0 items-center gap-1 text-warn"
          title={t(
            'It holds more than what was searched for, such as other patients. Jobs over this search leave it out.',
          )}
        >
          <Users size={12} aria-hidden="true" /> {t('holds others too')}
        </span>
      )}
      {resendOf !== undefined && (
        <span
          className="flex shrink-0 items-center gap-1 text-held"
          title={t('resent from {id}', { id: `${resendOf}` })}
        >
          <Repeat2 size={12} aria-hidden="true" /> {t('resend ## of a message')}
        </span>
      )}
      {attempts > 1 && (
        <span className="shrink-0 text-warn">{t('{count} tries', { count: attempts })}</span>
      )}
      <span
        className={`min-w-0 truncate ${error === undefined ? 'text-ink-2' : 'text-bad'}`}
        title={text}
      >
        {text}
      </span>
      {by !== undefined && (
        <span className="shrink-0 text-ink-3">{t('by {name}', { name: by })}</span>
      )}
    </>
  );
}

function replyText(reply: Message['reply']): string {
  if (reply === undefined) return '';
  return [reply.code, reply.text].filter((part) => part !== undefined && part !== '').join(' · ');
}
