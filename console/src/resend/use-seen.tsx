import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type ReactElement, useState } from 'react';
import type { Message, Seen } from '../../../src/api/contract/message.ts';
import { ApiProblem, ask } from '../api/client.ts';
import { STATUS_NAMES } from '../element/names.ts';
import { Warning } from '../element/notice.tsx';
import { rich, t } from '../language/translate.ts';

/** What somebody knows who is about to send a message once more. */
export interface Knowing {
  /** Sent with the order, which is refused if something else holds by then. */
  readonly seen: Seen | undefined;
  /** What happened to the message before, and since the dialog was opened. */
  readonly notice: ReactElement | null;
  /** It is not known yet, or somebody has acted on the message since and the order was not confirmed. */
  readonly isBlocked: boolean;
  /** Asks again: an order was refused. */
  readonly look: () => void;
}

/** Milliseconds. */
const LOOK_EVERY = 3_000;

/** Follows what others do with a message while a dialog about it is open: what they have done is not done again unseen. */
export function useSeen({ id, status }: Pick<Message, 'id' | 'status'>): Knowing {
  const { data, error, refetch } = useQuery({
    queryKey: ['seen', id],
    queryFn: async ({ signal }): Promise<Seen> => {
      const [now, { items }] = await Promise.all([
        ask('GET /messages/{id}', { path: { id }, signal }),
        ask('POST /messages/search', { body: { resendOf: id, limit: 1 }, signal }),
      ]);
      return { status: now.status, resent: items[0]?.id };
    },
    refetchInterval: LOOK_EVERY,
    staleTime: 0,
    gcTime: 0,
  });
  const [first, setFirst] = useState<Seen | undefined>(undefined);
  const [agreed, setAgreed] = useState<Seen | undefined>(undefined);
  const look = (): void => void refetch();
  if (data === undefined) {
    // who may not search cannot know more than the page shows
    const isRefused = error instanceof ApiProblem && error.status === 403;
    return { seen: undefined, notice: null, isBlocked: !isRefused, look };
  }
  // the page may have shown an older status
  if (first === undefined) setFirst({ ...data, status });
  const isNew = first !== undefined && !isSame(first, data);
  const isAgreed = agreed !== undefined && isSame(agreed, data);
  return {
    seen: data,
    notice: (
      <Notice
        seen={data}
        isNew={isNew}
        isAgreed={isAgreed}
        onAgree={(yes) => setAgreed(yes ? data : undefined)}
      />
    ),
    isBlocked: isNew && !isAgreed,
    look,
  };
}

const stage = (status: Message['status']): Message['status'] =>
  status === 'retrying' ? 'queued' : status;
const isSame = (a: Seen, b: Seen): boolean =>
  a.resent === b.resent && stage(a.status) === stage(b.status);

function Notice({
  seen: { status, resent },
  isNew,
  isAgreed,
  onAgree,
}: {
  readonly seen: Seen;
  readonly isNew: boolean;
  readonly isAgreed: boolean;
  readonly onAgree: (yes: boolean) => void;
}): ReactElement | null {
  if (resent === undefined && !isNew) return null;
  const values = {
    id: `${resent}`,
    status: STATUS_NAMES[status],
    // in another tab: this one has something to keep
    link: (text: string): ReactElement => (
      <Link to="/messages/$id" params={{ id: resent ?? 0 }} target="_blank" className="underline">
        {text}
      </Link>
    ),
  };
  return (
    <Warning>
      {!isNew
        ? rich('It has been sent again before, as <link>message {id}</link>.', values)
        : resent === undefined
          ? t('It has changed since you looked at it: it is {status} now.', values)
          : rich(
              'Since you looked at it, it has been sent again, as <link>message {id}</link>.',
              values,
            )}
      {isNew && (
        <label className="mt-1 flex items-center gap-2 text-ink">
          <input
            type="checkbox"
            checked={isAgreed}
            onChange={({ target }) => onAgree(target.checked)}
          />
          {t('Send it once more all the same')}
        </label>
      )}
    </Warning>
  );
}

/** Whether an order was begun and it is not known how it ended: somebody has to look, and may then order it anew. */
export const isUncertain = (error: unknown): boolean =>
  error instanceof ApiProblem && error.code === 'ORDER_UNCERTAIN';
