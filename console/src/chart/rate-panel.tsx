import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import type { ReactElement, ReactNode } from 'react';
import type { Comparison as Compared, Statistics } from '../../../src/api/contract/event.ts';
import { comparison, statistics } from '../api/queries.ts';
import { serverNow } from '../clock/server-clock.ts';
import { Problem } from '../element/notice.tsx';
import { Panel } from '../element/page.tsx';
import { Segments } from '../element/segments.tsx';
import { count, recent, shortDay } from '../element/time-text.ts';
import { useConfigurationChanges } from '../event/configuration-changes.ts';
import { locale } from '../language/language.ts';
import { t } from '../language/translate.ts';
import { RateChart } from './rate-chart.tsx';

const HOUR = 3_600_000;

const SPANS = {
  hour: { length: HOUR, step: 60_000, hours: 2 },
  day: { length: 24 * HOUR, step: HOUR, hours: 25 },
} as const;

type Span = keyof typeof SPANS;

interface RatePanelProps {
  readonly title: string;
  readonly host?: string;
  readonly among?: ReadonlySet<string>;
  /** Between heading and chart. */
  readonly children?: ReactNode;
}

/** What came in the last hour or day, beside the same time a week ago and the same hour of other days. */
export function RatePanel({ title, host, among, children }: RatePanelProps): ReactElement {
  const { span: asked } = useSearch({ strict: false });
  const navigate = useNavigate();
  const span: Span = asked === 'day' ? 'day' : 'hour';
  const choose = (next: Span): void =>
    void navigate({
      to: '.',
      search: (before) => ({ ...before, span: next === 'day' ? next : undefined }),
      resetScroll: false,
    });
  return (
    <Panel
      title={title}
      actions={
        <Segments<Span>
          label={t('Time shown')}
          options={[
            ['hour', t('1 hour')],
            ['day', t('24 hours')],
          ]}
          selected={span}
          onSelect={choose}
        />
      }
    >
      {children}
      <RateFigure
        {...SPANS[span]}
        {...(host === undefined ? {} : { host })}
        {...(among === undefined ? {} : { among })}
      />
    </Panel>
  );
}

/** Changes of the configuration that are named below the chart. */
const MARKS = 3;

/** Of chart, legend and sentence, in pixels: what is below must not move when they come. */
const HEIGHT = 218;

interface RateFigureProps {
  readonly length: number;
  readonly step: number;
  readonly host?: string;
  /** Only messages that came in at these hosts count, so that a message is not counted on every leg. */
  readonly among?: ReadonlySet<string>;
  /** How many hours of a week ago are drawn. */
  readonly hours: number;
}

/** What came in the last `length` milliseconds as a chart, and in words how it compares with a week ago. */
function RateFigure({ length, step, host, among, hours }: RateFigureProps): ReactElement {
  const { data, error } = useQuery(statistics(length, step, host));
  const to = Math.ceil(serverNow() / step) * step;
  const intervals = data?.intervals.map((one) =>
    among === undefined || among.has(one.host) ? one : { ...one, in: 0 },
  );
  return (
    <div style={{ minHeight: HEIGHT }}>
      {error !== null && <Problem error={error} />}
      {intervals !== undefined && (
        <Chart
          intervals={intervals}
          step={step}
          from={to - length}
          to={to}
          hours={hours}
          {...(host === undefined ? {} : { host })}
        />
      )}
    </div>
  );
}

interface ChartProps {
  readonly intervals: Statistics['intervals'];
  readonly step: number;
  readonly from: number;
  readonly to: number;
  readonly hours: number;
  readonly host?: string;
}

/** The chart with its legend and the sentence. */
function Chart({ intervals, step, from, to, hours, host }: ChartProps): ReactElement {
  const changes = useConfigurationChanges();
  const sum = intervals.reduce(
    (total, one) => ({ in: total.in + one.in, errors: total.errors + one.errors }),
    { in: 0, errors: 0 },
  );
  const { data: compared } = useQuery(comparison(hours, host));
  const before = compared?.week ?? NONE;
  return (
    <figure>
      <RateChart
        intervals={intervals}
        step={step}
        from={from}
        to={to}
        before={before}
        marks={changes.map(({ at }) => at)}
      />
      <figcaption className="mt-1 flex flex-wrap gap-x-4 text-xs text-ink-2">
        <Legend style="size-2 rounded-sm bg-accent" text={t('{count} in', { count: sum.in })} />
        <Legend
          style="size-2 rounded-sm bg-bad"
          text={t('{count} failed or suspended', { count: sum.errors })}
        />
        {before.some(({ missing }) => missing === undefined) && (
          <Legend style="w-3 border-t-2 border-ink-3" text={t('in a week ago, by the hour')} />
        )}
        {changes
          .filter(({ at }) => at >= from)
          .slice(0, MARKS)
          .map(({ at, by = '' }) => (
            <Link
              key={at}
              to="/events"
              className="flex items-center gap-1.5 text-warn hover:underline"
            >
              <span className="h-2.5 w-0 shrink-0 border-l-2 border-warn" aria-hidden="true" />
              {t('configuration changed {time} by {by}', { time: recent(at), by })}
            </Link>
          ))}
      </figcaption>
      {compared !== undefined && <Comparison compared={compared} />}
    </figure>
  );
}

