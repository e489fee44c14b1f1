import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { ExternalLink, Maximize2 } from 'lucide-react';
import { type ReactElement, useCallback, useMemo } from 'react';
import type { HostEvent } from '../../../src/api/contract/event.ts';
import type { Session } from '../../../src/api/contract/message.ts';
import { useLiveSession } from '../api/live-stream.ts';
import {
  events as eventsQuery,
  hosts as hostsQuery,
  session as sessionQuery,
} from '../api/queries.ts';
import { buttonStyle } from '../element/button.tsx';
import { CopyButton } from '../element/copy-button.tsx';
import { Page } from '../element/page.tsx';
import { Segments } from '../element/segments.tsx';
import { StatusBadge } from '../element/status-badge.tsx';
import { Tabs } from '../element/tabs.tsx';
import { TestBadge } from '../element/test-badge.tsx';
import { duration, moment, preciseClock, zone } from '../element/time-text.ts';
import { When } from '../element/when.tsx';
import { useConfigurationChanges } from '../event/configuration-changes.ts';
import { serverText } from '../language/server-text.ts';
import { t } from '../language/translate.ts';
import { BodyView } from '../message/body-view.tsx';
import { MessageActions } from '../message/message-actions.tsx';
import { MessageError } from '../message/message-error.tsx';
import { MessageFacts } from '../message/message-facts.tsx';
import { NoMessage } from '../message/no-message.tsx';
import { PastOutcomes, pastReplyOf, ReplacedBy } from '../message/past-outcomes.tsx';
import { RuleExplanation } from '../message/rule-explanation.tsx';
import { FoundSteps } from '../search/found-steps.tsx';
import { foundIn, sessionsBeside } from '../search/last-found.ts';
import { useHotKeys } from '../shell/hot-keys.ts';
import { isNowhere } from '../shell/keep-focus.ts';
import { useMay } from '../shell/me.ts';
import { HoldButton } from './hold-button.tsx';
import { SequenceDiagram } from './sequence-diagram.tsx';
import { lanesOf, type Step, stepsOf } from './session-steps.ts';
import { Waterfall } from './waterfall.tsx';

type View = 'diagram' | 'times' | 'table';

const VIEWS = [
  ['diagram', t('Diagram')],
  ['times', t('Times')],
  ['table', t('Table')],
] as const satisfies readonly (readonly [View, string])[];

/** One session as a sequence diagram or a table, with the chosen step next to it. Updated live. */
export function TracePage(): ReactElement {
  const { id } = useParams({ from: '/sessions/$id' });
  const { data, error } = useQuery(sessionQuery(id));
  useLiveSession(data?.id ?? id);
  if (data !== undefined) return <Trace session={data} asked={id} />;
  return (
    <Page title={t('Session {id}', { id: `${id}` })}>
      <NoMessage why={error} />
    </Page>
  );
}

