import { plainValue } from '../names.ts';
import type { ProductionItem } from './items.ts';
import type { TranslationReport } from './rules.ts';

type Block = Record<string, unknown>;

type Settings = Pick<ReadonlyMap<string, string>, 'get'>;

/** What every kind of host has: title, comment, tags, whether and when it is on, and when people are alerted. */
export function commonKeys(
  item: ProductionItem,
  settings: Settings,
  told: TranslationReport,
): Block {
  const partner = settings.get('BusinessPartner') ?? '';
  const comment = [item.comment, partner === '' ? '' : `Business partner: ${partner}`]
    .filter(Boolean)
    .join('\n');
  const tags = item.category
    .split(',')
    .map((one) => one.trim())
    .filter(Boolean);
  const alert = alertOf(settings);
  const schedule = scheduleOf(item.schedule);
  if (schedule === 'UNDONE')
    told.mark(
      'schedule',
      'schedules',
      `its schedule ${item.schedule} is one that no schedule here can say: write it`,
    );
  return {
    title: plainValue(item.name),
    ...(comment !== '' && { comment: plainValue(comment) }),
    ...(tags.length > 0 && { tags }),
    ...(!item.isOn && { enabled: false }),
    ...(schedule !== undefined && { schedule }),
    ...(Object.keys(alert).length > 0 && { alert }),
  };
}

/** AlertOnError and its like; the engine asks for more than the old one did only where it says so. */
function alertOf(settings: Settings): Block {
  const seconds = (name: string): number => Number(settings.get(name) ?? '') || 0;
  const grace = seconds('AlertRetryGracePeriod') || seconds('AlertGracePeriod');
  const isOn = /^(?:1|true)$/i.test(settings.get('AlertOnError') ?? '');
  const [queue, wait, silent] = ['QueueCountAlert', 'QueueWaitAlert', 'InactivityTimeout'].map(
    seconds,
  );
  return {
    ...(isOn && { failed: 0 }),
    ...(isOn && grace > 0 && { disconnected: `${grace}s` }),
    ...((queue ?? 0) > 0 && { queue }),
    ...((wait ?? 0) > 0 && { wait: `${wait}s` }),
    ...((silent ?? 0) > 0 && { silent: `${silent}s` }),
  };
}

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

/** Minutes of a week, from Sunday 00:00. */
const WEEK = 7 * 24 * 60;

/**
 * `START:WEEK-*-01T08:00:00,STOP:WEEK-*-05T18:00:00` turns on on Monday and off on Friday; `START:*-*-*T06:00:00` each day.
 * `UNDONE` for what repeats otherwise.
 */
export function scheduleOf(given: string): string | undefined {
  if (given.trim() === '') return undefined;
  const events: (readonly [number, boolean])[] = [];
  for (const one of given.split(',')) {
    const [, kind, day = '', hour, minute] =
      /^\s*(START|STOP):(\*-\*-\*|WEEK-\*-0[0-6])T(\d\d):(\d\d)(?::00)?\s*$/i.exec(one) ?? [];
    if (kind === undefined) return 'UNDONE';
    const at = Number(hour) * 60 + Number(minute);
    const days = day.startsWith('*') ? DAYS.map((_, index) => index) : [Number(day.slice(-1))];
    for (const index of days) events.push([index * 1440 + at, kind.toUpperCase() === 'START']);
  }
  const spans = spansOf(events.toSorted(([one], [other]) => one - other));
  return spans.length === 0 ? 'UNDONE' : spans.join(', ');
}

function spansOf(events: readonly (readonly [number, boolean])[]): string[] {
  const made: string[] = [];
  for (const [index, [from, isStart]] of events.entries()) {
    const before = events.at(index - 1);
    if (!isStart || (before !== undefined && before[1] && events.length > 1)) continue;
    const stop = [...events.slice(index + 1), ...events.slice(0, index)].find(
      ([, start]) => !start,
    );
    if (stop === undefined) return [];
    const until = stop[0] > from ? stop[0] : stop[0] + WEEK;
    made.push(...daysOf(from, until));
  }
  return grouped(made);
}

const clock = (minutes: number): string =>
  `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;

/** One span for each day that it touches. */
function daysOf(from: number, until: number): string[] {
  const made: string[] = [];
  for (let at = from; at < until; ) {
    const end = Math.min(until, (Math.floor(at / 1440) + 1) * 1440);
    const day = DAYS[Math.floor(at / 1440) % 7];
    made.push(`${day} ${clock(at % 1440)}-${clock(end - Math.floor(at / 1440) * 1440)}`);
    at = end;
  }
  return made;
}

/** The same time on all days is daily, on neighbouring ones a range of them. */
function grouped(spans: readonly string[]): string[] {
  const byTime = Map.groupBy(spans, (one) => one.slice(4));
  return [...byTime].flatMap(([time, of]) => {
    const days = new Set(of.map((one) => one.slice(0, 3)));
    if (days.size === 7) return [`daily ${time}`];
    const order = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
    const runs: string[][] = [];
    for (const day of order) {
      if (!days.has(day)) continue;
      const run = runs.at(-1);
      if (run !== undefined && order.indexOf(day) === order.indexOf(run.at(-1) ?? '') + 1)
        run.push(day);
      else runs.push([day]);
    }
    return runs.map((run) => `${run.length > 1 ? `${run[0]}-${run.at(-1)}` : run[0]} ${time}`);
  });
}
