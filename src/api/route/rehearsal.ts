import type { FastifyRequest } from 'fastify';
import type { Principal } from '../../access/rights/principal.ts';
import { principalOf, requirePermission } from '../../access/rights/require-permission.ts';
import type { Rehearsal as Run } from '../../definition/rehearsal.ts';
import type { TracedMessage } from '../../trace/traced-message.ts';
import type { Api } from '../../web/api.ts';
import { ApiError } from '../../web/api-error.ts';
import { IdParameters } from '../../web/schema.ts';
import { audited, visibleMessage } from '../acting.ts';
import { type Compared, contentDiff } from '../body/body-diff.ts';
import { bytesUpTo, shownBody } from '../body/shown-body.ts';
import type { ApiContext } from '../context.ts';
import { Rehearsal, RehearsalRequest } from '../contract/rehearsal.ts';
import { editsToTry, rehearseWith } from '../edited-trial.ts';
import { shownWithText } from '../shown.ts';

export function rehearsalRoute(app: Api, context: ApiContext): void {
  app.post(
    '/messages/:id/rehearsal',
    {
      schema: {
        tags: ['messages'],
        summary:
          'What the files on disk would make of a message, compared with what was made of it.',
        description: 'Nothing is sent, and what is running does not change.',
        params: IdParameters,
        body: RehearsalRequest,
        response: { 200: Rehearsal },
      },
      onRequest: requirePermission('config.view', 'message.content'),
    },
    async (request) => {
      const { id } = request.params;
      const message = await visibleMessage(context, request, id);
      const edits = await editsToTry(context, request, request.body ?? {});
      const detail = { edits: edits?.map(({ path }) => path) };
      const act = { action: 'message.rehearse', object: `message ${id}`, detail };
      const rehearse = rehearseWith(context.engines, edits);
      return audited(context, request, act, () =>
        rehearsal({ ...context, engines: { ...context.engines, rehearse } }, request, message),
      );
    },
  );
}

type Target = Rehearsal['targets'][number];

const NOTHING = { fields: [], lines: [], truncated: false } as const;

/** Lets an engine process a message with the files on disk and compares what would be sent with what was sent. */
async function rehearsal(
  context: ApiContext,
  request: FastifyRequest,
  message: TracedMessage,
): Promise<Rehearsal> {
  const { id, sessionId, source: service } = message;
  const principal = principalOf(request);
  const isShown = (host: string): boolean => principal.visibleHosts?.includes(host) ?? true;
  const { hosts } = await context.engines.describe();
  const kinds = new Map(hosts.map(({ name, kind }) => [name, kind] as const));
  if (kinds.get(service) !== 'service')
    throw new ApiError(
      422,
      'MESSAGE_INVALID',
      'only a message that came in through a service can be tried; use the first one of its session',
    );
  const body = await shownBody(context, request, { id });
  const exact = body.masked ? await exactBody(context, id) : body.bytes;
  const run = await context.engines.rehearse(
    {
      service,
      at: message.created,
      type: message.type,
      name: message.name,
      charset: message.charset,
    },
    exact,
  );
  const session = await context.trace.session(sessionId);
  const before = (session?.messages ?? []).filter(
    (one) =>
      kinds.get(one.target) === 'operation' && one.resendOf === undefined && isShown(one.target),
  );
  return {
    messageId: id,
    service,
    targets: await targetsOf(
      context,
      request,
      before,
      run.sent.filter(({ to }) => isShown(to)),
    ),
    processes: run.processes
      .filter(({ process }) => isShown(process))
      .map((one) => shownRun(principal, one)),
    masked: body.masked,
  };
}

/** Texts of rules and errors may quote the message. */
function shownRun(principal: Principal, run: Run['processes'][number]): Run['processes'][number] {
  const { explain, error } = run;
  return {
    ...run,
    places: [...run.places],
    explain: explain && {
      ...explain,
      rules: explain.rules.map((rule) => shownWithText(principal, rule)),
    },
    error: error && shownWithText(principal, error),
  };
}

/** The body as received: a masked one might be routed differently. It is not shown. */
async function exactBody(context: ApiContext, id: number): Promise<Uint8Array> {
  const stored = await context.trace.body(id, 'message');
  if (stored === undefined) throw new ApiError(404, 'NOT_FOUND', `the body of ${id} is gone`);
  return await bytesUpTo(context, stored, stored.size);
}

/** Each target once for each message that it got or would get; a target's messages are compared in order. */
async function targetsOf(
  context: ApiContext,
  request: FastifyRequest,
  before: readonly TracedMessage[],
  after: Run['sent'],
): Promise<Target[]> {
  const left = [...after];
  const targets: Target[] = [];
  for (const old of before) {
    const at = left.findIndex(({ to }) => to === old.target);
    const [now] = at < 0 ? [] : left.splice(at, 1);
    targets.push(
      now === undefined
        ? { to: old.target, change: 'removed', before: old.id, ...NOTHING }
        : await compared(context, request, old, now),
    );
  }
  return [...targets, ...left.map(({ to }): Target => ({ to, change: 'added', ...NOTHING }))];
}

async function compared(
  context: ApiContext,
  request: FastifyRequest,
  old: TracedMessage,
  { type, charset, base64 = '' }: Run['sent'][number],
): Promise<Target> {
  const stored = await shownBody(context, request, { id: old.id });
  const reading = { type, charset };
  const bytes = Buffer.from(base64, 'base64');
  const now: Compared = {
    bytes: principalOf(request).unmasked ? bytes : context.mask(bytes, reading),
    reading,
  };
  const { equal, kind, fields, lines, truncated } = contentDiff(stored, now);
  return {
    to: old.target,
    change: equal ? 'same' : 'changed',
    before: old.id,
    kind,
    fields,
    lines: equal ? [] : lines,
    truncated,
  };
}