// oxlint-disable-next-line max-lines-per-function -- one page: its state and what it draws
function Trace({
  session,
  asked,
}: {
  readonly session: Session;
  readonly asked: number;
}): ReactElement {
  const { step: stepKey, view, tab } = useSearch({ from: '/sessions/$id' });
  const navigate = useNavigate();
  const { data: known } = useQuery(hostsQuery);
  const kinds = useMemo(
    () => new Map(known?.hosts.map(({ name, kind }) => [name, kind] as const)),
    [known],
  );
  const lanes = useMemo(() => lanesOf(session, (host) => kinds.get(host)), [session, kinds]);
  const events = useEvents(session);
  const steps = useMemo(() => stepsOf(session, events), [session, events]);
  const matched = useMemo(() => matchedIn(session), [session]);
  // an address may name a step, or only a message
  const wanted = stepKey ?? `${asked}`;
  const chosen =
    steps.find(({ key }) => key === wanted) ??
    steps.find(({ message }) => `${message.id}` === wanted) ??
    steps[0];
  const change = useCallback(
    (next: {
      readonly step?: string;
      readonly view?: string | undefined;
      readonly tab?: string | undefined;
    }) =>
      void navigate({
        to: '.',
        search: (before: Readonly<Record<string, unknown>>) => ({ ...before, ...next }),
        replace: true,
      }),
    [navigate],
  );
  const select = (step: Step): void => change({ step: step.key, tab: undefined });
  const open = (step: Step): void => {
    void (step.leadsTo === undefined
      ? navigate({ to: '/messages/$id', params: { id: step.message.id } })
      : navigate({ to: '/sessions/$id', params: { id: step.leadsTo } }));
  };
  const go = (by: number): void => {
    const next = steps[steps.findIndex(({ key }) => key === chosen?.key) + by];
    if (next !== undefined) select(next);
  };
  const shown: View = view === 'table' || view === 'times' ? view : 'diagram';
  const show = (next: View): void => change({ view: next === 'diagram' ? undefined : next });
  const before = chosen?.message.parentId;
  useHotKeys({
    j: () => go(1),
    k: () => go(-1),
    t: () => show(shown === 'table' ? 'diagram' : 'table'),
    w: () => show(shown === 'times' ? 'diagram' : 'times'),
    Enter: () => {
      if (isNowhere() && chosen !== undefined) open(chosen);
    },
    d: () => {
      if (chosen !== undefined && before !== undefined) {
        void navigate({
          to: '/messages/$id/diff',
          params: { id: chosen.message.id },
          search: { against: `${before}` },
        });
      }
    },
  });
  return (
    <Page
      title={t('Session {id}', { id: `${session.id}` })}
      fixed
      lead={<CopyButton text={location.href} label={t('Copy the link to this trace')} />}
      detail={<Summary session={session} />}
      actions={
        <>
          <FoundSteps
            neighbours={sessionsBeside(session.id)}
            onGo={(next) =>
              void navigate({ to: '/sessions/$id', params: { id: next }, search: { view } })
            }
          />
          <SpansLink url={session.traceUrl} />
          <HoldButton session={session.id} />
          <Segments label={t('Show as')} options={VIEWS} selected={shown} onSelect={show} />
        </>
      }
    >
      {(session.truncated || session.hidden > 0) && (
        <p className="border-b border-line bg-warn-soft px-4 py-1 text-xs text-warn">
          {session.truncated && t('The session has more messages than shown.')}{' '}
          {session.hidden > 0 &&
            t('{count} of its messages are of hosts that you may not see.', {
              count: session.hidden,
            })}
        </p>
      )}
      <div className="grid min-h-0 flex-1 grid-rows-[minmax(14rem,1fr)_minmax(16rem,1fr)] lg:grid-cols-[minmax(0,1fr)_minmax(22rem,26.5rem)] lg:grid-rows-1">
        <div className="flex min-h-0 min-w-0 flex-col border-line max-lg:border-b lg:border-r">
          {shown === 'times' && (
            <Waterfall
              session={session}
              selected={chosen?.message.id}
              onSelect={({ id }) => change({ step: `${id}`, tab: undefined })}
            />
          )}
          {shown === 'table' && (
            <StepTable
              steps={steps}
              started={session.started}
              selected={chosen?.key}
              matched={matched}
              onSelect={select}
            />
          )}
          {shown === 'diagram' && (
            <SequenceDiagram
              lanes={lanes}
              steps={steps}
              started={session.started}
              selected={chosen?.key}
              matched={matched}
              onSelect={select}
              onOpen={open}
            />
          )}
        </div>
        {chosen !== undefined && (
          <StepDetail
            key={chosen.message.id}
            step={chosen}
            session={session}
            tab={tab}
            onTab={(next) => change({ tab: next })}
          />
        )}
      </div>
    </Page>
  );
}

const NONE: ReadonlySet<number> = new Set();

/** The messages that the search found; none if it found all that are shown. */
function matchedIn({ id, messages }: Session): ReadonlySet<number> {
  const found = foundIn(id);
  return messages.every((one) => found.has(one.id)) ? NONE : found;
}

