import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import { difference, message as messageQuery, session as sessionQuery } from '../api/queries.ts';
import { buttonStyle } from '../element/button.tsx';
import { INPUT } from '../element/field.tsx';
import { Problem, Waiting } from '../element/notice.tsx';
import { Page } from '../element/page.tsx';
import { Masked } from '../message/hl7-tree.tsx';
import { FieldDiff } from './field-diff.tsx';
import { LineDiff } from './line-diff.tsx';

/** What a transform, or a person, changed: the message before it and the message after it. */
export function DiffPage(): ReactElement {
  const { id } = useParams({ from: '/messages/$id/diff' });
  const { against } = useSearch({ from: '/messages/$id/diff' });
  const navigate = useNavigate();
  const { data: message } = useQuery(messageQuery(id));
  const { data: session } = useQuery({
    ...sessionQuery(message?.sessionId ?? 0),
    enabled: message !== undefined,
  });
  const before = against === undefined ? (message?.parentId ?? message?.resendOf) : Number(against);
  const { data, error } = useQuery(difference(id, before));
  const others = (session?.messages ?? []).filter((one) => one.id !== id && one.hasBody);
  const transform = session?.messages
    .find((one) => one.id === before)
    ?.explain?.sent.find(({ to }) => to === message?.target)?.transform;
  return (
    <Page
      title={`What changed in message ${id}`}
      detail={
        message !== undefined && (
          <span>
            {message.source} → {message.target}
            {transform !== undefined && (
              <>
                {' '}
                by <strong>{transform}</strong>
              </>
            )}
          </span>
        )
      }
      actions={
        <>
          <Link to="/messages/$id" params={{ id }} className={buttonStyle()}>
            Message
          </Link>
          {message !== undefined && (
            <Link
              to="/sessions/$id"
              params={{ id: message.sessionId }}
              search={{ step: `${id}` }}
              className={buttonStyle()}
            >
              Trace
            </Link>
          )}
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <label className="flex flex-wrap items-center gap-2 text-xs text-ink-2">
          Compared with
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
              <option value={before}>message {before}</option>
            )}
            {others.map((one) => (
              <option key={one.id} value={one.id}>
                {one.source} → {one.target} · {one.id}
              </option>
            ))}
          </select>
          {data !== undefined && (
            <Count kind={data.kind} fields={data.fields.length} equal={data.equal} />
          )}
          {data?.masked === true && <Masked />}
        </label>
        {before === undefined && message !== undefined && (
          <p className="text-ink-2">This message came from outside: nothing came before it.</p>
        )}
        {error !== null && <Problem error={error} />}
        {data === undefined && error === null && before !== undefined && <Waiting />}
        {data?.equal === true && (
          <p className="rounded-md border border-line bg-surface p-4">
            Both bodies are the same, byte for byte.
          </p>
        )}
        {data?.equal === false &&
          (data.kind === 'hl7' ? (
            <FieldDiff fields={data.fields} />
          ) : (
            <LineDiff lines={data.lines} />
          ))}
        {data?.truncated === true && (
          <p className="text-warn">There are more differences than are shown.</p>
        )}
      </div>
    </Page>
  );
}

function Count({
  kind,
  fields,
  equal,
}: {
  readonly kind: string;
  readonly fields: number;
  readonly equal: boolean;
}): ReactElement {
  return (
    <span>
      {equal || kind !== 'hl7'
        ? ''
        : `${fields} ${fields === 1 ? 'field differs' : 'fields differ'}`}
    </span>
  );
}
