import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import type { Diff } from '../../../src/api/contract/body.ts';
import type { Message, Session } from '../../../src/api/contract/message.ts';
import { difference, message as messageQuery, session as sessionQuery } from '../api/queries.ts';
import { buttonStyle } from '../element/button.tsx';
import { INPUT } from '../element/field.tsx';
import { Pending } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { rich, t } from '../language/translate.ts';
import { Masked } from '../message/hl7-tree.tsx';
import { NoMessage } from '../message/no-message.tsx';
import { FieldDiff } from './field-diff.tsx';
import { LineDiff } from './line-diff.tsx';

/** What a transform, or a person, changed: the message before it and the message after it. */
export function DiffPage(): ReactElement {
  const { id } = useParams({ from: '/messages/$id/diff' });
  const { against } = useSearch({ from: '/messages/$id/diff' });
  const navigate = useNavigate();
  const { data: message, error: noMessage } = useQuery(messageQuery(id));
  const { data: session } = useQuery({
    ...sessionQuery(message?.sessionId ?? 0),
    enabled: message !== undefined,
  });
  const before = against === undefined ? (message?.parentId ?? message?.resendOf) : Number(against);
  const { data, error } = useQuery(difference(id, before));
  const others = (session?.messages ?? []).filter((one) => one.id !== id && one.hasBody);
  const transform = transformOf(session, before, message?.target);
  if (message === undefined)
    return (
      <Page title={t('What changed in message {id}', { id: `${id}` })}>
        <NoMessage why={noMessage} />
      </Page>
    );
  return (
    <Page
      title={t('What changed in message {id}', { id: `${id}` })}
      detail={<Way message={message} transform={transform} />}
      actions={
        <>
          <Link
            to="/sessions/$id"
            params={{ id: message.sessionId }}
            search={{ step: `${id}` }}
            className={buttonStyle()}
          >
            {t('Trace')}
          </Link>
          <Link to="/messages/$id" params={{ id }} className={buttonStyle()}>
            {t('Message')}
          </Link>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <label className="flex flex-wrap items-center gap-2 text-xs text-ink-2">
          {t('Compared with')}
          <select
            className={`${INPUT} !w-auto max-w-full`}
            value={before ?? ''}
            onChange={({ target }) =>
              void navigate({
                to: '/messages/$id/diff',
                params: { id },
                search: { against: target.value },
                replace: true,
              })
            }
          >
            {before !== undefined && !others.some((one) => one.id === before) && (
              <option value={before}>{t('message {id}', { id: `${before}` })}</option>
            )}
            {others.map((one) => (
              <option key={one.id} value={one.id}>
                {one.source} → {one.target} · {one.id}
              </option>
            ))}
          </select>
          {data !== undefined && <Count difference={data} />}
        </label>
        {before === undefined ? (
          <p className="text-ink-2">
            {t('This message came from outside: nothing came before it.')}
          </p>
        ) : (
          <Pending answer={data} error={error} />
        )}
        {data !== undefined && <Differences difference={data} />}
      </div>
    </Page>
  );
}

function Count({
  difference: { kind, fields, equal, masked },
}: {
  readonly difference: Diff;
}): ReactElement {
  const differ = t('{count} {count|field differs|fields differ}', { count: fields.length });
  return (
    <>
      <span>{equal || kind === 'lines' ? '' : differ}</span>
      {masked && <Masked />}
    </>
  );
}

function Differences({
  difference: { equal, kind, fields, lines, truncated },
}: {
  readonly difference: Diff;
}): ReactElement {
  if (equal) {
    return (
      <p className="rounded-md border border-line bg-surface p-4">
        {t('Both bodies are the same, byte for byte.')}
      </p>
    );
  }
  return (
    <>
      {kind !== 'lines' ? <FieldDiff fields={fields} /> : <LineDiff lines={lines} />}
      {truncated && <p className="text-warn">{t('There are more differences than shown.')}</p>}
    </>
  );
}

/** The source and target, and the transform chosen by the rules. */
function Way({
  message,
  transform,
}: {
  readonly message: Message;
  readonly transform: string | undefined;
}): ReactElement {
  const way = `${message.source} → ${message.target}`;
  return (
    <span>
      {transform === undefined
        ? way
        : rich('{way} by <strong>{transform}</strong>', {
            way,
            transform,
            strong: (text) => <strong>{text}</strong>,
          })}
    </span>
  );
}

/** The transform that was used, according to the session, from one message to the target of another. */
function transformOf(
  session: Session | undefined,
  from: number | undefined,
  target: string | undefined,
): string | undefined {
  const source = session?.messages.find(({ id }) => id === from);
  return source?.explain?.sent.find(({ to }) => to === target)?.transform;
}
