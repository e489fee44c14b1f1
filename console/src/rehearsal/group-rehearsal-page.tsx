import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { RefreshCcw, RefreshCw } from 'lucide-react';
import { type ReactElement, useEffect, useState } from 'react';
import { ask } from '../api/client.ts';
import { serverNow } from '../clock/server-clock.ts';
import { Button } from '../element/button.tsx';
import { CopyButton } from '../element/copy-button.tsx';
import { Field } from '../element/field.tsx';
import { Nothing, Problem, Waiting, Warning } from '../element/notice.tsx';
import { Page, Panel } from '../element/page.tsx';
import { t } from '../language/translate.ts';
import { criteriaOf } from '../search/search-state.ts';
import { FilePlace } from '../shell/file-place.tsx';
import { useMay } from '../shell/me.ts';
import { Groups, How } from './trial-result.tsx';
import { type Group, type SoFar, type Trial, useRehearsals } from './use-rehearsals.ts';

/** A whole group of messages tried with the files as they are now; then the way to apply them and to process the group again. */
export function GroupRehearsalPage(): ReactElement {
  const { ids, frozen: list, reason, ...state } = useSearch({ from: '/rehearsals' });
  const navigate = useNavigate();
  const [now] = useState(serverNow);
  const trial = useRehearsals(
    list !== undefined
      ? { list }
      : ids === undefined
        ? { criteria: criteriaOf(state, now) }
        : { ids: ids.split(',').map(Number) },
    // loaded again, it is about the same messages
    (named) =>
      void navigate({ to: '/rehearsals', search: { frozen: named, reason }, replace: true }),
  );
  const { found, error, isRunning, isWaiting, again } = trial;
  return (
    <Page
      title={t('What the files would do')}
      detail={
        found === undefined
          ? undefined
          : t('{count} {count|message|messages}; nothing is sent', { count: found.total })
      }
      actions={
        <Button disabled={isRunning} onClick={again}>
          <RefreshCw size={14} aria-hidden="true" /> {isRunning ? t('Trying…') : t('Try again')}
        </Button>
      }
    >
      <div className="flex flex-col gap-4">
        {error !== null && <Problem error={error} />}
        {isWaiting && (
          <Warning>
            {t('The server is away or busy: the trial goes on by itself once it answers.')}
          </Warning>
        )}
        {found === undefined && error === null && (
          <div role="status">
            <p className="px-3 text-ink-2">{t('Looking for the messages…')}</p>
            <Waiting />
          </div>
        )}
        {found?.total === 0 && <Nothing>{t('No message matches.')}</Nothing>}
        {found !== undefined && found.total > 0 && (
          <>
            <How found={found} trial={trial} />
            <Groups groups={found.groups} />
            <Places groups={found.groups} />
            <GoOn key={found.run} found={found} trial={trial} given={reason} />
          </>
        )}
      </div>
    </Page>
  );
}

const WHAT = {
  rule: t('rule'),
  transform: t('transform'),
  lookup: t('table'),
} as const satisfies Record<Group['places'][number]['what'], string>;