const NONE: Compared['week'] = [];

function Legend({ style, text }: { readonly style: string; readonly text: string }): ReactElement {
  return (
    <span className="flex items-center gap-1.5">
      <span className={`shrink-0 ${style}`} aria-hidden="true" />
      {text}
    </span>
  );
}

type Other = Compared['others'][number];

const WEEK = 7;
const HOUR_FORM = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
const hourFormat = new Intl.DateTimeFormat(locale, HOUR_FORM);
const weekday = new Intl.DateTimeFormat(locale, { weekday: 'long' });
const shortWeekday = new Intl.DateTimeFormat(locale, { weekday: 'short' });

/** The last whole hour in words beside the same one a week ago, and that of other days as a list. */
function Comparison({ compared }: { readonly compared: Compared }): ReactElement {
  const { latest, others, hosts } = compared;
  const most = Math.max(1, latest.in, ...others.map((one) => one.in));
  const lastWeek = others.find(({ days }) => days === WEEK);
  return (
    <div className="mt-2 border-t border-line pt-2 text-xs text-ink-2">
      <p>{sentence(compared, lastWeek)}</p>
      <details className="mt-1">
        <summary className="w-fit cursor-pointer rounded hover:text-ink">
          {t('The same hour of other days')}
        </summary>
        <ol className="mt-1.5 flex flex-col gap-1">
          {others.map((other) => (
            <OtherDay key={other.days} other={other} latest={latest.at} most={most} hosts={hosts} />
          ))}
        </ol>
      </details>
    </div>
  );
}

function OtherDay({
  other,
  latest,
  most,
  hosts,
}: {
  readonly other: Other;
  readonly latest: number;
  readonly most: number;
  readonly hosts: number;
}): ReactElement {
  const at = other.at ?? latest - other.days * 24 * HOUR;
  return (
    <li className="grid grid-cols-[5.5rem_minmax(0,1fr)] items-center gap-x-2">
      <span className="whitespace-nowrap">
        {shortWeekday.format(at)} {shortDay(at)}
      </span>
      {other.missing === undefined ? (
        <span className="flex min-w-0 items-center gap-2">
          <span className="flex h-2 min-w-0 flex-1" aria-hidden="true">
            <span
              className="block h-2 rounded-sm bg-line-strong"
              style={{ width: `${(100 * other.in) / most}%` }}
            />
          </span>
          <span className="shrink-0 text-right tabular-nums">
            {t('{count} in', { count: other.in })}
            {other.errors > 0 && `, ${t('{count} failed or suspended', { count: other.errors })}`}
            {other.hosts < hosts &&
              `, ${t('at {count} of {all} hosts', { count: other.hosts, all: hosts })}`}
          </span>
        </span>
      ) : (
        <span className="text-ink-3">{MISSING[other.missing]}</span>
      )}
    </li>
  );
}

const MISSING = {
  'no-such-hour': t('no such hour, the clock was changed'),
  unknown: t('not known'),
  partly: t('not known, it ran only in part'),
} as const satisfies Record<NonNullable<Other['missing']>, string>;

/** `14:00–15:00: 120 in, a third of last Tuesday (362)` */
function sentence({ latest }: Compared, lastWeek: Other | undefined): string {
  const span = t('{from}–{to} ## hours', {
    from: hourFormat.format(latest.at),
    to: hourFormat.format(latest.at + HOUR),
  });
  if (latest.missing !== undefined)
    return t('{span}: {why}', { span, why: MISSING[latest.missing] });
  const day = weekday.format(lastWeek?.at ?? latest.at);
  if (lastWeek === undefined || lastWeek.missing !== undefined) {
    return t('{span}: {count} in; the {day} before is not known', { span, day, count: latest.in });
  }
  const { now, in: then } = lastWeek;
  return t('{span}: {count} in, {share}', { span, count: now.in, share: share(now.in, then, day) });
}

/** How much that is of another number, as people say it. */
function share(now: number, then: number, day: string): string {
  const of = { day, earlier: count(then) };
  if (then === 0) return now === 0 ? t('as last {day}', { day }) : t('last {day} nothing', { day });
  const ratio = now / then;
  const found = SHARES.find(([least, most]) => ratio >= least && ratio < most);
  if (found !== undefined) return found[2](of);
  return t('{percent} % of last {day} ({earlier})', { ...of, percent: Math.round(100 * ratio) });
}

type Of = { readonly day: string; readonly earlier: string };

/** From, to, and the words for it; what lies between is a percentage. */
const SHARES: readonly (readonly [number, number, (of: Of) => string])[] = [
  [0.23, 0.27, (of) => t('a quarter of last {day} ({earlier})', of)],
  [0.3, 0.37, (of) => t('a third of last {day} ({earlier})', of)],
  [0.46, 0.54, (of) => t('half of last {day} ({earlier})', of)],
  [0.63, 0.7, (of) => t('two thirds of last {day} ({earlier})', of)],
  [0.9, 1.1, (of) => t('about as many as last {day} ({earlier})', of)],
  [1.9, 2.1, (of) => t('twice as many as last {day} ({earlier})', of)],
  [2.85, 3.15, (of) => t('three times as many as last {day} ({earlier})', of)],
];