/** What went wrong with the hosts of a session during it. */
function useEvents({ messages, started }: Session): readonly HostEvent[] | undefined {
  const may = useMay();
  const targets = [...new Set(messages.map(({ target }) => target))].toSorted();
  const isOpen = messages.some(({ done }) => done === undefined);
  const end = Math.max(started, ...messages.map(({ done = 0 }) => done));
  const { data } = useQuery({
    ...eventsQuery({
      hosts: targets.join(','),
      level: 'warn',
      from: started,
      limit: 200,
      ...(isOpen ? {} : { to: end + 1 }),
    }),
    enabled: targets.length > 0 && may('event.view'),
    refetchInterval: isOpen ? 5_000 : false,
  });
  return data?.items;
}

/** The same trace in the tracing system named in the console's settings. */
function SpansLink({ url }: { readonly url: string | undefined }): ReactElement | null {
  if (url === undefined) return null;
  return (
    <a
      href={url}
      target="_blank"
      rel="noreferrer"
      className={buttonStyle()}
      title={t('Open in the tracing system')}
    >
      <ExternalLink size={14} aria-hidden="true" /> {t('Spans')}
    </a>
  );
}

function Summary({ session: { messages, started } }: { readonly session: Session }): ReactElement {
  const end = Math.max(started, ...messages.map(({ done, created }) => done ?? created));
  const open = messages.filter(({ status }) => status === 'queued' || status === 'retrying').length;
  const failed = messages.filter(
    ({ status }) => status === 'error' || status === 'suspended',
  ).length;
  return (
    <span>
      <TestBadge by={messages[0]?.testBy} /> <When at={started} as="second" /> {zone(started)} ·{' '}
      {t('{count} {count|message|messages}', { count: messages.length })} ·{' '}
      {duration(end - started)}
      {open > 0 && <span className="text-info"> · {t('{count} under way', { count: open })}</span>}
      {failed > 0 && (
        <span className="font-medium text-bad">
          {' '}
          · {t('{count} failed or suspended', { count: failed })}
        </span>
      )}
      <ChangedMeanwhile from={started} to={end} />
    </span>
  );
}

/** Before a session this long (an hour), a change of the configuration may explain it. */
const BEFORE = 3_600_000;

/** The last change of the configuration while the session went on, or within the hour before. */
function ChangedMeanwhile({
  from,
  to,
}: {
  readonly from: number;
  readonly to: number;
}): ReactElement | null {
  const change = useConfigurationChanges().find(({ at }) => at >= from - BEFORE && at <= to);
  if (change === undefined) return null;
  const { at, by = '', text } = change;
  return (
    <Link to="/events" title={serverText(text)} className="ml-1 text-warn hover:underline">
      {at >= from
        ? t('configuration changed meanwhile, {time}, by {by}', { time: moment(at), by })
        : t('{duration} after the configuration was changed by {by}', {
            duration: duration(from - at),
            by,
          })}
    </Link>
  );
}

type Tab = 'about' | 'body' | 'reply' | 'rules';

interface StepDetailProps {
  readonly step: Step;
  readonly session: Session;
  readonly tab: string | undefined;
  readonly onTab: (tab: string) => void;
}

