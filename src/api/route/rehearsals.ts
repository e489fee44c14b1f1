import { randomUUID } from 'node:crypto';
import { maskedText } from '../../access/rights/masked-text.ts';
import type { Principal } from '../../access/rights/principal.ts';
import { principalOf, requirePermission } from '../../access/rights/require-permission.ts';
import type { RehearsedGroup } from '../../definition/rehearsal.ts';
import { rehearseAll, trialOrder } from '../../operator/rehearse-all.ts';
import { abortSignal } from '../../web/abort-signal.ts';
import type { Api } from '../../web/api.ts';
import { ApiError } from '../../web/api-error.ts';
import { turnstile } from '../../web/turnstile.ts';
import { audited } from '../acting.ts';
import type { ApiContext } from '../context.ts';
import { Rehearsals, RehearsalsRequest } from '../contract/rehearsal.ts';
import { keptList } from '../frozen-list.ts';
import { checkSearch } from '../searching.ts';

/** Milliseconds that one part takes at most, plus the message being tried. */
const BUDGET = 4_000;
/** The same for the first part, so that there is an answer soon. */
const FIRST = 800;
/** Messages in one part at most. */
const MOST = 10_000;
/** How many one person may run at once. */
const AT_ONCE = 2;

export function rehearsalsRoute(app: Api, context: ApiContext): void {
  const running = turnstile('trials of messages', AT_ONCE);

  app.post(
    '/rehearsals',
    {
      schema: {
        tags: ['messages'],
        summary:
          'What the files on disk would make of the originals of many messages: where they would go, and which still fail.',
        description:
          'Nothing is sent, and what is running does not change. Answers after some seconds with the results so far; `next` continues.',
        body: RehearsalsRequest,
        response: { 200: Rehearsals },
      },
      onRequest: requirePermission('config.view', 'message.content'),
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const { criteria, after = 0, run = randomUUID() } = request.body;
      if (criteria !== undefined) checkSearch(principal, criteria);
      const signal = abortSignal(reply);
      const { list, ids, complete } = await keptList(context, request, { signal });
      if (after > ids.length)
        throw new ApiError(400, 'REQUEST_INVALID', 'the list is shorter than that');
      const look = async (): Promise<Rehearsals> => {
        const { groups, done, version, stuck } = await running.pass(principal.name, () =>
          rehearseAll(
            { ...context, rehearse: (asked, body) => context.engines.rehearse(asked, body) },
            trialOrder(ids).slice(after, after + MOST),
            { run: `${principal.name} ${run}`, budget: after === 0 ? FIRST : BUDGET, signal },
          ),
        );
        const next = after + done;
        return {
          list,
          run,
          total: ids.length,
          complete,
          done,
          next: next >= ids.length ? undefined : next,
          version,
          stuck,
          groups: groups.map((one) => shownGroup(principal, one)),
        };
      };
      // all parts count as one view
      if (after > 0) return look();
      const detail = { criteria, total: ids.length, list };
      return audited(
        context,
        request,
        { action: 'message.rehearse', object: 'messages', detail },
        look,
      );
    },
  );
}

/** What is decided at hosts that the viewer may not see is not shown. */
function shownGroup(
  { unmasked, visibleHosts }: Principal,
  group: RehearsedGroup,
): Rehearsals['groups'][number] {
  const isShown = (host: string): boolean => visibleHosts?.includes(host) ?? true;
  const { host, cause } = group;
  const places = group.places
    .filter(({ to }) => to.length === 0 || to.some(isShown))
    .map((one) => ({ ...one, to: one.to.filter(isShown) }));
  const whole = { ...group, to: group.to.filter(isShown), sample: [...group.sample], places };
  if (host !== undefined && !isShown(host))
    return { ...whole, host: undefined, code: undefined, cause: undefined, places: [] };
  if (cause === undefined || (unmasked && visibleHosts === undefined)) return whole;
  return { ...whole, cause: maskedText(cause) };
}
