import { maskedText } from '../../access/rights/masked-text.ts';
import type { Principal } from '../../access/rights/principal.ts';
import {
  checkPermission,
  principalOf,
  requirePermission,
} from '../../access/rights/require-permission.ts';
import { type Charset, charsetNamed, decodeFaithfully, kindOf } from '../../document/index.ts';
import { EngineError } from '../../error/engine-error.ts';
import { isWaiting } from '../../operator/abort.ts';
import { reprocessTraced, resendTraced } from '../../operator/resend.ts';
import type { TracedMessage } from '../../trace/traced-message.ts';
import type { Api } from '../../web/api.ts';
import { ApiError } from '../../web/api-error.ts';
import { closed, Done, IdParameters, Reason } from '../../web/schema.ts';
import { audited, checkVisibleHost, messageToActOn } from '../acting.ts';
import { bytesUpTo, WHOLE_LIMIT } from '../body/shown-body.ts';
import type { ApiContext } from '../context.ts';
import {
  AbortRequest,
  Reprocessed,
  ReprocessRequest,
  ResendRequest,
  Resent,
} from '../contract/message.ts';
import { OrderHeaders } from '../order-name.ts';
import { checkSeen, knowingOf, orderOf } from '../seen.ts';

const tags = ['messages'];

/** What a person can do with one message. The original never changes. */
export function actRoutes(app: Api, context: ApiContext): void {
  resendRoute(app, context);
  reprocessRoute(app, context);
  discardRoute(app, context);
  abortRoute(app, context);
}

function resendRoute(app: Api, context: ApiContext): void {
  const { broker, trace } = context;

  app.post(
    '/messages/:id/resend',
    {
      schema: {
        tags,
        summary: 'Sends a message again, as it was or edited, to the same or another target.',
        params: IdParameters,
        headers: OrderHeaders,
        body: ResendRequest,
        response: { 200: Resent },
      },
      onRequest: requirePermission('message.resend'),
    },
    async (request) => {
      const { id } = request.params;
      const { to, reason, seen } = request.body;
      const principal = principalOf(request);
      const message = await messageToActOn(context, request, id);
      if (to !== undefined) checkVisibleHost(request, to);
      const body = await editedBody(context, request.body, message);
      // masked text must not be sent out
      if (body !== undefined)
        checkPermission(principal, 'message.edit_resend', 'message.content.unmasked');
      const edited = body !== undefined;
      const act = {
        action: edited ? 'message.edit_resend' : 'message.resend',
        object: `message ${id}`,
        detail: { to, reason },
      };
      await checkSeen(context, request, message, seen);
      const order = orderOf(request, [id, to, body], seen);
      const ordered = { id, to, by: principal.name, reason, order, knowing: knowingOf(id, seen) };
      return audited(context, request, act, () => resendTraced(broker, trace, ordered, body));
    },
  );
}

/** Made from the session's original with today's rules and transforms, instead of from the stored body. */
function reprocessRoute(app: Api, context: ApiContext): void {
  const { broker, trace } = context;

  app.post(
    '/messages/:id/reprocess',
    {
      schema: {
        tags,
        summary:
          "Processes the original of a message again with today's rules, and sends only what goes to the chosen targets.",
        params: IdParameters,
        headers: OrderHeaders,
        body: ReprocessRequest,
        response: { 200: Reprocessed },
      },
      onRequest: requirePermission('message.resend'),
    },
    async (request) => {
      const { id } = request.params;
      const { seen, ...asked } = request.body;
      const { targets, reason, dryRun } = asked;
      const principal = principalOf(request);
      const message = await messageToActOn(context, request, id);
      for (const target of targets ?? []) checkVisibleHost(request, target);
      const act = {
        action: 'message.reprocess',
        object: `message ${id}`,
        detail: { targets, reason, dryRun },
      };
      await checkSeen(context, request, message, seen);
      // what goes only to other hosts is not linked to this message: who orders it later knows the same, and means it anew
      const isLinked = targets?.includes(message.target) ?? true;
      const known = isLinked ? seen : undefined;
      const order = orderOf(request, [id, JSON.stringify(targets)], known);
      const knowing = knowingOf(id, known);
      return audited(context, request, act, async () => {
        const by = principal.name;
        const made = await reprocessTraced(broker, trace, { ...asked, id, by, order, knowing });
        return shownReprocessed(principal, made);
      });
    },
  );
}