/** The message of the chosen step: what happened, its body, its reply, and why it was routed that way. */
function StepDetail({ step, session, tab, onTab }: StepDetailProps): ReactElement {
  const { message, number } = step;
  const { id, status, source, target, explain, hasBody, type } = message;
  const reply = message.reply ?? pastReplyOf(id, session);
  const tabs: (readonly [Tab, string])[] = [['about', t('About')]];
  if (hasBody) tabs.push(['body', t('Body')]);
  if (reply?.hasBody === true) tabs.push(['reply', t('Reply')]);
  if (explain !== undefined) tabs.push(['rules', t('Rules')]);
  const wanted =
    tab ??
    {
      request: 'about',
      reply: 'reply',
      rules: 'rules',
      tries: 'about',
      event: 'about',
      outcome: 'about',
      resent: 'about',
    }[step.kind];
  const selected = tabs.find(([name]) => name === wanted)?.[0] ?? 'about';
  return (
    <aside
      aria-label={t('Message {id}', { id: `${number}` })}
      className="flex min-h-0 min-w-0 flex-1 flex-col bg-surface"
    >
      <div className="flex flex-wrap items-center gap-2 border-b border-line px-3 py-2">
        <span className="flex size-5 items-center justify-center rounded-full border border-line-strong text-2xs font-semibold">
          {number}
        </span>
        <h2 className="min-w-0 truncate">
          {source} → {target}
        </h2>
        <StatusBadge status={status} />
        <Link
          to="/messages/$id"
          params={{ id }}
          className={`${buttonStyle('quiet')} ml-auto !px-1.5`}
          aria-label={t('Open the message on its own page')}
        >
          <Maximize2 size={14} aria-hidden="true" />
        </Link>
        <div className="flex w-full flex-wrap gap-1.5">
          <MessageActions message={message} />
        </div>
      </div>
      <Tabs label={t('Message')} tabs={tabs} selected={selected} onSelect={onTab}>
        {selected === 'about' && (
          <div className="flex flex-col gap-3 p-3">
            <MessageError message={message} attempts={session.attempts} />
            <ReplacedBy id={id} resends={session.resends} />
            <PastOutcomes id={id} past={session.past} />
            <MessageFacts message={message} />
          </div>
        )}
        {selected === 'body' && <BodyView id={id} part="message" type={type} />}
        {selected === 'reply' && <BodyView id={id} part="reply" type={reply?.type ?? ''} />}
        {selected === 'rules' && explain !== undefined && (
          <div className="p-3">
            <RuleExplanation explain={explain} />
          </div>
        )}
      </Tabs>
    </aside>
  );
}

const STEP_NAMES = {
  request: t('request'),
  reply: t('reply'),
  rules: t('rules'),
  tries: t('tries'),
  event: t('event'),
  outcome: t('outcome'),
  resent: t('resent'),
} as const satisfies Record<Step['kind'], string>;

interface StepTableProps {
  readonly steps: readonly Step[];
  readonly started: number;
  readonly selected: string | undefined;
  /** Messages that the search found. */
  readonly matched: ReadonlySet<number>;
  readonly onSelect: (step: Step) => void;
}

const MATCHED = 'font-semibold shadow-[inset_3px_0_0_var(--accent)]';

/** The same steps as the diagram's, as a table. */
function StepTable({ steps, started, selected, matched, onSelect }: StepTableProps): ReactElement {
  return (
    <div
      className="min-h-0 flex-1 overflow-auto bg-surface"
      tabIndex={0}
      role="region"
      aria-label={t('Steps of the session')}
    >
      <table className="stack w-full border-collapse text-left">
        <thead className="sticky top-0 bg-sunken text-2xs text-ink-2">
          <tr>
            {['#', t('Time'), t('After ## the start'), t('What'), t('Where'), t('Detail')].map(
              (name) => (
                <th key={name} scope="col" className="px-3 py-1.5 font-medium">
                  {name}
                </th>
              ),
            )}
          </tr>
        </thead>
        <tbody>
          {steps.map((step) => (
            <tr
              key={step.key}
              className={`border-b border-line ${step.key === selected ? 'bg-selected' : 'hover:bg-hover'}`}
              onClick={() => onSelect(step)}
            >
              <td
                className={`px-3 py-1 ${matched.has(step.message.id) ? MATCHED : ''}`}
                title={matched.has(step.message.id) ? t('found by the search') : undefined}
              >
                {step.number}
              </td>
              <td className="px-3 py-1 font-mono text-xs">{preciseClock(step.at)}</td>
              <td className="px-3 py-1 text-xs whitespace-nowrap text-ink-2">
                +{duration(step.at - started)}
              </td>
              <td className="px-3 py-1">
                <button
                  type="button"
                  className="text-accent hover:underline"
                  onClick={() => onSelect(step)}
                >
                  {STEP_NAMES[step.kind]}
                </button>
              </td>
              <td className="px-3 py-1 whitespace-nowrap">
                {step.from === step.to ? step.from : `${step.from} → ${step.to}`}
              </td>
              <td className="line px-3 py-1 break-words">
                {step.label}{' '}
                {step.kind === 'request' && <StatusBadge status={step.message.status} />}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
