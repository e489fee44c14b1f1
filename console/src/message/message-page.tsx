import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { Waypoints } from 'lucide-react';
import type { ReactElement } from 'react';
import type { Message, Session } from '../../../src/api/contract/message.ts';
import { useLiveSession } from '../api/live-stream.ts';
import { message as messageQuery, type Part, session as sessionQuery } from '../api/queries.ts';
import { buttonStyle } from '../element/button.tsx';
import { Waiting } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { StatusBadge } from '../element/status-badge.tsx';
import { TestBadge } from '../element/test-badge.tsx';
import { t } from '../language/translate.ts';
import { Notes } from '../note/notes.tsx';
import { FoundSteps } from '../search/found-steps.tsx';
import { messagesBeside } from '../search/last-found.ts';
import { useHotKeys } from '../shell/hot-keys.ts';
import { BodyView } from './body-view.tsx';
import { MessageActions } from './message-actions.tsx';
import { MessageError } from './message-error.tsx';
import { MessageFacts } from './message-facts.tsx';
import { NoMessage } from './no-message.tsx';
import { PastOutcomes, pastReplyOf, ReplacedBy } from './past-outcomes.tsx';
import { RuleExplanation } from './rule-explanation.tsx';

/** One message: its body in large, and what is known about it. */
export function MessagePage(): ReactElement {
  const { id } = useParams({ from: '/messages/$id' });
  const { data, error } = useQuery(messageQuery(id));
  if (data !== undefined) return <Shown message={data} />;
  return (
    <Page title={t('Message {id}', { id: `${id}` })}>
      <NoMessage why={error} />
    </Page>
  );
}

function Shown({ message }: { readonly message: Message }): ReactElement {
  const { id, sessionId, status, source, target } = message;
  const { view } = useSearch({ from: '/messages/$id' });
  const navigate = useNavigate();
  const { data: session, isPending } = useQuery(sessionQuery(sessionId));
  useLiveSession(sessionId);
  // the answer stays, even if a person has ended the message since
  const reply = message.reply ?? pastReplyOf(id, session);
  // only such a message may have a second body that only the session knows about: it would move the
  // first one down
  const isAsked = isPending && message.by !== undefined && message.reply === undefined;
  useHotKeys({
    t: () => void navigate({ to: '/sessions/$id', params: { id }, search: { step: `${id}` } }),
    d: () => {
      if (message.parentId !== undefined)
        void navigate({
          to: '/messages/$id/diff',
          params: { id },
          search: { against: `${message.parentId}` },
        });
    },
  });
  return (
    <Page
      title={t('Message {id}', { id: `${id}` })}
      fixed
      detail={
        <span className="flex items-center gap-2">
          <StatusBadge status={status} /> <TestBadge by={message.testBy} /> {source} → {target}
        </span>
      }
      actions={
        <>
          <FoundSteps
            neighbours={messagesBeside(id)}
            onGo={(next) =>
              void navigate({ to: '/messages/$id', params: { id: next }, search: { view } })
            }
          />
          <Link
            to="/sessions/$id"
            params={{ id: sessionId }}
            search={{ step: `${id}` }}
            className={buttonStyle()}
          >
            <Waypoints size={14} aria-hidden="true" /> {t('Trace')}
          </Link>
          <MessageActions message={message} />
        </>
      }
    >
      <div className="grid min-h-0 flex-1 max-lg:overflow-auto lg:grid-cols-[minmax(0,1fr)_minmax(20rem,26rem)]">
        <div className="flex min-h-96 min-w-0 flex-col border-line bg-surface max-lg:border-b lg:min-h-0 lg:border-r">
          {isAsked ? <Waiting /> : <Bodies message={message} reply={reply} />}
        </div>
        <div
          className="flex flex-col gap-4 bg-surface p-4 lg:overflow-auto"
          tabIndex={0}
          role="region"
          aria-label={t('About the message')}
        >
          <About message={message} session={session} />
        </div>
      </div>
    </Page>
  );
}

/** The sent body and the answer, one at a time. */
function Bodies({
  message: { id, type, hasBody },
  reply,
}: {
  readonly message: Message;
  readonly reply: Message['reply'];
}): ReactElement {
  const { view, part } = useSearch({ from: '/messages/$id' });
  const navigate = useNavigate();
  const shown: Part = part === 'reply' && reply?.hasBody === true ? 'reply' : 'message';
  const change = (next: { readonly view?: string; readonly part?: string | undefined }): void =>
    void navigate({
      to: '/messages/$id',
      params: { id },
      search: (before) => ({ ...before, ...next }),
      replace: true,
    });
  return (
    <>
      {reply?.hasBody === true && (
        <div
          className="flex gap-1 border-b border-line px-2 py-1.5"
          role="group"
          aria-label={t('Which body')}
        >
          {(['message', 'reply'] as const).map((one) => (
            <button
              key={one}
              type="button"
              aria-pressed={shown === one}
              onClick={() => change({ part: one === 'reply' ? 'reply' : undefined })}
              className={`rounded-md px-2.5 py-0.5 text-xs ${shown === one ? 'bg-selected font-medium' : 'text-ink-2 hover:bg-hover'}`}
            >
              {one === 'message' ? t('Message') : t('Reply {code}', { code: reply.code ?? '' })}
            </button>
          ))}
        </div>
      )}
      {hasBody || shown === 'reply' ? (
        <BodyView
          key={shown}
          id={id}
          part={shown}
          type={shown === 'reply' ? (reply?.type ?? '') : type}
          view={view}
          onView={(next) => change({ view: next })}
        />
      ) : (
        <p className="p-4 text-ink-2">{t('The body of this message is no longer in the trace.')}</p>
      )}
    </>
  );
}

/** What is known about the message besides its body, and what happened to it. */
function About({
  message,
  session: { attempts, resends, past } = NOTHING,
}: {
  readonly message: Message;
  readonly session: Pick<Session, keyof typeof NOTHING> | undefined;
}): ReactElement {
  const { id, explain } = message;
  return (
    <>
      <MessageError message={message} attempts={attempts} />
      <ReplacedBy id={id} resends={resends} />
      <PastOutcomes id={id} past={past} />
      <MessageFacts message={message} />
      <section>
        <h2 className="mb-1">{t('Notes')}</h2>
        <Notes about="message" object={`${id}`} />
      </section>
      {explain !== undefined && (
        <section>
          <h2 className="mb-1">{t('Why it went there')}</h2>
          <RuleExplanation explain={explain} />
        </section>
      )}
    </>
  );
}

const NOTHING = { attempts: [], resends: [], past: [] } as const;
