import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Construction } from 'lucide-react';
import { type ReactElement, Suspense, useState } from 'react';
import type { Maintenance } from '../../../src/api/contract/alert.ts';
import { ask } from '../api/client.ts';
import { lazyPart } from '../api/part.ts';
import { plannedWork } from '../api/queries.ts';
import { serverNow } from '../clock/server-clock.ts';
import { Button } from '../element/button.tsx';
import { ConfirmedButton } from '../element/confirmed-button.tsx';
import { Problem } from '../element/notice.tsx';
import { When } from '../element/when.tsx';
import { rich, t } from '../language/translate.ts';
import { useMay } from '../shell/me.ts';

const PlanDialog = lazyPart(() => import('./plan-dialog.tsx'), 'PlanDialog');

const HOUR = 3_600_000;

/** Work during which nobody is told of what it causes: all of it, or what is about one host. */
export function PlannedWork({
  host,
  underWay = false,
}: {
  readonly host?: string;
  /** Only what has begun. */
  readonly underWay?: boolean;
}): ReactElement | null {
  const { data, error } = useQuery(plannedWork);
  const found = data?.maintenance
    .filter(({ hosts }) => host === undefined || hosts.length === 0 || hosts.includes(host))
    .filter(({ from }) => !underWay || from <= serverNow());
  if (found === undefined) return error === null ? null : <Problem error={error} />;
  if (found.length === 0) return null;
  return (
    <ul aria-label={t('Planned work')} className="mb-3 flex flex-col gap-2">
      {found.map((work) => (
        <Work key={work.id} work={work} />
      ))}
    </ul>
  );
}

function Work({ work }: { readonly work: Maintenance }): ReactElement {
  const { hosts, from, to, reason, by } = work;
  const begun = from <= serverNow();
  const values = {
    strong: (text: string): ReactElement => <strong className="font-medium">{text}</strong>,
    hosts: hosts.join(', '),
    from: <When at={from} as="second" />,
    to: <When at={to} as="second" />,
    by,
    reason,
  };
  return (
    <li
      className={`flex flex-wrap items-start gap-x-3 gap-y-2 rounded-lg border px-3 py-2 ${begun ? 'border-info/40 bg-info-soft' : 'border-line bg-surface'}`}
    >
      <Construction size={16} className="mt-0.5 shrink-0 text-info" aria-hidden="true" />
      <p className="min-w-60 flex-1 break-words">
        {hosts.length === 0
          ? begun
            ? rich(
                '<strong>The whole production</strong> is being worked on until {to}. Nobody is told of what that causes. {reason} ({by})',
                values,
              )
            : rich(
                '<strong>The whole production</strong> will be worked on from {from} until {to}. {reason} ({by})',
                values,
              )
          : begun
            ? rich(
                '<strong>{hosts}</strong>: being worked on until {to}. Nobody is told of what that causes. {reason} ({by})',
                values,
              )
            : rich(
                '<strong>{hosts}</strong>: will be worked on from {from} until {to}. {reason} ({by})',
                values,
              )}
      </p>
      <Acts work={work} begun={begun} />
    </li>
  );
}

function Acts({
  work: { id, to },
  begun,
}: {
  readonly work: Maintenance;
  readonly begun: boolean;
}): ReactElement | null {
  const may = useMay();
  const client = useQueryClient();
  const longer = useMutation({
    mutationFn: () =>
      ask('POST /maintenance/{id}/until', { path: { id }, body: { to: to + HOUR } }),
    onSettled: () => client.invalidateQueries(),
  });
  if (!may('alert.manage')) return null;
  return (
    <div className="flex flex-wrap gap-2">
      <Button disabled={longer.isPending} onClick={() => longer.mutate()}>
        {t('An hour longer')}
      </Button>
      <ConfirmedButton
        asks={{
          title: begun ? t('End planned work') : t('Give up planned work'),
          children: begun
            ? t('From now on people are told again of what is wrong there.')
            : t('People will be told of what is wrong there, also at that time.'),
          act: begun ? t('End it ## planned work') : t('Give it up ## planned work'),
          look: 'primary',
          order: () =>
            ask('POST /maintenance/{id}/until', { path: { id }, body: { to: serverNow() } }),
        }}
      >
        {begun ? t('End now') : t('Give up')}
      </ConfirmedButton>
      {longer.isError && <Problem error={longer.error} />}
    </div>
  );
}

/** Opens the form to plan work, for those who may. */
export function PlanButton({ host }: { readonly host?: string }): ReactElement | null {
  const may = useMay();
  const [open, setOpen] = useState(false);
  if (!may('alert.manage')) return null;
  return (
    <>
      <Button onClick={() => setOpen(true)}>
        <Construction size={14} aria-hidden="true" /> {t('Plan work…')}
      </Button>
      <Suspense>
        {open && (
          <PlanDialog chosen={host === undefined ? [] : [host]} onClose={() => setOpen(false)} />
        )}
      </Suspense>
    </>
  );
}
