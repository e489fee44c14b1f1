import {
  checkSeesAll,
  principalOf,
  requirePermission,
} from '../../access/rights/require-permission.ts';
import { ON_CALL } from '../../access/sign-in/alert-settings.ts';
import { onCallSpans } from '../../operator/alert/on-call.ts';
import type { Api } from '../../web/api.ts';
import { ApiError } from '../../web/api-error.ts';
import { Done } from '../../web/schema.ts';
import { audited } from '../acting.ts';
import type { ApiContext } from '../context.ts';
import {
  AlertParameters,
  ChannelTests,
  OnCall,
  OnCallOverride,
  OverrideRequest,
  TestRequest,
} from '../contract/alert.ts';

const tags = ['alerts'];
const DAY = 86_400_000;
/** What the page shows. */
const AHEAD = 14 * DAY;
/** Nobody is on call for a year by an override. */
const LONGEST = 92 * DAY;

export function onCallRoutes(app: Api, context: ApiContext): void {
  onCallList(app, context);
  overrideRoutes(app, context);
  plannedRoute(app, context);
  testRoute(app, context);
}

function onCallList(app: Api, { alerting }: ApiContext): void {
  const { deliveries, settings, notifier } = alerting;

  app.get(
    '/alerts/on-call',
    {
      schema: {
        tags,
        summary:
          'Who is on call for the next two weeks, whom alerts go to, and how its channels do.',
        response: { 200: OnCall },
      },
      onRequest: requirePermission('alert.ack'),
    },
    async (request) => {
      checkSeesAll(principalOf(request), 'see who is on call');
      const now = Date.now();
      const about = await alerting.about();
      const [overrides, latest] = await Promise.all([
        deliveries.overrides(now),
        deliveries.latest(),
      ]);
      const last = new Map(latest.map((one) => [one.channel, one]));
      const { zone, people, steps } = settings;
      return {
        zone,
        spans: onCallSpans(settings, overrides, { from: now, to: now + AHEAD }),
        overrides,
        people: Object.keys(people),
        channels: [...notifier.channels(about).values()].map(({ name, kind }) => ({
          name,
          kind,
          last: lastOf(last.get(name)),
        })),
        steps: [
          ...(about.alerts === undefined
            ? []
            : [{ after: 0, level: 'warn' as const, to: about.alerts.to }]),
          ...steps,
        ],
      };
    },
  );
}

type Last = NonNullable<OnCall['channels'][number]['last']>;

function lastOf(
  delivery: { at: number; state: string; text: string | undefined } | undefined,
): Last | undefined {
  if (delivery === undefined) return undefined;
  const { at, state, text } = delivery;
  return { at, state: state as Last['state'], text };
}

function overrideRoutes(app: Api, context: ApiContext): void {
  const { deliveries, settings } = context.alerting;
  const onRequest = requirePermission('alert.manage');

  app.post(
    '/alerts/on-call',
    {
      schema: {
        tags,
        summary: 'Puts somebody on call for a time, instead of whom the rota names.',
        body: OverrideRequest,
        response: { 200: OnCallOverride },
      },
      onRequest,
    },
    async (request) => {
      const principal = principalOf(request);
      checkSeesAll(principal, 'change who is on call');
      const { from, to, who, reason } = request.body;
      if (!Object.hasOwn(settings.people, who)) {
        throw new ApiError(
          400,
          'REQUEST_INVALID',
          `${who} is not under alerts.people in console.yaml`,
        );
      }
      if (to <= from || to <= Date.now() || to - from > LONGEST) {
        throw new ApiError(
          400,
          'REQUEST_INVALID',
          'it must end after it begins, in the future, and within 92 days',
        );
      }
      const act = { action: 'alert.on_call', object: ON_CALL, detail: { from, to, who, reason } };
      return audited(context, request, act, () =>
        deliveries.addOverride({ from, to, who, reason, by: principal.name }),
      );
    },
  );
}

function plannedRoute(app: Api, context: ApiContext): void {
  const { deliveries } = context.alerting;
  const onRequest = requirePermission('alert.manage');

  app.delete(
    '/alerts/on-call/:id',
    {
      schema: {
        tags,
        summary: 'The rota counts again.',
        params: AlertParameters,
        response: { 200: Done },
      },
      onRequest,
    },
    (request) => {
      checkSeesAll(principalOf(request), 'change who is on call');
      const { id } = request.params;
      const act = { action: 'alert.on_call_as_planned', object: `${ON_CALL} ${id}` };
      return audited(context, request, act, async () => {
        if (await deliveries.removeOverride(id)) return { done: true as const };
        throw new ApiError(404, 'NOT_FOUND', `there is no exception ${id} from the rota`);
      });
    },
  );
}

function testRoute(app: Api, context: ApiContext): void {
  app.post(
    '/alerts/test',
    {
      schema: {
        tags,
        summary:
          'Sends a test by every channel of alerts, or by some, and says what keeps it from getting there.',
        body: TestRequest,
        response: { 200: ChannelTests },
      },
      onRequest: requirePermission('alert.manage'),
    },
    async (request) => {
      const principal = principalOf(request);
      checkSeesAll(principal, 'test channels');
      const { channels } = request.body;
      const act = { action: 'alert.test', object: 'channels', detail: { channels } };
      return audited(context, request, act, async () => ({
        tests: await context.alerting.test(channels, principal.name),
      }));
    },
  );
}
