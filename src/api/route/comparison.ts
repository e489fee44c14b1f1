import { requirePermission } from '../../access/rights/require-permission.ts';
import { isZone } from '../../time/zone.ts';
import {
  compareHour,
  countsOfHour,
  type HourCounts,
  hourCounts,
  sameTime,
} from '../../trace/compared-hours.ts';
import type { Api } from '../../web/api.ts';
import { ApiError } from '../../web/api-error.ts';
import { visibleAmong } from '../acting.ts';
import type { ApiContext } from '../context.ts';
import { Comparison, ComparisonQuery } from '../contract/event.ts';

const HOUR = 3_600_000;
/** The days of the last week, and the same weekday of three more. */
const DAYS = [1, 2, 3, 4, 5, 6, 7, 14, 21, 28];
const WEEK = 7;

export function comparisonRoutes(app: Api, { trace, engines }: ApiContext): void {
  const counts = hourCounts(trace);
  app.get(
    '/statistics/comparison',
    {
      schema: {
        tags: ['events'],
        summary:
          'The last whole hour beside the same hour of other days; what is not known is missing, never 0.',
        querystring: ComparisonQuery,
        response: { 200: Comparison },
      },
      onRequest: requirePermission('dashboard.view'),
    },
    async (request) => {
      const { hosts: asked, zone, hours = 2 } = request.query;
      if (!isZone(zone)) throw new ApiError(400, 'QUERY_INVALID', `there is no time zone ${zone}`);
      const described = await engines.describe();
      const all = described.hosts.filter(({ kind }) => kind === 'service');
      const chosen = visibleAmong(request, asked?.split(',') ?? all.map(({ name }) => name)) ?? [];
      const current = Math.floor(Date.now() / HOUR) * HOUR;
      const at = current - HOUR;
      return {
        hosts: chosen.length,
        latest: { at, ...(await countsOfHour(counts, at, chosen)) },
        others: await compareHour(counts, { at, zone, hosts: chosen, days: DAYS }),
        week: await weekBefore(counts, { current, hours, zone, hosts: chosen }),
      };
    },
  );
}

/** The hours up to the current one, oldest first, each as it was a week before. */
async function weekBefore(
  counts: HourCounts,
  asked: {
    readonly current: number;
    readonly hours: number;
    readonly zone: string;
    readonly hosts: readonly string[];
  },
): Promise<Comparison['week']> {
  const { current, hours, zone, hosts } = asked;
  const week: Comparison['week'][number][] = [];
  for (let back = hours - 1; back >= 0; back--) {
    const at = current - back * HOUR;
    const before = sameTime(zone, at, WEEK);
    const found =
      before === undefined
        ? ({ in: 0, errors: 0, missing: 'no-such-hour' } as const)
        : await countsOfHour(counts, before, hosts);
    week.push({ at, before, ...found });
  }
  return week;
}
