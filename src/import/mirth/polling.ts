import type { XmlNode } from '../../mirth/e4x/node.ts';
import type { HostDraft, Notes } from './drafts.ts';
import { elementsOf, part, partText, textOf } from './read-export.ts';

/** Milliseconds of a turn that has a clock time, or a cron expression. */
const TIMED = 600_000;
const CRON = 60_000;

/** When a service polls. What must not have changed for `still` milliseconds is taken within a turn all the same. */
export function polling(
  properties: XmlNode,
  { add }: Notes,
  still = 0,
): Pick<HostDraft, 'settings' | 'keys'> {
  const poll = part(properties, 'pollConnectorProperties');
  const kind = partText(poll, 'pollingType');
  if (kind === 'TIME') {
    const [hour, minute] = [partText(poll, 'pollingHour'), partText(poll, 'pollingMinute')];
    return {
      settings: { every: '1h' },
      keys: { schedule: `cron ${minute} ${hour} * * * for ${durationOf(TIMED + still)}` },
    };
  }
  if (kind === 'CRON') {
    const expressions = elementsOf(part(poll, 'cronJobs')).map(
      (one) => partText(one, 'expression') || textOf(one),
    );
    const [first = '', ...more] = expressions.map(cronOf);
    if (first !== undefined && first !== '' && more.length === 0) {
      return {
        settings: { every: '1h' },
        keys: { schedule: `cron ${first} for ${durationOf(CRON + still)}` },
      };
    }
    add({
      kind: 'mark',
      category: 'schedules',
      text: 'the cron expression of Quartz has no counterpart: write schedule',
    });
    return { settings: {}, keys: { enabled: false } };
  }
  const milliseconds = Number(partText(poll, 'pollingFrequency')) || 5_000;
  return { settings: { every: durationOf(milliseconds) } };
}

/** Translates a cron expression of Quartz, which begins with seconds, to the five fields of cron. */
function cronOf(quartz: string): string | undefined {
  const [seconds = '', minute = '', hour = '', day = '', month = '', weekday = ''] = quartz
    .trim()
    .split(/\s+/);
  if (!/^(0|\*)$/.test(seconds) || /[LW#]/.test(day + weekday)) return undefined;
  const days = /\d/.test(weekday)
    ? weekday.replaceAll(/\d/g, (one) => String(Number(one) - 1))
    : weekday.toLowerCase();
  return [minute, hour, day, month, days]
    .map((field) => field.replaceAll('?', '*'))
    .join(' ')
    .toLowerCase();
}

export function durationOf(milliseconds: number): string {
  if (milliseconds % 3_600_000 === 0 && milliseconds > 0) return `${milliseconds / 3_600_000}h`;
  if (milliseconds % 60_000 === 0 && milliseconds > 0) return `${milliseconds / 60_000}m`;
  return milliseconds % 1_000 === 0 ? `${milliseconds / 1_000}s` : `${milliseconds}ms`;
}