/** Where in the files it is decided: what to open. */
function Places({ groups }: { readonly groups: readonly Group[] }): ReactElement | null {
  const all = new Map(
    groups.flatMap(({ places }) => places).map((one) => [`${one.what} ${one.name}`, one]),
  );
  if (all.size === 0) return null;
  return (
    <Panel title={t('Where it is decided')} flush>
      <ul>
        {[...all.values()].map(({ what, name, file, line }) => (
          <li
            key={`${what} ${name}`}
            className="flex flex-wrap items-center gap-x-3 border-t border-line px-3 py-1.5 text-xs first:border-0"
          >
            <span className="w-20 text-ink-2">{WHAT[what]}</span>
            <span className="font-medium">{name}</span>
            <span className="ml-auto inline-flex items-center gap-1 font-mono break-all">
              <FilePlace file={file} line={line} />
              <CopyButton text={`${file}:${line}`} label={t('Copy the place')} />
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** Applies the files that were tried, and processes the messages again by them. */
function GoOn({
  found: { list, total, version },
  trial,
  given = '',
}: {
  readonly found: SoFar;
  readonly trial: Trial;
  /** The reason, where it was written before. */
  readonly given: string | undefined;
}): ReactElement | null {
  const may = useMay();
  const [reason, setReason] = useState(given);
  const [wasApplied, setApplied] = useState(false);
  const { isOlder, differs } = useStanding(version, trial);
  const mayProcess = may('message.bulk') && may('message.resend');
  const isApplied = wasApplied || differs === false;
  const why = reason.trim();
  if (!may('config.deploy') && !mayProcess) return null;
  return (
    <Panel title={t('Apply, then process again')}>
      <div className="flex flex-col gap-3">
        {isOlder && (
          <Warning>
            {t('The files have changed since these messages were tried: try again.')}
          </Warning>
        )}
        {(isApplied || differs === true) && <HowItStands isApplied={isApplied} />}
        <div className="flex flex-wrap items-end gap-3">
          <Field
            label={t('Reason')}
            className="w-80"
            value={reason}
            onChange={({ target }) => setReason(target.value)}
          />
          {may('config.deploy') && !isApplied && (
            <Apply why={why} version={version} onApplied={() => setApplied(true)} />
          )}
          {mayProcess && <ProcessAgain why={why} list={list} total={total} isApplied={isApplied} />}
        </div>
      </div>
    </Panel>
  );
}

/** How the files that were tried stand to those on disk, and those to what runs; undefined until it is known. */
function useStanding(
  version: string | undefined,
  { isKept, isRunning, again }: Trial,
): { readonly isOlder: boolean; readonly differs: boolean | undefined } {
  const may = useMay();
  const { data } = useQuery({
    queryKey: ['configuration', version],
    queryFn: () => ask('POST /production/reload', { body: { dryRun: true } }),
    enabled: may('config.view') && version !== undefined,
  });
  const isOlder = !isRunning && data !== undefined && data.version !== version;
  const isOfBefore = isOlder && isKept;
  useEffect(() => {
    // whoever comes back from changing the files wants to know what they do now
    if (isOfBefore) again();
  }, [isOfBefore]);
  return {
    isOlder,
    differs: data === undefined ? undefined : data.hosts.length + data.production.length > 0,
  };
}

function Apply({
  why,
  version,
  onApplied,
}: {
  readonly why: string;
  readonly version: string | undefined;
  readonly onApplied: () => void;
}): ReactElement {
  const client = useQueryClient();
  const apply = useMutation({
    mutationFn: () =>
      ask('POST /production/reload', { body: { dryRun: false, reason: why, version } }),
    onSuccess: async () => {
      onApplied();
      await client.invalidateQueries();
    },
  });
  return (
    <>
      <Button
        look="primary"
        disabled={why === '' || apply.isPending || version === undefined}
        onClick={() => apply.mutate()}
      >
        {t('Apply')}
      </Button>
      {apply.isError && (
        <div className="order-last w-full">
          <Problem error={apply.error} />
        </div>
      )}
    </>
  );
}

function ProcessAgain({
  why,
  list,
  total,
  isApplied,
}: {
  readonly why: string;
  readonly list: string;
  readonly total: number;
  readonly isApplied: boolean;
}): ReactElement {
  const navigate = useNavigate();
  const process = useMutation({
    mutationFn: () => ask('POST /jobs', { body: { type: 'reprocess', list, reason: why } }),
    onSuccess: ({ job }) =>
      job === undefined ? undefined : navigate({ to: '/jobs/$id', params: { id: job.id } }),
  });
  return (
    <>
      <Button
        look={isApplied ? 'primary' : 'plain'}
        disabled={why === '' || process.isPending || !isApplied}
        onClick={() => process.mutate()}
      >
        <RefreshCcw size={14} aria-hidden="true" />{' '}
        {t('Process {count} {count|message|messages} again', { count: total })}
      </Button>
      {process.isError && (
        <div className="order-last w-full">
          <Problem error={process.error} />
        </div>
      )}
    </>
  );
}

/** Whether what was tried is what runs. */
function HowItStands({ isApplied }: { readonly isApplied: boolean }): ReactElement {
  if (isApplied) return <p className="text-good">{t('What is running matches the files.')}</p>;
  return (
    <p className="text-ink-2">
      {t('What runs is not what the files say: what was tried comes true once it is applied.')}{' '}
      <Link to="/configuration" className="text-accent underline">
        {t('What would change')}
      </Link>
    </p>
  );
}
