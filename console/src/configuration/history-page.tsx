import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { Undo2 } from 'lucide-react';
import { type ReactElement, useState } from 'react';
import type { History } from '../../../src/api/contract/files.ts';
import { ApiProblem, ask } from '../api/client.ts';
import { Button, buttonStyle } from '../element/button.tsx';
import { Field } from '../element/field.tsx';
import { ListTable } from '../element/list-table.tsx';
import { Modal } from '../element/modal.tsx';
import { Nothing, Pending, Problem } from '../element/notice.tsx';
import { Page, Panel } from '../element/page.tsx';
import { When } from '../element/when.tsx';
import { t } from '../language/translate.ts';
import { useMay } from '../shell/me.ts';
import { ComparisonView } from './comparison.tsx';
import { ORIGINS } from './origins.ts';

type Version = History['versions'][number];

/** What was applied, when, by whom and why; any two versions can be compared, and any one restored. */
export function HistoryPage(): ReactElement {
  const { data, error } = useQuery({
    queryKey: ['history'],
    queryFn: ({ signal }) => ask('GET /production/history', { signal }),
  });
  const { version } = useSearch({ from: '/history' });
  const versions = data?.versions ?? [];
  const [newest] = versions;
  const at = Math.max(
    0,
    versions.findIndex((one) => keyOf(one) === version),
  );
  const chosen = versions[at];
  return (
    <Page
      title={t('History')}
      detail={t('what was applied, by whom and why')}
      actions={
        <Link to="/configuration" className={buttonStyle()}>
          {t('Configuration')}
        </Link>
      }
    >
      <Pending answer={data} error={error} />
      {data !== undefined && newest === undefined && <Nothing>{t('Nothing is kept yet.')}</Nothing>}
      {chosen !== undefined && (
        <div className="flex flex-col gap-4">
          <ListTable
            label={t('Versions, newest first')}
            columns={[t('When'), t('Who'), t('How'), t('Reason'), t('Commit'), t('Version')]}
            look="min-w-160 text-xs"
          >
            {versions.map((one) => (
              <Row key={keyOf(one)} version={one} isChosen={one === chosen} />
            ))}
          </ListTable>
          <Chosen version={chosen} before={beforeIn(versions, at)} running={runningIn(versions)} />
        </div>
      )}
    </Page>
  );
}

/** The same version may have been applied more than once. */
const keyOf = ({ version, at }: Version): string => `${version}.${at}`;

const runningIn = (versions: readonly Version[]): Version | undefined =>
  versions.find(({ origin }) => origin !== 'set-aside');

const beforeIn = (versions: readonly Version[], at: number): Version | undefined =>
  versions.slice(at + 1).find(({ origin }) => origin !== 'set-aside');

function Row({
  version: one,
  isChosen,
}: {
  readonly version: Version;
  readonly isChosen: boolean;
}): ReactElement {
  const { at, by, origin, reason, commit, version, warnings } = one;
  return (
    <tr
      className={`border-t border-line align-top ${isChosen ? 'bg-selected' : ''}`}
      aria-current={isChosen ? 'true' : undefined}
    >
      <td className="px-3 py-1.5 whitespace-nowrap">
        <Link
          to="/history"
          search={{ version: keyOf(one) }}
          className="text-accent hover:underline"
        >
          <When at={at} as="second" />
        </Link>
      </td>
      <td className="px-3 py-1.5" translate="no">
        {by}
      </td>
      <td className="px-3 py-1.5">
        {ORIGINS[origin]}
        {warnings > 0 && (
          <span className="ml-1 text-warn">
            {t('{count} {count|warning|warnings}', { count: warnings })}
          </span>
        )}
      </td>
      <td className="px-3 py-1.5 break-words" translate="no">
        {reason ?? ''}
      </td>
      <td className="px-3 py-1.5 font-mono" translate="no">
        {commit === undefined ? '' : commit.id.slice(0, 10)}
        {commit?.changed === true && (
          <span className="font-sans text-ink-2"> {t('and changes ## beside a commit')}</span>
        )}
      </td>
      <td className="px-3 py-1.5 font-mono text-ink-2" translate="no">
        {version}
      </td>
    </tr>
  );
}

/** A version compared with the previous one, and rolling back to it. */
function Chosen({
  version: one,
  before,
  running,
}: {
  readonly version: Version;
  readonly before: Version | undefined;
  readonly running: Version | undefined;
}): ReactElement {
  const may = useMay();
  const [isAsking, setAsking] = useState(false);
  const { data, error } = useQuery({
    queryKey: ['comparison', before?.version, one.version],
    queryFn: ({ signal }) =>
      ask('GET /production/history/comparison', {
        query: { before: before?.version, after: one.version },
        signal,
      }),
    enabled: before !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const isRunning = one.version === running?.version;
  return (
    <Panel
      title={
        before === undefined ? t('The first version that is kept') : t('Against the version before')
      }
      actions={
        <>
          <Link to="/files" search={{ version: one.version }} className={buttonStyle()}>
            {t('Its files')}
          </Link>
          {may('config.deploy') && !isRunning && (
            <Button onClick={() => setAsking(true)}>
              <Undo2 size={14} aria-hidden="true" /> {t('Roll back to it')}
            </Button>
          )}
          {isRunning && <span className="text-xs text-good">{t('This one runs.')}</span>}
        </>
      }
    >
      {before === undefined ? (
        <p className="text-ink-2">{t('There is nothing to compare it with.')}</p>
      ) : (
        <Pending answer={data} error={error} />
      )}
      {data !== undefined && <ComparisonView comparison={data} />}
      {isAsking && <RollBackDialog version={one.version} onClose={() => setAsking(false)} />}
    </Panel>
  );
}

/** What would change compared with what is running, the reason, and then the act. */
function RollBackDialog({
  version,
  onClose,
}: {
  readonly version: string;
  readonly onClose: () => void;
}): ReactElement {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [reason, setReason] = useState('');
  const { data, error } = useQuery({
    queryKey: ['comparison', 'running', version],
    queryFn: ({ signal }) =>
      ask('GET /production/history/comparison', {
        query: { before: 'running', after: version },
        signal,
      }),
    gcTime: 0,
  });
  const order = useMutation({
    mutationFn: (leaveWaiting: boolean) =>
      ask('POST /production/history/{version}/roll-back', {
        path: { version },
        body: { reason: reason.trim(), leaveWaiting },
      }),
    onSuccess: async () => {
      await client.invalidateQueries();
      onClose();
      await navigate({ to: '/history' });
    },
  });
  const waits = order.error instanceof ApiProblem && order.error.code === 'MESSAGES_WAITING';
  return (
    <Modal
      title={t('Roll back to {version}', { version })}
      onClose={onClose}
      wide
      footer={
        <>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button
            look="primary"
            disabled={order.isPending || reason.trim() === ''}
            onClick={() => order.mutate(waits)}
          >
            {order.isPending
              ? t('Rolling back…')
              : waits
                ? t('Roll back all the same')
                : t('Roll back')}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <p className="text-ink-2">
          {t(
            'The files of this version are written and applied. What lies on disk now is kept in the history.',
          )}
        </p>
        <Field
          label={t('Reason')}
          required
          value={reason}
          onChange={({ target }) => setReason(target.value)}
        />
        {order.isError && <Problem error={order.error} />}
        <h3 className="text-xs font-medium text-ink-2">{t('What changes against what runs')}</h3>
        <Pending answer={data} error={error} />
        {data !== undefined && <ComparisonView comparison={data} />}
      </div>
    </Modal>
  );
}
