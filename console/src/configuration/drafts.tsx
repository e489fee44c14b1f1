import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import type { Draft, DraftView } from '../../../src/api/contract/files.ts';
import { ApiProblem, ask } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { ConfirmedButton } from '../element/confirmed-button.tsx';
import { Pending, Problem } from '../element/notice.tsx';
import { Panel } from '../element/page.tsx';
import { count } from '../element/time-text.ts';
import { When } from '../element/when.tsx';
import { t } from '../language/translate.ts';
import { Groups } from '../rehearsal/trial-result.tsx';
import { me as meQuery, useMay } from '../shell/me.ts';
import { draftsQuery } from './change-bar.tsx';
import { CheckResult } from './check-result.tsx';
import { ChangedFiles } from './comparison.tsx';
import { EditTrial } from './edit-trial.tsx';

/** Proposed changes that have not been decided. */
export function OpenDrafts(): ReactElement | null {
  const { data } = useQuery(draftsQuery);
  const open = data?.drafts.filter(({ state }) => state === 'open') ?? [];
  return (
    <>
      {open.map((draft) => (
        <OpenDraft key={draft.id} draft={draft} approval={data?.approval ?? false} />
      ))}
    </>
  );
}

function OpenDraft({
  draft: { id, by, at, reason, paths },
  approval,
}: {
  readonly draft: Draft;
  readonly approval: boolean;
}): ReactElement {
  const may = useMay();
  const { data: me } = useQuery(meQuery);
  const client = useQueryClient();
  const [isOpen, setOpen] = useState(false);
  const { data, error } = useQuery({
    queryKey: ['draft', id],
    queryFn: ({ signal }) => ask('GET /production/drafts/{id}', { path: { id }, signal }),
    enabled: isOpen,
  });
  const again = () => client.invalidateQueries();
  const apply = useMutation({
    mutationFn: (leaveWaiting: boolean) =>
      ask('POST /production/drafts/{id}/apply', { path: { id }, body: { leaveWaiting } }),
    onSettled: again,
  });
  const isOwn = me?.name.toLowerCase() === by.toLowerCase();
  const waits = apply.error instanceof ApiProblem && apply.error.code === 'MESSAGES_WAITING';
  const mayApply = may('config.deploy') && !(approval && isOwn);
  return (
    <Panel
      title={t('Proposed by {by}: {reason}', { by, reason })}
      actions={
        <Button aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? t('Close') : t('Look at it')}
        </Button>
      }
    >
      <div className="flex flex-col gap-3">
        <p className="text-xs text-ink-2">
          <When at={at} as="second" /> ·{' '}
          <span className="font-mono" translate="no">
            {paths.join(', ')}
          </span>
          {approval && isOwn && <> · {t('somebody else has to apply it')}</>}
        </p>
        {isOpen && (
          <>
            <Pending answer={data} error={error} />
            {data?.check !== undefined && <CheckResult report={data.check} />}
            {data !== undefined && <ChangedFiles files={data.files} />}
            {data?.trial !== undefined && <AuthorsTrial id={id} trial={data.trial} />}
            {data !== undefined && may('message.content') && (
              <EditTrial files={{ draft: id }} place={`${id}`} />
            )}
            <Decisions
              isOwn={isOwn}
              mayApply={mayApply && data !== undefined}
              waits={waits}
              isPending={apply.isPending}
              onApply={() => apply.mutate(waits)}
              onRefuse={() =>
                ask('POST /production/drafts/{id}/refuse', { path: { id }, body: {} }).finally(
                  () => void again(),
                )
              }
            />
            {apply.isError && <Problem error={apply.error} />}
          </>
        )}
      </div>
    </Panel>
  );
}

/** What its author saw of it, as the server kept it. */
function AuthorsTrial({
  id,
  trial: { by, at, done, total, groups },
}: {
  readonly id: number;
  readonly trial: NonNullable<DraftView['trial']>;
}): ReactElement {
  return (
    <div className="flex flex-col gap-2">
      <p className="text-xs text-ink-2">
        {t('{by} tried it on {done} of {total} messages', {
          by,
          done: count(done),
          total: count(total),
        })}{' '}
        · <When at={at} as="second" />
      </p>
      <Groups groups={groups} files={`${id}`} />
    </div>
  );
}

interface DecisionProps {
  readonly isOwn: boolean;
  readonly mayApply: boolean;
  /** Whether messages wait for a host that would be removed. */
  readonly waits: boolean;
  readonly isPending: boolean;
  readonly onApply: () => void;
  readonly onRefuse: () => Promise<unknown>;
}

function Decisions({
  isOwn,
  mayApply,
  waits,
  isPending,
  onApply,
  onRefuse,
}: DecisionProps): ReactElement {
  const may = useMay();
  return (
    <div className="flex flex-wrap gap-2">
      {mayApply && (
        <Button look="primary" disabled={isPending} onClick={onApply}>
          {waits ? t('Apply all the same') : t('Apply')}
        </Button>
      )}
      {(isOwn || may('config.deploy')) && (
        <ConfirmedButton
          disabled={isPending}
          asks={{
            title: isOwn ? t('Withdraw') : t('Refuse'),
            children: t(
              'The proposed changes are not applied and no longer shown: who wants them makes them again.',
            ),
            act: isOwn ? t('Withdraw it') : t('Refuse it'),
            order: onRefuse,
          }}
        >
          {isOwn ? t('Withdraw') : t('Refuse')}
        </ConfirmedButton>
      )}
    </div>
  );
}
