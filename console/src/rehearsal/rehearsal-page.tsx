import { useQuery } from '@tanstack/react-query';
import { Link, useParams, useSearch } from '@tanstack/react-router';
import { CircleCheck, Minus, PencilLine, Plus, RefreshCw } from 'lucide-react';
import type { ReactElement } from 'react';
import type { Rehearsal } from '../../../src/api/contract/rehearsal.ts';
import { ask } from '../api/client.ts';
import { FieldDiff } from '../diff/field-diff.tsx';
import { LineDiff } from '../diff/line-diff.tsx';
import { useEdits } from '../edit/edits.ts';
import { Button, buttonStyle } from '../element/button.tsx';
import { Nothing, Pending } from '../element/notice.tsx';
import { Page, Panel } from '../element/page.tsx';
import { StatusBadge } from '../element/status-badge.tsx';
import { serverText } from '../language/server-text.ts';
import { t } from '../language/translate.ts';
import { Masked } from '../message/hl7-tree.tsx';
import { RuleExplanation } from '../message/rule-explanation.tsx';

type Target = Rehearsal['targets'][number];

/** A past message, tried with the current files: what each target would get, compared with what it got. */
export function RehearsalPage(): ReactElement {
  const { id } = useParams({ from: '/messages/$id/rehearsal' });
  const { files } = useSearch({ from: '/messages/$id/rehearsal' });
  const { all: edits } = useEdits();
  const body = files === undefined ? {} : files === 'edits' ? { edits } : { draft: Number(files) };
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: ['rehearsals', id, body],
    queryFn: ({ signal }) => ask('POST /messages/{id}/rehearsal', { path: { id }, body, signal }),
    // each try reads the files and is in the audit log: it is only made on request
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
    refetchOnWindowFocus: false,
    gcTime: 0,
  });
  return (
    <Page
      title={
        files === undefined ? t('What the files would do') : t('What the changed files would do')
      }
      detail={
        <span className="flex flex-wrap items-center gap-2">
          {t('message {id}; nothing is sent', { id: `${id}` })}
          {data?.masked === true && <Masked />}
        </span>
      }
      actions={
        <>
          <Link to="/messages/$id" params={{ id }} className={buttonStyle()}>
            {t('Message')}
          </Link>
          <Button disabled={isFetching} onClick={() => void refetch()}>
            <RefreshCw size={14} aria-hidden="true" /> {isFetching ? t('Trying…') : t('Try again')}
          </Button>
        </>
      }
    >
      <Pending answer={data} error={error} />
      {data !== undefined && (
        <div className="grid items-start gap-4 xl:grid-cols-[minmax(0,2fr)_minmax(0,1fr)]">
          <div className="flex min-w-0 flex-col gap-3">
            <Verdict targets={data.targets} />
            {data.targets.map((target, index) => (
              <TargetCard key={`${target.to} ${index}`} target={target} />
            ))}
          </div>
          <div className="flex min-w-0 flex-col gap-3">
            {data.processes.map(({ process, status, explain, error: failure }) => (
              <Panel
                key={process}
                title={t('{process} would decide', { process })}
                actions={<StatusBadge status={status} />}
              >
                {failure !== undefined && (
                  <p className="mb-2 text-bad">{serverText(failure.text)}</p>
                )}
                {explain !== undefined && <RuleExplanation explain={explain} />}
              </Panel>
            ))}
          </div>
        </div>
      )}
    </Page>
  );
}

/** The answer in one line. */
function Verdict({ targets }: { readonly targets: readonly Target[] }): ReactElement {
  const other = targets.filter(({ change }) => change !== 'same').length;
  if (targets.length === 0)
    return (
      <Nothing>
        {t('The message went nowhere, and with the current files it would go nowhere.')}
      </Nothing>
    );
  return (
    <p
      role="status"
      className={`rounded-md border border-line px-3 py-2 ${other === 0 ? 'bg-good-soft text-good' : 'bg-warn-soft text-warn'}`}
    >
      {other === 0
        ? t('The same: {count} {count|target|targets} would get what they got, byte for byte.', {
            count: targets.length,
          })
        : t('{other} of {count} {count|target|targets} would get something else.', {
            other,
            count: targets.length,
          })}
    </p>
  );
}

const LOOKS = {
  same: { icon: CircleCheck, style: 'text-good', word: t('the same') },
  changed: { icon: PencilLine, style: 'text-warn', word: t('would get this instead') },
  added: { icon: Plus, style: 'text-warn', word: t('would get it now, but did not') },
  removed: { icon: Minus, style: 'text-bad', word: t('would no longer get it') },
} as const satisfies Record<Target['change'], unknown>;

function TargetCard({
  target: { to, change, before, kind, fields, lines, truncated },
}: {
  readonly target: Target;
}): ReactElement {
  const { icon: Icon, style, word } = LOOKS[change];
  return (
    <section className="flex flex-col gap-2">
      <h2 className="flex flex-wrap items-center gap-2">
        <Icon size={15} className={`shrink-0 ${style}`} aria-hidden="true" />
        <Link to="/hosts/$host" params={{ host: to }} className="text-accent hover:underline">
          {to}
        </Link>
        <span className={`text-xs font-normal ${style}`}>{word}</span>
        {before !== undefined && (
          <Link
            to="/messages/$id"
            params={{ id: before }}
            className="font-mono text-xs font-normal text-ink-2 hover:underline"
          >
            {before}
          </Link>
        )}
      </h2>
      {change === 'changed' &&
        (kind === 'hl7' ? <FieldDiff fields={fields} /> : <LineDiff lines={lines} />)}
      {truncated && <p className="text-warn">{t('There are more differences than shown.')}</p>}
    </section>
  );
}
