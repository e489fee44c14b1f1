import { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import {
  checkPermission,
  principalOf,
  requirePermission,
} from '../../access/rights/require-permission.ts';
import { documentOf, kindOf } from '../../document/index.ts';
import type { Api } from '../../web/api.ts';
import { ApiError } from '../../web/api-error.ts';
import { IdParameters } from '../../web/schema.ts';
import { Type } from '../../web/type.ts';
import { audited } from '../acting.ts';
import { astmTree } from '../body/astm-tree.ts';
import { bodyDiff } from '../body/body-diff.ts';
import { bodyText, delimitedTable } from '../body/body-text.ts';
import { ediTree } from '../body/edi-tree.ts';
import { hl7Tree } from '../body/hl7-tree.ts';
import { folded, mediaOf, withEmbedded } from '../body/large-values.ts';
import { mailView } from '../body/mail-view.ts';
import { type BodyRequest, type ShownBody, shownBody } from '../body/shown-body.ts';
import type { ApiContext } from '../context.ts';
import {
  BodyHex,
  BodyQuery,
  BodyText,
  BodyValue,
  Diff,
  DiffQuery,
  HexQuery,
  Hl7Tree,
  MailView,
  PartQuery,
  PathQuery,
  Table,
  TableQuery,
} from '../contract/body.ts';

const tags = ['bodies'];
const PAGE = 256 * 1024;
const HEX_PAGE = 4 * 1024;
const ROWS = 100;
const onRequest = requirePermission('message.content');

const FILE = {
  content: { 'application/octet-stream': { schema: Type.String({ format: 'binary' }) } },
} as const;

/** Every view of a body is an entry of its own in the audit log. */
export function bodyRoutes(app: Api, context: ApiContext): void {
  textView(app, context);
  treeViews(app, context);
  tableView(app, context);
  mailRoute(app, context);
  hexView(app, context);
  valueViews(app, context);
  download(app, context);
  diffView(app, context);
}

function textView(app: Api, context: ApiContext): void {
  app.get(
    '/messages/:id/body',
    {
      schema: {
        tags,
        summary: 'A body as text in its own charset, page by page.',
        params: IdParameters,
        querystring: BodyQuery,
        response: { 200: BodyText },
      },
      onRequest,
    },
    (request) => {
      const { part = 'message', offset, limit = PAGE, pretty = false } = request.query;
      return view(context, request, { id: request.params.id, part, offset, limit }, (body) =>
        bodyText(body, part, pretty),
      );
    },
  );
}

const TREES = [
  {
    path: '/messages/:id/body/hl7',
    summary: 'An HL7 body as a tree with the names of segments and fields.',
    tree: ({ bytes, reading }: ShownBody) => hl7Tree(bytes, reading.charset),
  },
  {
    path: '/messages/:id/body/segments',
    summary: 'A body of X12, EDIFACT or ASTM as a tree of segments and elements.',
    tree: ({ bytes, reading }: ShownBody) =>
      (kindOf(reading.type) === 'astm' ? astmTree : ediTree)(bytes, reading.charset),
  },
] as const;

function treeViews(app: Api, context: ApiContext): void {
  for (const { path, summary, tree } of TREES) {
    app.get(
      path,
      {
        schema: {
          tags,
          summary,
          params: IdParameters,
          querystring: PartQuery,
          response: { 200: Hl7Tree },
        },
        onRequest,
      },
      (request) =>
        view(context, request, { id: request.params.id, part: request.query.part }, (body) => ({
          messageId: body.message.id,
          masked: body.masked,
          ...folded(body.masked ? tree(body) : withEmbedded(tree(body))),
        })),
    );
  }
}

function tableView(app: Api, context: ApiContext): void {
  app.get(
    '/messages/:id/body/table',
    {
      schema: {
        tags,
        summary: 'Delimited text as rows.',
        params: IdParameters,
        querystring: TableQuery,
        response: { 200: Table },
      },
      onRequest,
    },
    (request) => {
      const { part, after = 0, limit = ROWS } = request.query;
      return view(context, request, { id: request.params.id, part }, (body) => {
        const document = documentOf(body.bytes, body.reading);
        if (document.kind !== 'delimited') {
          throw new ApiError(422, 'DOCUMENT_UNREADABLE', 'this body is not delimited text');
        }
        const { masked, message } = body;
        return { messageId: message.id, masked, ...delimitedTable(document, after, limit) };
      });
    },
  );
}

function mailRoute(app: Api, context: ApiContext): void {
  app.get(
    '/messages/:id/body/mail',
    {
      schema: {
        tags,
        summary: 'A mail with its headers, its text and the names of its attachments.',
        params: IdParameters,
        querystring: PartQuery,
        response: { 200: MailView },
      },
      onRequest,
    },
    async (request) => {
      const of = { id: request.params.id, part: request.query.part };
      const body = await view(context, request, of, (shown) => shown);
      const { masked, message, bytes, reading } = body;
      if (!/^message\/rfc822\b/i.test(reading.type))
        throw new ApiError(422, 'DOCUMENT_UNREADABLE', 'this body is not a mail');
      return { messageId: message.id, masked, ...(await mailView(bytes)) };
    },
  );
}

function hexView(app: Api, context: ApiContext): void {
  app.get(
    '/messages/:id/body/hex',
    {
      schema: {
        tags,
        summary: 'A body byte for byte, page by page.',
        params: IdParameters,
        querystring: HexQuery,
        response: { 200: BodyHex },
      },
      onRequest,
    },
    (request) => {
      const { part, offset = 0, limit = HEX_PAGE } = request.query;
      const of = { id: request.params.id, part, offset, limit };
      return view(context, request, of, ({ message, bytes, size, masked }) => {
        const end = offset + bytes.byteLength;
        return {
          messageId: message.id,
          size,
          offset,
          next: end < size && bytes.byteLength > 0 ? end : undefined,
          hex: Buffer.from(bytes).toString('hex'),
          masked,
        };
      });
    },
  );
}

/** Characters of a value that a page shows; of longer ones there is the file. */
const VALUE = 1024 * 1024;

function valueViews(app: Api, context: ApiContext): void {
  app.get(
    '/messages/:id/body/value',
    {
      schema: {
        tags,
        summary: 'One value of a body by its path, which the tree has folded.',
        params: IdParameters,
        querystring: PathQuery,
        response: { 200: BodyValue },
      },
      onRequest,
    },
    (request) => {
      const { part, path } = request.query;
      return view(context, request, { id: request.params.id, part }, (body) => {
        const value = documentOf(body.bytes, body.reading).get(path);
        const { message, masked } = body;
        const { length } = value;
        return { messageId: message.id, path, value: value.slice(0, VALUE), length, masked };
      });
    },
  );
  embeddedFile(app, context);
}

/** Its own scripts, if it is a PDF, do not run with this console's rights, and nothing is loaded for it. */
const EMBEDDED_POLICY =
  "default-src 'none'; object-src 'self'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'";

function embeddedFile(app: Api, context: ApiContext): void {
  app.get(
    '/messages/:id/body/embedded',
    {
      schema: {
        tags,
        summary:
          'A document or picture in Base64 in a body. Only for those who may see bodies unmasked.',
        params: IdParameters,
        querystring: PathQuery,
        response: { 200: FILE },
      },
      onRequest: requirePermission('message.content', 'message.export'),
    },
    async (request, reply) => {
      checkPermission(principalOf(request), 'message.content.unmasked');
      const { id } = request.params;
      const { part = 'message', path } = request.query;
      const act = { action: 'message.download', object: `message ${id}`, detail: { part, path } };
      const bytes = await audited(context, request, act, async () => {
        const body = await shownBody(context, request, { id, part });
        return Buffer.from(documentOf(body.bytes, body.reading).get(path), 'base64');
      });
      if (bytes.byteLength === 0)
        throw new ApiError(404, 'NOT_FOUND', `nothing in Base64 is at ${path} of message ${id}`);
      const { type, ending, isShown } = mediaOf(bytes);
      const name = `${id}-${path.replaceAll(/\W+/g, '-')}.${ending}`;
      return reply
        .type(type)
        .header('content-security-policy', EMBEDDED_POLICY)
        .header('content-disposition', `${isShown ? 'inline' : 'attachment'}; filename="${name}"`)
        .send(bytes as unknown as string);
    },
  );
}

function download(app: Api, context: ApiContext): void {
  app.get(
    '/messages/:id/body/raw',
    {
      schema: {
        tags,
        summary: 'The exact bytes, as a file. Only for those who may see bodies unmasked.',
        params: IdParameters,
        querystring: PartQuery,
        response: { 200: FILE },
      },
      onRequest: requirePermission('message.content', 'message.export'),
    },
    async (request, reply) => {
      checkPermission(principalOf(request), 'message.content.unmasked');
      const { id } = request.params;
      const { part = 'message' } = request.query;
      const act = { action: 'message.download', object: `message ${id}`, detail: { part } };
      const stream = await audited(context, request, act, async () => {
        // reading the first byte shows whether it may be seen at all
        await shownBody(context, request, { id, part, offset: 0, limit: 1 });
        const stored = await context.trace.body(id, part);
        return stored?.bytes === undefined
          ? Readable.from(context.bodies.open(stored?.ref ?? '', stored?.size ?? 0).stream())
          : Readable.from([Buffer.from(stored.bytes)]);
      });
      return reply
        .type('application/octet-stream')
        .header('content-disposition', `attachment; filename="${id}-${part}.bin"`)
        .send(stream as unknown as string);
    },
  );
}

function diffView(app: Api, context: ApiContext): void {
  app.get(
    '/messages/:id/diff',
    {
      schema: {
        tags,
        summary:
          'The differences from another message: fields for HL7, X12 and EDIFACT, otherwise lines.',
        params: IdParameters,
        querystring: DiffQuery,
        response: { 200: Diff },
      },
      onRequest,
    },
    async (request) => {
      const { id } = request.params;
      const { against } = request.query;
      const before = await view(context, request, { id: against }, (body) => body);
      return view(context, request, { id }, (after) => bodyDiff(before, after));
    },
  );
}

/** Reads a body for a person; recorded as a view of the message. */
function view<Result>(
  context: ApiContext,
  request: FastifyRequest,
  of: BodyRequest,
  show: (body: ShownBody) => Result,
): Promise<Result> {
  const { id, part = 'message' } = of;
  const act = { action: 'message.view', object: `message ${id}`, detail: { part } };
  return audited(context, request, act, async () => show(await shownBody(context, request, of)));
}
