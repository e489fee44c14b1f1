import { Link } from '@tanstack/react-router';
import { Maximize2 } from 'lucide-react';
import type { ReactElement } from 'react';
import type { Session } from '../../../src/api/contract/message.ts';
import { buttonStyle } from '../element/button.tsx';
import { StatusBadge } from '../element/status-badge.tsx';
import { Tabs } from '../element/tabs.tsx';
import { t } from '../language/translate.ts';
import { BodyView } from '../message/body-view.tsx';
import { MessageActions } from '../message/message-actions.tsx';
import { MessageError } from '../message/message-error.tsx';
import { MessageFacts } from '../message/message-facts.tsx';
import { RuleExplanation } from '../message/rule-explanation.tsx';
import type { Step } from './session-steps.ts';

type Tab = 'about' | 'body' | 'reply' | 'rules';

interface StepDetailProps {
  readonly step: Step;
  readonly session: Session;
  readonly tab: string | undefined;
  readonly onTab: (tab: string) => void;
}

/** The message of the chosen step: what happened, its body, its reply, and why it went where it went. */
export function StepDetail({ step, session, tab, onTab }: StepDetailProps): ReactElement {
  const { message, number } = step;
  const { id, status, source, target, reply, explain, hasBody, type } = message;
  const tabs: (readonly [Tab, string])[] = [['about', t('About')]];
  if (hasBody) tabs.push(['body', t('Body')]);
  if (reply?.hasBody === true) tabs.push(['reply', t('Reply')]);
  if (explain !== undefined) tabs.push(['rules', t('Rules')]);
  const wanted =
    tab ??
    {
      request: 'about',
      reply: 'reply',
      rules: 'rules',
      tries: 'about',
      event: 'about',
      outcome: 'about',
      resent: 'about',
    }[step.kind];
  const selected = tabs.find(([name]) => name === wanted)?.[0] ?? 'about';
  return (
    <aside
      aria-label={t('Message {id}', { id: `${number}` })}
      className="flex min-h-0 min-w-0 flex-1 flex-col bg-surface"
    >
      <div className="flex flex-wrap items-center gap-2 border-b border-line px-3 py-2">
        <span className="flex size-5 items-center justify-center rounded-full border border-line-strong text-2xs font-semibold">
          {number}
        </span>
        <h2 className="min-w-0 truncate">
          {source} → {target}
        </h2>
        <StatusBadge status={status} />
        <Link
          to="/messages/$id"
          params={{ id }}
          className={`${buttonStyle('quiet')} ml-auto !px-1.5`}
          aria-label={t('Open the message on a page of its own')}
        >
          <Maximize2 size={14} aria-hidden="true" />
        </Link>
        <div className="flex w-full flex-wrap gap-1.5">
          <MessageActions message={message} />
        </div>
      </div>
      <Tabs label={t('Message')} tabs={tabs} selected={selected} onSelect={onTab}>
        {selected === 'about' && (
          <div className="flex flex-col gap-3 p-3">
            <MessageError message={message} attempts={session.attempts} />
            <MessageFacts message={message} />
          </div>
        )}
        {selected === 'body' && <BodyView id={id} part="message" type={type} />}
        {selected === 'reply' && <BodyView id={id} part="reply" type={reply?.type ?? ''} />}
        {selected === 'rules' && explain !== undefined && (
          <div className="p-3">
            <RuleExplanation explain={explain} />
          </div>
        )}
      </Tabs>
    </aside>
  );
}