/** Only what concerns hosts that the caller may see; error texts may quote the message. */
function shownReprocessed(
  { unmasked, visibleHosts }: Principal,
  { failed, made, ...rest }: Reprocessed,
): Reprocessed {
  const sees = (host: string): boolean => visibleHosts?.includes(host) !== false;
  const isOpen = unmasked && visibleHosts === undefined;
  return {
    ...rest,
    made: made.filter(({ target }) => sees(target)),
    failed: failed && (isOpen ? failed : { ...failed, text: maskedText(failed.text) }),
  };
}

function discardRoute(app: Api, context: ApiContext): void {
  const { engines } = context;

  app.post(
    '/messages/:id/discard',
    {
      schema: {
        tags,
        summary: 'Ends a suspended message.',
        params: IdParameters,
        body: closed({ reason: Reason }),
        response: { 200: Done },
      },
      onRequest: requirePermission('deadletter.discard'),
    },
    async (request) => {
      const { id } = request.params;
      const { reason } = request.body;
      const message = await messageToActOn(context, request, id);
      if (message.status !== 'suspended') {
        throw new ApiError(409, 'CONFLICT', `message ${id} is ${message.status}, not suspended`);
      }
      const act = { action: 'message.discard', object: `message ${id}`, detail: { reason } };
      return audited(context, request, act, async () => {
        await engines.discard(message, { by: principalOf(request).name, reason });
        return { done: true as const };
      });
    },
  );
}

function abortRoute(app: Api, context: ApiContext): void {
  const { engines } = context;

  app.post(
    '/messages/:id/abort',
    {
      schema: {
        tags,
        summary: 'Takes a message out of its queue, or ends its retries: discarded, or set aside.',
        params: IdParameters,
        body: AbortRequest,
        response: { 200: Done },
      },
      onRequest: requirePermission('queue.abort'),
    },
    async (request) => {
      const { id } = request.params;
      const { keep = false, reason } = request.body;
      const message = await messageToActOn(context, request, id);
      if (!isWaiting(message)) {
        throw new ApiError(
          409,
          'CONFLICT',
          `message ${id} is ${message.status}: it is not waiting`,
        );
      }
      const status = keep ? 'suspended' : 'discarded';
      const act = { action: 'message.abort', object: `message ${id}`, detail: { status, reason } };
      return audited(context, request, act, async () => {
        await engines.end(message, { status, by: principalOf(request).name, reason });
        return { done: true as const };
      });
    },
  );
}

/** The edited body, written in what the original is read as; undefined if it was not edited. */
async function editedBody(
  context: ApiContext,
  { text, base64 }: ResendRequest,
  message: TracedMessage,
): Promise<Uint8Array | undefined> {
  if (base64 !== undefined) return Buffer.from(base64, 'base64');
  if (text === undefined) return undefined;
  const { id, type } = message;
  if (kindOf(type) === 'dicom') {
    throw new EngineError(
      'MESSAGE_INVALID',
      `message ${id} is a DICOM file, which is no text: download it, change it and send it as base64`,
    );
  }
  const charset = await charsetOf(context, message);
  if (!charset.canEncode(text)) {
    throw new EngineError(
      'MESSAGE_INVALID',
      `the edited text has characters that ${charset.name}, the charset of message ${id}, does not have`,
    );
  }
  return charset.encode(text);
}

/** As the text was read that a person edits: what does not fit the message's charset is ISO 8859-1. */
async function charsetOf(context: ApiContext, { id, charset }: TracedMessage): Promise<Charset> {
  const stored = await context.trace.body(id, 'message');
  const isHeld = stored !== undefined && stored.size <= WHOLE_LIMIT;
  const bytes = isHeld ? await bytesUpTo(context, stored, stored.size) : Buffer.alloc(0);
  return decodeFaithfully(bytes, charsetNamed(charset)).charset;
}
