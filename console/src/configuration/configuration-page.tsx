import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { FileText, History } from 'lucide-react';
import { type ReactElement, useEffect, useState } from 'react';
import type { ReloadReport } from '../../../src/api/contract/host.ts';
import { ask } from '../api/client.ts';
import { Button, buttonStyle } from '../element/button.tsx';
import { Field } from '../element/field.tsx';
import { CHANGE_NAMES } from '../element/names.ts';
import { Problem, Waiting, Warning } from '../element/notice.tsx';
import { Page, Panel } from '../element/page.tsx';
import { t } from '../language/translate.ts';
import { useMay } from '../shell/me.ts';
import { Changes } from './changes.tsx';

/** The files compared with what is running, and applying them. */
export function ConfigurationPage(): ReactElement {
  const may = useMay();
  const client = useQueryClient();
  const [reason, setReason] = useState('');
  const [leaves, setLeaves] = useState(false);
  const look = useMutation({
    mutationFn: () => ask('POST /production/reload', { body: { dryRun: true } }),
  });
  const apply = useMutation({
    mutationFn: () =>
      ask('POST /production/reload', {
        body: {
          dryRun: false,
          reason: reason.trim(),
          version: look.data?.version,
          leaveWaiting: leaves,
        },
      }),
    onSuccess: () => client.invalidateQueries(),
  });
  const { mutate } = look;
  useEffect(() => mutate(), [mutate]);
  const report = apply.data ?? look.data;
  const same = report !== undefined && report.hosts.length === 0 && report.production.length === 0;
  return (
    <Page
      title={t('Configuration')}
      detail={t('the files on disk compared with what is running')}
      actions={
        <>
          <Link to="/files" className={buttonStyle()}>
            <FileText size={14} aria-hidden="true" /> {t('Files')}
          </Link>
          <Link to="/history" className={buttonStyle()}>
            <History size={14} aria-hidden="true" /> {t('History')}
          </Link>
          <Button
            disabled={look.isPending}
            onClick={() => {
              apply.reset();
              setLeaves(false);
              look.mutate();
            }}
          >
            {t('Read the files again')}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        {look.isError && <Problem error={look.error} />}
        {apply.isError && <Problem error={apply.error} />}
        {report === undefined && look.isPending && <Waiting />}
        {same && (
          <p role="status" className="rounded-md border border-line bg-surface p-4">
            {report.applied ? t('Applied.') : t('What is running matches the files.')}
          </p>
        )}
        {report !== undefined && !same && (
          <>
            {report.applied ? (
              <p
                role="status"
                className="rounded-md border border-line bg-good-soft px-3 py-2 text-good"
              >
                {t('Applied on every engine.')}
              </p>
            ) : (
              may('config.deploy') && (
                <ApplyForm
                  restarts={report.restarts}
                  isBlocked={apply.isPending || (!leaves && report.waiting.length > 0)}
                  reason={reason}
                  onReason={setReason}
                  onApply={() => apply.mutate()}
                />
              )
            )}
            <WaitingMessages
              report={report}
              leaves={leaves}
              onLeaves={may('config.deploy') ? setLeaves : undefined}
            />
            {report.production.length > 0 && (
              <Panel title={t('Production')} flush>
                <Changes changes={report.production} />
              </Panel>
            )}
            {report.hosts.map(({ host, how, changes, restart }) => (
              <Panel
                key={host}
                title={
                  restart
                    ? t('{host}: {change}, restarts', { host, change: CHANGE_NAMES[how] })
                    : `${host}: ${CHANGE_NAMES[how]}`
                }
                flush
              >
                <Changes changes={changes} />
              </Panel>
            ))}
          </>
        )}
      </div>
    </Page>
  );
}

function ApplyForm({
  restarts,
  isBlocked,
  reason,
  onReason,
  onApply,
}: {
  readonly restarts: readonly string[];
  readonly isBlocked: boolean;
  readonly reason: string;
  readonly onReason: (reason: string) => void;
  readonly onApply: () => void;
}): ReactElement {
  return (
    <div className="flex flex-wrap items-end gap-3">
      <Field
        label={t('Reason')}
        className="w-80"
        value={reason}
        onChange={({ target }) => onReason(target.value)}
      />
      <Button look="primary" disabled={isBlocked || reason.trim() === ''} onClick={onApply}>
        {restarts.length === 0
          ? t('Apply')
          : t('Apply, restarts {hosts}', { hosts: restarts.join(', ') })}
      </Button>
    </div>
  );
}

/** What waits for hosts that would be removed, and confirming that it may stay. */
function WaitingMessages({
  report: { waiting, applied },
  leaves,
  onLeaves,
}: {
  readonly report: ReloadReport;
  readonly leaves: boolean;
  readonly onLeaves: ((leaves: boolean) => void) | undefined;
}): ReactElement {
  return (
    <>
      {waiting.map(({ host, depth, becomes }) => (
        <Warning key={host}>
          {becomes === undefined
            ? t(
                'Messages that wait for {host}: {count}. They stay, and are sent once the production has this host again.',
                { host, count: depth },
              )
            : t(
                'Messages that wait for {host}: {count}. It becomes another kind of host, which gets them as they are.',
                { host, count: depth },
              )}
        </Warning>
      ))}
      {waiting.length > 0 && !applied && onLeaves !== undefined && (
        <label className="flex items-center gap-2 text-xs">
          <input
            type="checkbox"
            checked={leaves}
            onChange={({ target }) => onLeaves(target.checked)}
          />
          {t('Remove these hosts although messages wait for them')}
        </label>
      )}
    </>
  );
}
