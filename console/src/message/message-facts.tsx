import { Link } from '@tanstack/react-router';
import type { ReactElement, ReactNode } from 'react';
import type { Message } from '../../../src/api/contract/message.ts';
import { CopyButton } from '../element/copy-button.tsx';
import { bytes, duration, zone } from '../element/time-text.ts';
import { When } from '../element/when.tsx';
import { rich, t } from '../language/translate.ts';

/** What is known about a message besides its body, without what nobody needs. */
export function MessageFacts({ message }: { readonly message: Message }): ReactElement {
  const {
    id,
    sessionId,
    source,
    target,
    type,
    created,
    started,
    done,
    size,
    attempts,
    origin,
    caller,
    name,
    resendOf,
    duplicateOf,
    receivedBy,
    receivedIds,
    states,
    reply,
    part,
    parts,
    priority,
    traceparent,
    testBy,
  } = message;
  return (
    <dl className="grid grid-cols-[6.5rem_minmax(0,1fr)] gap-y-1 text-xs">
      <Fact name={t('Message')}>
        <span className="font-mono">{id}</span>{' '}
        <CopyButton text={`${id}`} label={t('Copy the message id')} />
      </Fact>
      <Fact name={t('Session')}>
        <Link
          to="/sessions/$id"
          params={{ id: sessionId }}
          search={{ step: `${id}` }}
          className="font-mono text-accent hover:underline"
        >
          {sessionId}
        </Link>
      </Fact>
      <Fact name={t('From, to')}>
        <HostLink host={source} /> → <HostLink host={target} />
      </Fact>
      <Fact name={t('Type')}>
        <span className="font-mono break-all">{type}</span>
      </Fact>
      <Fact name={t('Made')}>
        <When at={created} /> <span className="text-ink-2">{zone(created)},</span>{' '}
        <span className="text-ink-2">
          <When at={created} as="ago" />
        </span>
      </Fact>
      <Fact name={t('Waited')} when={started !== undefined}>
        {t('{duration} in the queue', { duration: duration((started ?? created) - created) })}
      </Fact>
      <Fact name={t('Settled')} when={done !== undefined}>
        <Settled message={message} />
      </Fact>
      <Fact name={t('Tries')} when={attempts > 1}>
        {attempts}
      </Fact>
      <Fact name={t('Size')}>{bytes(size)}</Fact>
      <Fact name={t('Came from')} when={origin !== undefined}>
        {origin}
      </Fact>
      <Fact name={t('Caller')} when={caller !== undefined}>
        <span className="break-all font-mono">{caller}</span>
      </Fact>
      <Fact name={t('Name')} when={name !== undefined}>
        <span className="break-all">{name}</span>
      </Fact>
      <Fact name={t('Part')} when={part !== undefined}>
        {t('{part} of {parts}', { part: part ?? 0, parts: parts ?? 0 })}
      </Fact>
      <Fact name={t('Reply')} when={reply !== undefined}>
        {[reply?.code, reply?.text].filter(Boolean).join(' · ') || reply?.type}
      </Fact>
      <Fact name={t('Resent from')} when={resendOf !== undefined}>
        <MessageLink id={resendOf ?? 0} />
      </Fact>
      <Fact name={t('Repeats')} when={duplicateOf !== undefined}>
        <MessageLink id={duplicateOf ?? 0} />
      </Fact>
      <Fact name={t('Received by')} when={receivedBy !== undefined}>
        <MessageLink id={receivedBy ?? 0} />
      </Fact>
      <Fact name={t('Received')} when={receivedIds !== undefined}>
        {receivedIds?.map((one) => (
          <span key={one}>
            <MessageLink id={one} />{' '}
          </span>
        ))}
      </Fact>
      <Fact name={t('Shared state')} when={states !== undefined}>
        <span className="break-all">{states?.join(', ')}</span>
      </Fact>
      <Fact name={t('Priority')} when={priority !== undefined}>
        {priority}
      </Fact>
      <Fact name={t('Test')} when={testBy !== undefined}>
        {t('sent by {name} as a test', { name: testBy ?? '' })}
      </Fact>
      <Fact name={t('Trace parent')} when={traceparent !== undefined}>
        <span className="font-mono break-all">{traceparent}</span>
      </Fact>
    </dl>
  );
}

/** When, how long after it was made, and by whom if a person settled it. */
function Settled({
  message: { created, done = created, by },
}: {
  readonly message: Message;
}): ReactElement {
  const values = {
    time: <When at={done} as="clock" />,
    quiet: (text: string) => <span className="text-ink-2">{text}</span>,
    duration: duration(done - created),
  };
  return by === undefined
    ? rich('{time} <quiet>after</quiet> {duration}', values)
    : rich('{time} <quiet>after</quiet> {duration}, by {name}', { ...values, name: by });
}

function Fact({
  name,
  children,
  when = true,
}: {
  readonly name: string;
  readonly children: ReactNode;
  readonly when?: boolean;
}): ReactElement | null {
  if (!when) return null;
  return (
    <>
      <dt className="text-ink-2">{name}</dt>
      <dd className="flex min-w-0 flex-wrap items-center gap-x-1">{children}</dd>
    </>
  );
}

function HostLink({ host }: { readonly host: string }): ReactElement {
  return host === '' ? (
    <span>?</span>
  ) : (
    <Link to="/hosts/$host" params={{ host }} className="text-accent hover:underline">
      {host}
    </Link>
  );
}

function MessageLink({ id }: { readonly id: number }): ReactElement {
  return (
    <Link to="/messages/$id" params={{ id }} className="font-mono text-accent hover:underline">
      {id}
    </Link>
  );
}
