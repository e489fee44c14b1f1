import { randomUUID } from 'node:crypto';
import type { Principal } from '../../access/rights/principal.ts';
import { principalOf, requirePermission } from '../../access/rights/require-permission.ts';
import type { FileEdit } from '../../definition/history/checked-files.ts';
import type { RehearsedPart } from '../../definition/rehearsal.ts';
import { rehearseAll, trialOrder } from '../../operator/rehearse-all.ts';
import { editsDigest, type TrialRecords } from '../../operator/trial-records.ts';
import { abortSignal } from '../../web/abort-signal.ts';
import type { Api } from '../../web/api.ts';
import { ApiError } from '../../web/api-error.ts';
import { turnstile } from '../../web/turnstile.ts';
import { audited } from '../acting.ts';
import type { ApiContext } from '../context.ts';
import { Rehearsals, RehearsalsRequest } from '../contract/rehearsal.ts';
import { editsToTry, rehearseWith } from '../edited-trial.ts';
import { type KeptList, keptList } from '../frozen-list.ts';
import { checkSearch } from '../searching.ts';
import { shownGroup } from '../shown-group.ts';

/** Milliseconds that one part takes at most, plus the message being tried. */
const BUDGET = 4_000;
/** The same for the first part, so that there is an answer soon. */
const FIRST = 800;
/** Messages in one part at most. */
const MOST = 10_000;
/** How many one person may run at once. */
const AT_ONCE = 2;

export function rehearsalsRoute(app: Api, context: ApiContext, trials: TrialRecords): void {
  const running = turnstile('trials of messages', AT_ONCE);

  app.post(
    '/rehearsals',
    {
      schema: {
        tags: ['messages'],
        summary:
          'What the files on disk would make of the originals of many messages: where they would go, and which still fail.',
        description:
          'Nothing is sent, and what is running does not change. Answers after some seconds with the results so far; `next` continues. With `edits` or `draft` the files are tried as they would be.',
        body: RehearsalsRequest,
        response: { 200: Rehearsals },
      },
      onRequest: requirePermission('config.view', 'message.content'),
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const { criteria, after = 0, run = randomUUID(), limit: most, originals } = request.body;
      if (criteria !== undefined) checkSearch(principal, criteria);
      const edits = await editsToTry(context, request, request.body);
      const signal = abortSignal(reply);
      const { list, ids, complete } = await keptList(context, request, {
        signal,
        most,
        originals,
      });
      if (after > ids.length)
        throw new ApiError(400, 'REQUEST_INVALID', 'the list is shorter than that');
      const look = (): Promise<Rehearsals> =>
        running.pass(principal.name, async () => {
          const frozen = { list, ids, complete };
          const part = await tryPart(context, principal, { frozen, edits, run, after, signal });
          if (edits !== undefined)
            trials.add(run, { by: principal.name, total: ids.length, edits }, part);
          return answerOf(principal, part, { frozen, run, after });
        });
      // all parts count as one view
      if (after > 0) return look();
      const files = edits?.map(({ path }) => path);
      const detail = { criteria, total: ids.length, list, edits: files, draft: request.body.draft };
      return audited(
        context,
        request,
        { action: 'message.rehearse', object: 'messages', detail },
        look,
      );
    },
  );
}

interface Part {
  readonly frozen: Pick<KeptList, 'list' | 'ids' | 'complete'>;
  readonly run: string;
  readonly after: number;
}

async function tryPart(
  context: ApiContext,
  { name }: Principal,
  {
    frozen: { ids },
    edits,
    run,
    after,
    signal,
  }: Part & { readonly edits: readonly FileEdit[] | undefined; readonly signal: AbortSignal },
): Promise<RehearsedPart> {
  const named = edits === undefined ? run : `${run} ${editsDigest(edits)}`;
  const parts = {
    ...context,
    operations: await operationsOf(context),
    rehearse: rehearseWith(context.engines, edits),
  };
  return rehearseAll(parts, trialOrder(ids).slice(after, after + MOST), {
    run: `${name} ${named}`,
    budget: after === 0 ? FIRST : BUDGET,
    signal,
  });
}

function answerOf(
  viewer: Principal,
  { groups, done, version, stuck }: RehearsedPart,
  { frozen: { list, ids, complete }, run, after }: Part,
): Rehearsals {
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
    groups: groups.map((one) => shownGroup(viewer, one)),
  };
}

async function operationsOf({ engines }: ApiContext): Promise<ReadonlySet<string>> {
  const { hosts } = await engines.describe();
  return new Set(hosts.filter(({ kind }) => kind === 'operation').map(({ name }) => name));
}
