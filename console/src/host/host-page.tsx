import { useMutation, useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { CircleCheck, CircleX, FlaskConical, Minus, Stethoscope } from 'lucide-react';
import { type ReactElement, Suspense, useState } from 'react';
import type { HostPage as Answer, TestReport } from '../../../src/api/contract/host.ts';
import { PlanButton, PlannedWork } from '../alert/planned-work.tsx';
import { ApiProblem, ask } from '../api/client.ts';
import { lazyPart } from '../api/part.ts';
import { events as eventsQuery, hostPage, statistics } from '../api/queries.ts';
import { RatePanel } from '../chart/rate-panel.tsx';
import { Button, buttonStyle } from '../element/button.tsx';
import { HealthBadge } from '../element/health-badge.tsx';
import { KIND_NAMES } from '../element/names.ts';
import { Pending, Problem, Waiting } from '../element/notice.tsx';
import { Page, Panel } from '../element/page.tsx';
import { duration } from '../element/time-text.ts';
import { EventList } from '../event/event-table.tsx';
import { serverText } from '../language/server-text.ts';
import { t } from '../language/translate.ts';
import { Notes } from '../note/notes.tsx';
import { FilePlace } from '../shell/file-place.tsx';
import { useMay } from '../shell/me.ts';
import { HostControls } from './host-controls.tsx';
import { HostOverrides } from './host-overrides.tsx';
import { HostState } from './host-state.tsx';

/** One host: its state, its settings and where they are written, and what can be done. */
export function HostPage(): ReactElement {
  const { host } = useParams({ from: '/hosts/$host' });
  const { data, error } = useQuery(hostPage(host));
  if (data !== undefined) return <Shown page={data} />;
  return (
    <Page title={host}>
      {error === null ? <Waiting /> : <Problem error={error} />}
      {error instanceof ApiProblem && error.code === 'HOST_UNKNOWN' && <Former host={host} />}
    </Page>
  );
}

/** What there may still be of a host that the production had before. */
function Former({ host }: { readonly host: string }): ReactElement {
  return (
    <p className="mt-3 flex flex-wrap items-center gap-2">
      <span className="text-ink-2">{t('If it was part of it before:')}</span>
      <Link to="/messages" search={{ host, last: 'all' }} className={buttonStyle()}>
        {t('Its messages')}
      </Link>
      <Link to="/history" className={buttonStyle()}>
        {t('What was changed')}
      </Link>
    </p>
  );
}

function Shown({ page }: { readonly page: Answer }): ReactElement {
  const { host, comment, adapter, place, sendsTo, receivesFrom, rules, takesTests } = page;
  const { data: log, error } = useQuery(eventsQuery({ hosts: host.name, limit: 20 }));
  return (
    <Page
      title={host.name}
      detail={
        <span className="flex flex-wrap items-center gap-x-3">
          <HealthBadge health={host.health} />
          <span>
            {[host.title, KIND_NAMES[host.kind], serverText(adapter?.title ?? '')]
              .filter(Boolean)
              .join(' · ')}
          </span>
          {host.tags.map((tag) => (
            <Link
              key={tag}
              to="/production"
              search={{ tag }}
              className="rounded bg-idle-soft px-1.5 text-2xs font-medium text-idle hover:underline"
            >
              {tag}
            </Link>
          ))}
          <span className="font-mono text-2xs">
            <FilePlace {...place} />
          </span>
        </span>
      }
      actions={
        <>
          <Link to="/messages" search={{ host: host.name }} className={buttonStyle()}>
            {t('Messages')}
          </Link>
          {takesTests && <TestMessageButton host={host.name} />}
          <PlanButton host={host.name} />
          <HostControls host={host} />
        </>
      }
    >
      <PlannedWork host={host.name} />
      <div className="grid items-start gap-4 xl:grid-cols-2">
        <div className="flex min-w-0 flex-col gap-4">
          <HostState page={page} />
          <RatePanel title={t('Messages')} host={host.name}>
            <LastHour host={host.name} />
          </RatePanel>
          {host.kind !== 'process' && <ConnectionTest host={host.name} />}
          <Panel title={t('Neighbours')}>
            <Neighbours label={t('Gets from')} hosts={receivesFrom} />
            <Neighbours label={t('Sends to')} hosts={sendsTo} />
            {comment !== undefined && <p className="mt-2 text-ink-2">{comment}</p>}
          </Panel>
        </div>
        <div className="flex min-w-0 flex-col gap-4">
          <HostSettings page={page} />
          <HostOverrides host={host} />
          {rules.length > 0 && <Rules rules={rules} />}
          <Panel title={t('Notes')}>
            <Notes about="host" object={host.name} />
          </Panel>
          <Panel title={t('What happened to it')} flush>
            <Pending answer={log} error={error} />
            {log !== undefined && <EventList events={log.items} />}
          </Panel>
        </div>
      </div>
    </Page>
  );
}

function Neighbours({
  label,
  hosts,
}: {
  readonly label: string;
  readonly hosts: readonly string[];
}): ReactElement {
  return (
    <p className="flex flex-wrap gap-x-2">
      <span className="w-24 text-ink-2">{label}</span>
      {hosts.length === 0 && <span className="text-ink-3">{t('nobody here')}</span>}
      {hosts.map((name) => (
        <Link
          key={name}
          to="/hosts/$host"
          params={{ host: name }}
          className="text-accent underline decoration-line-strong underline-offset-2 hover:decoration-current"
        >
          {name}
        </Link>
      ))}
    </p>
  );
}

function Rules({ rules }: { readonly rules: Answer['rules'] }): ReactElement {
  return (
    <Panel title={t('Rules')} flush>
      <ol>
        {rules.map(({ set, name, when, send, disabled }, index) => (
          <li
            key={`${set} ${name}`}
            className={`border-b border-line px-3 py-1.5 last:border-0 ${disabled ? 'opacity-70' : ''}`}
          >
            {rules[index - 1]?.set !== set && (
              <p className="mb-1 text-2xs font-medium text-ink-2">{t('set {set}', { set })}</p>
            )}
            <div className="flex flex-wrap items-baseline gap-x-2">
              <span className="font-medium">{name}</span>
              {disabled && <span className="text-xs text-idle">{t('switched off')}</span>}
              <span className="text-xs text-ink-2">
                {send.length === 0
                  ? t('→ nobody')
                  : send
                      .map(({ to, transforms }) =>
                        transforms.length === 0
                          ? `→ ${to}`
                          : t('→ {to} by {transforms}', { to, transforms: transforms.join(', ') }),
                      )
                      .join('  ')}
              </span>
            </div>
            {when !== undefined && (
              <code className="block font-mono text-2xs break-words text-ink-2">{when}</code>
            )}
          </li>
        ))}
      </ol>
    </Panel>
  );
}

const RESULTS = {
  passed: { icon: CircleCheck, style: 'text-good', word: t('passed') },
  failed: { icon: CircleX, style: 'text-bad', word: t('failed') },
  skipped: { icon: Minus, style: 'text-idle', word: t('skipped') },
} as const satisfies Record<TestReport['steps'][number]['result'], unknown>;

/** Tests the connection in steps and says which one fails, why, and what to do. No message is moved. */
function ConnectionTest({ host }: { readonly host: string }): ReactElement | null {
  const may = useMay();
  const test = useMutation({
    mutationFn: () => ask('POST /hosts/{host}/test', { path: { host } }),
  });
  if (!may('connection.test')) return null;
  return (
    <Panel
      title={t('Connection')}
      actions={
        <Button disabled={test.isPending} onClick={() => test.mutate()}>
          <Stethoscope size={14} aria-hidden="true" />{' '}
          {test.isPending ? t('Testing…') : t('Test connection')}
        </Button>
      }
    >
      <div role="status">
        {test.isError && <Problem error={test.error} />}
        {test.data === undefined && !test.isError && (
          <p className="text-ink-2">
            {t('The test connects as the host does, step by step, and moves no message.')}
          </p>
        )}
        <ol className="flex flex-col gap-2">
          {test.data?.steps.map(({ name, result, detail, cause, remedy, took }) => {
            const { icon: Icon, style, word } = RESULTS[result];
            return (
              <li key={name} className="flex gap-2">
                <Icon size={16} className={`mt-0.5 shrink-0 ${style}`} aria-hidden="true" />
                <div className="min-w-0 text-xs">
                  <p>
                    <span className="text-sm font-medium">{serverText(name)}</span>{' '}
                    <span className={style}>{word}</span>{' '}
                    <span className="text-ink-3">{duration(took)}</span>
                  </p>
                  {detail !== undefined && (
                    <p className="break-words text-ink-2">{serverText(detail)}</p>
                  )}
                  {cause !== undefined && (
                    <p className="break-words text-bad">{serverText(cause)}</p>
                  )}
                  {remedy !== undefined && <p className="break-words">{serverText(remedy)}</p>}
                </div>
              </li>
            );
          })}
        </ol>
      </div>
    </Panel>
  );
}

/** How much passed through a host and how long it took, as text next to the chart. */
function LastHour({ host }: { readonly host: string }): ReactElement {
  const { data } = useQuery(statistics(3_600_000, 60_000, host));
  // the line is there before its text: what is below must not move
  if (data === undefined) return <p className="mb-2 min-h-4 text-xs" />;
  let came = 0;
  let settled = 0;
  let took = 0;
  let longest = 0;
  for (const { in: more, out, errors, latency, latencyMax } of data.intervals) {
    came += more;
    settled += out + errors;
    took += latency;
    longest = Math.max(longest, latencyMax);
  }
  return (
    <p className="mb-2 text-xs text-ink-2">
      {settled === 0
        ? t('Last hour: {came} arrived, {settled} settled', { came, settled })
        : t(
            'Last hour: {came} arrived, {settled} settled, in {average} on average, {longest} at most',
            {
              came,
              settled,
              average: duration(took / settled),
              longest: duration(longest),
            },
          )}
    </p>
  );
}

/** The settings of the host, each with its file and line. The files are authoritative: nothing is changed here. */
function HostSettings({ page: { settings } }: { readonly page: Answer }): ReactElement {
  const [all, setAll] = useState(false);
  const shown = settings.filter(({ written }) => all || written);
  return (
    <Panel
      title={t('Settings')}
      flush
      actions={
        <Button look="quiet" aria-pressed={all} onClick={() => setAll(!all)}>
          {all
            ? t('Only what is written')
            : t('With {count} defaults', { count: settings.length - shown.length })}
        </Button>
      }
    >
      <div className="overflow-x-auto" tabIndex={0} role="region" aria-label={t('Settings')}>
        <table className="stack w-full border-collapse text-left text-xs">
          <thead className="sr-only">
            <tr>
              <th scope="col">{t('Setting')}</th>
              <th scope="col">{t('Value')}</th>
              <th scope="col">{t('Written in')}</th>
            </tr>
          </thead>
          <tbody>
            {shown.map(({ of, path, value, written, place, help }) => (
              <tr
                key={`${of} ${path}`}
                className="border-b border-line last:border-0 hover:bg-hover"
              >
                <th scope="row" className="w-44 px-3 py-1 font-mono font-normal" title={help}>
                  {path}
                </th>
                <td className={`px-3 py-1 font-mono break-all ${written ? '' : 'text-ink-3'}`}>
                  {shownValue(value)}
                </td>
                <td className="px-3 py-1 text-right whitespace-nowrap text-ink-2">
                  {place === undefined ? t('default') : <FilePlace {...place} />}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

function shownValue(value: unknown): string {
  if (value === null || value === undefined) return t('not set');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const TestMessage = lazyPart(() => import('./test-message.tsx'), 'TestMessage');

/** Opens the test bench of a host, for users who may send test messages. */
function TestMessageButton({ host }: { readonly host: string }): ReactElement | null {
  const may = useMay();
  const [open, setOpen] = useState(false);
  if (!may('message.send_test')) return null;
  return (
    <>
      <Button onClick={() => setOpen(true)}>
        <FlaskConical size={14} aria-hidden="true" /> {t('Test message')}
      </Button>
      <Suspense>{open && <TestMessage host={host} onClose={() => setOpen(false)} />}</Suspense>
    </>
  );
}
