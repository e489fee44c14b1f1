import { buffer } from 'node:stream/consumers';
import MailComposer from 'nodemailer/lib/mail-composer';
import { type GraphMailbox, ROOT } from './graph-mailbox.ts';
import {
  type GraphContent,
  type GraphMessage,
  type GraphRecipient,
  idOf,
  sizeOf,
  viewOf,
} from './graph-message.ts';
import { asObject, attachmentOf, contentOf, contentOfMime } from './graph-reading.ts';
import { badRequest, type GraphAnswer, GraphRefusal, notFound } from './graph-refusal.ts';
import { type GraphRequest, type GraphRoute, json, part, selected } from './graph-route.ts';
import { SMALL_ATTACHMENT } from './graph-uploads.ts';

const SEND = ['Mail.Send'];
const WRITE = ['Mail.ReadWrite'];
const READ = ['Mail.Read', 'Mail.ReadWrite'];

const MESSAGE = String.raw`\/messages\/([^/]+)`;
const route = (
  method: string,
  path: string,
  roles: readonly string[],
  answer: GraphRoute['answer'],
): GraphRoute => ({ method, path: new RegExp(`^${path}$`), roles, answer });

/** The routes of mail, more specific ones before more general ones. */
export const GRAPH_ROUTES: readonly GraphRoute[] = [
  route('POST', String.raw`\/sendMail`, SEND, sendMail),
  route('POST', String.raw`\/messages`, WRITE, draft),
  route('GET', String.raw`\/messages`, READ, find),
  route('POST', `${MESSAGE}\\/send`, SEND, sendDraft),
  route('POST', `${MESSAGE}\\/move`, WRITE, move),
  route('GET', `${MESSAGE}\\/\\$value`, READ, messageValue),
  route('POST', `${MESSAGE}\\/attachments\\/createUploadSession`, WRITE, beginUpload),
  route('POST', `${MESSAGE}\\/attachments`, WRITE, attach),
  route('GET', `${MESSAGE}\\/attachments`, READ, attachments),
  route('GET', `${MESSAGE}\\/attachments\\/([^/]+)\\/\\$value`, READ, attachmentValue),
  route('GET', MESSAGE, READ, oneMessage),
  route('PATCH', MESSAGE, WRITE, change),
  route('DELETE', MESSAGE, WRITE, remove),
  route('GET', String.raw`\/mailFolders\/([^/]+)\/messages\/delta`, READ, delta),
  route('GET', String.raw`\/mailFolders`, READ, folders),
  route('POST', String.raw`\/mailFolders`, WRITE, addFolder),
  route('GET', String.raw`\/mailFolders\/([^/]+)\/childFolders`, READ, folders),
  route('POST', String.raw`\/mailFolders\/([^/]+)\/childFolders`, WRITE, addFolder),
  route('GET', String.raw`\/mailFolders\/([^/]+)`, READ, oneFolder),
];

function move(request: GraphRequest): GraphAnswer {
  const { mailbox, immutable } = request;
  const target = mailbox.folder(String(json(request)['destinationId']));
  const moved = mailbox.move(mailbox.find(part(request)), target.id);
  return { status: 201, json: viewOf(moved, immutable, undefined) };
}

async function messageValue(request: GraphRequest): Promise<GraphAnswer> {
  const bytes = await mimeOf(request.mailbox.find(part(request)));
  return { status: 200, bytes, headers: { 'content-type': 'text/plain' } };
}

function beginUpload(request: GraphRequest): GraphAnswer {
  const { mailbox, world } = request;
  return { status: 201, json: world.uploads.begin(mailbox, part(request), json(request)) };
}

function attach(request: GraphRequest): GraphAnswer {
  const { mailbox } = request;
  const found = mailbox.find(part(request));
  const added = attachmentOf(json(request));
  if (added.content.length >= SMALL_ATTACHMENT) {
    throw new GraphRefusal(
      413,
      'ErrorAttachmentSizeLimitExceeded',
      'The attachment is larger than 3 MB: use an upload session.',
    );
  }
  mailbox.change(found, { attachments: [...found.attachments, added] });
  return { status: 201, json: { id: added.id, name: added.name } };
}

const ODATA_TYPES = {
  file: '#microsoft.graph.fileAttachment',
  item: '#microsoft.graph.itemAttachment',
  reference: '#microsoft.graph.referenceAttachment',
} as const;

function attachments(request: GraphRequest): GraphAnswer {
  const wanted = selected(request);
  const views = request.mailbox.find(part(request)).attachments.map((one) => {
    const whole: Record<string, unknown> = {
      name: one.name,
      contentType: one.contentType,
      size: one.content.length,
      isInline: one.isInline,
      contentId: one.contentId ?? null,
      ...(one.kind === 'file' ? { contentBytes: one.content.toString('base64') } : {}),
    };
    const chosen = Object.entries(whole).filter(([name]) => wanted?.includes(name) ?? true);
    return { '@odata.type': ODATA_TYPES[one.kind], id: one.id, ...Object.fromEntries(chosen) };
  });
  return { status: 200, json: { value: views } };
}

function attachmentValue(request: GraphRequest): GraphAnswer {
  const { attachments: all } = request.mailbox.find(part(request));
  const found = all.find(({ id }) => id === part(request, 1));
  if (found === undefined || found.kind === 'reference') throw notFound();
  return { status: 200, bytes: found.content, headers: { 'content-type': found.contentType } };
}

function oneMessage(request: GraphRequest): GraphAnswer {
  const found = request.mailbox.find(part(request));
  const { body } = found;
  const text = { contentType: 'text', content: body.content.replaceAll(/<[^>]*>/g, '') } as const;
  const shown =
    request.textWanted && body.contentType === 'html' ? { ...found, body: text } : found;
  return { status: 200, json: viewOf(shown, request.immutable, selected(request)) };
}

function change(request: GraphRequest): GraphAnswer {
  const { mailbox, immutable } = request;
  const { isRead, categories } = json(request);
  const changed = mailbox.change(mailbox.find(part(request)), {
    ...(typeof isRead === 'boolean' ? { isRead } : {}),
    ...(Array.isArray(categories) ? { categories: categories.map(String) } : {}),
  });
  return { status: 200, json: viewOf(changed, immutable, undefined) };
}

function remove({ mailbox, parts }: GraphRequest): GraphAnswer {
  mailbox.remove(mailbox.find(parts[0] ?? ''));
  return { status: 204 };
}

function delta(request: GraphRequest): GraphAnswer {
  const { id } = request.mailbox.folder(part(request));
  return { status: 200, json: deltaPage({ ...request, folder: id }) };
}

function folders({ mailbox, parts, query }: GraphRequest): GraphAnswer {
  const below = mailbox.foldersBelow(parts[0] === undefined ? ROOT : mailbox.folder(parts[0]).id);
  const [, name] = /^displayName eq '(.*)'$/.exec(query.get('$filter') ?? '') ?? [];
  const wanted = name?.replaceAll("''", "'").toLowerCase();
  const found = below.filter(
    (one) => wanted === undefined || one.displayName.toLowerCase() === wanted,
  );
  return { status: 200, json: { value: found } };
}

function oneFolder(request: GraphRequest): GraphAnswer {
  const found = request.mailbox.folder(part(request));
  const totalItemCount = request.mailbox.messages(found.id).length;
  return { status: 200, json: { ...found, totalItemCount } };
}

function addFolder(request: GraphRequest): GraphAnswer {
  const { mailbox, parts } = request;
  const parent = parts[0] === undefined ? ROOT : mailbox.folder(parts[0]).id;
  return { status: 201, json: mailbox.addFolder(parent, String(json(request)['displayName'])) };
}

/** A query for the changes of a folder. */
interface DeltaQuestion {
  readonly mailbox: GraphMailbox;
  readonly folder: string;
  /** The address without its query, for the links of the answer. */
  readonly address: string;
  readonly query: URLSearchParams;
  readonly immutable: boolean;
  /** The size of a page. */
  readonly page: number;
}

interface Token {
  /** Changes after this are included; 0 includes everything. */
  readonly from: number;
  /** Changes up to this are included. */
  readonly to: number;
  readonly skip: number;
  readonly select: string | null;
  readonly filter: string | null;
  readonly changeType: string | null;
  readonly order: string | null;
}

/** One page of changes, with the link to the next page or to the next time. */
function deltaPage(question: DeltaQuestion): object {
  const { mailbox, address, page } = question;
  const token = tokenOf(question);
  if (token.from < mailbox.oldestToken && token.from > 0) {
    throw new GraphRefusal(
      410,
      'SyncStateNotFound',
      'The sync state generation is not found; please start a full synchronisation.',
      { location: address },
    );
  }
  const all = changesOf(question, token);
  const rest = all.length > token.skip + page;
  const next: Token = rest
    ? { ...token, skip: token.skip + page }
    : { ...token, from: token.to, to: 0, skip: 0 };
  const link = `${address}?${rest ? '$skiptoken' : '$deltatoken'}=${encoded(next)}`;
  return {
    '@odata.context': `${address}#Collection(message)`,
    value: all.slice(token.skip, token.skip + page),
    ...(rest ? { '@odata.nextLink': link } : { '@odata.deltaLink': link }),
  };
}

const encoded = (token: Token): string => Buffer.from(JSON.stringify(token)).toString('base64url');

function tokenOf({ query, mailbox }: DeltaQuestion): Token {
  const text = query.get('$skiptoken') ?? query.get('$deltatoken');
  if (text !== null) {
    const read = JSON.parse(Buffer.from(text, 'base64url').toString()) as Token;
    return query.has('$deltatoken') ? { ...read, to: mailbox.changes } : read;
  }
  return {
    from: 0,
    to: mailbox.changes,
    skip: 0,
    select: query.get('$select'),
    filter: query.get('$filter'),
    changeType: query.get('changeType'),
    order: query.get('$orderby'),
  };
}

/** Newest first if requested, otherwise in no particular order; what left the folder comes last. */
function changesOf(
  { mailbox, folder, immutable }: DeltaQuestion,
  token: Token,
): readonly Record<string, unknown>[] {
  const since = sinceOf(token.filter);
  const isTold = (message: GraphMessage): boolean => {
    const at = token.changeType === 'created' ? message.created : message.changed;
    return at > token.from && at <= token.to && message.received >= since;
  };
  const told = mailbox
    .messages(folder)
    .filter(isTold)
    .toSorted((a, b) => (token.order === null ? a.key.localeCompare(b.key) : byTime(a, b)))
    .map((message) => viewOf(message, immutable, token.select?.split(',')));
  if (token.from === 0 || token.changeType === 'created') return told;
  const gone = mailbox.departures
    .filter((one) => one.folder === folder && one.at > token.from && one.at <= token.to)
    .map((one) => ({
      id: idOf(one, immutable),
      '@removed': { reason: 'deleted' },
    }));
  return [...told, ...gone];
}

const byTime = (a: GraphMessage, b: GraphMessage): number =>
  b.received - a.received || b.created - a.created;

/** The only filter that message delta accepts. */
function sinceOf(filter: string | null): number {
  if (filter === null) return 0;
  const [, date] = /^receivedDateTime g[et] (\S+)$/i.exec(filter) ?? [];
  if (date === undefined) throw badRequest('The query specified in the URI is not valid.');
  return Date.parse(date);
}

/** The MIME form of a message: as received, or written from its properties. */
function mimeOf(message: GraphMessage): Promise<Buffer> {
  if (message.mime !== undefined) return Promise.resolve(message.mime);
  const { body, from } = message;
  const composed = new MailComposer({
    ...(from === undefined ? {} : { from: plain(from) }),
    to: message.toRecipients.map(plain),
    cc: message.ccRecipients.map(plain),
    subject: message.subject,
    messageId: message.internetMessageId,
    date: new Date(message.received),
    ...(body.contentType === 'html' ? { html: body.content } : { text: body.content }),
    attachments: message.attachments.map((one) => ({
      filename: one.name,
      contentType: one.contentType,
      content: one.content,
    })),
    headers: message.headers.map(({ name, value }) => ({ key: name, value })),
    disableFileAccess: true,
    disableUrlAccess: true,
  }).compile();
  return buffer(composed.createReadStream());
}

function plain({ emailAddress }: GraphRecipient): { name: string; address: string } {
  return { name: emailAddress.name ?? '', address: emailAddress.address };
}

/** In one request: as JSON, or as a whole MIME mail in base64. */
async function sendMail(request: GraphRequest): Promise<GraphAnswer> {
  const { mailbox, contentType, world } = request;
  const isMime = contentType.startsWith('text/plain');
  const asked = isMime ? {} : json(request);
  const content = isMime
    ? await contentOfMime(decoded(request))
    : contentOf(asObject(asked['message']));
  checkSendable(content, request);
  if (asked['saveToSentItems'] !== false) mailbox.add(content, 'sentitems');
  world.deliver(content);
  return { status: 202 };
}

function decoded({ body }: GraphRequest): Buffer {
  const text = body.toString().trim();
  if (/^[A-Za-z0-9+/=\s]+$/.test(text)) return Buffer.from(text, 'base64');
  throw new GraphRefusal(
    400,
    'ErrorMimeContentInvalidBase64String',
    'Invalid base64 string for MIME content.',
  );
}

function checkSendable(content: GraphContent, { mailbox, world }: GraphRequest): void {
  const { toRecipients, ccRecipients, bccRecipients } = content;
  const all = [...toRecipients, ...ccRecipients, ...bccRecipients];
  if (
    all.length === 0 ||
    all.some(({ emailAddress }) => !/^[^@\s]+@[^@\s]+$/.test(emailAddress.address))
  ) {
    throw new GraphRefusal(
      400,
      'ErrorInvalidRecipients',
      'At least one recipient is not valid., Recipient is not valid',
    );
  }
  const from = content.from?.emailAddress.address.toLowerCase();
  if (from !== undefined && !world.maySendAs(mailbox.address, from)) {
    throw new GraphRefusal(
      403,
      'ErrorSendAsDenied',
      'The user account which was used to submit this request does not have the right to send mail on behalf of the specified sending account., Cannot submit message.',
    );
  }
  if (sizeOf(content) > world.messageLimit) {
    throw new GraphRefusal(
      413,
      'ErrorMessageSizeExceeded',
      'The message exceeds the maximum supported size.',
    );
  }
}

function draft(request: GraphRequest): GraphAnswer {
  const added = request.mailbox.add(contentOf(json(request)), 'drafts');
  return { status: 201, json: viewOf(added, request.immutable, undefined) };
}

/** By extended property or by Message-ID: the filters that find a mail written earlier. */
function find(request: GraphRequest): GraphAnswer {
  const filter = request.query.get('$filter') ?? '';
  const fits = fitter(filter);
  const found = request.mailbox.messages().filter(fits);
  return {
    status: 200,
    json: { value: found.map((one) => viewOf(one, request.immutable, selected(request))) },
  };
}

const PROPERTY =
  /^singleValueExtendedProperties\/any\(ep:\s*ep\/id eq '([^']+)' and ep\/value eq '([^']+)'\)$/i;

function fitter(filter: string): (message: GraphMessage) => boolean {
  const [, id, wanted] = PROPERTY.exec(filter) ?? [];
  if (id !== undefined) {
    return ({ extended }) =>
      extended.some((one) => one.id.toLowerCase() === id.toLowerCase() && one.value === wanted);
  }
  const [, messageId] = /^internetMessageId eq '([^']+)'$/.exec(filter) ?? [];
  if (messageId !== undefined) return (one) => one.internetMessageId === messageId;
  if (filter === '') return () => true;
  throw badRequest('The query filter contains one or more invalid nodes.');
}

function sendDraft(request: GraphRequest): GraphAnswer {
  const { mailbox, world } = request;
  const found = mailbox.find(part(request));
  if (!found.isDraft)
    throw new GraphRefusal(400, 'ErrorInvalidOperation', 'The message is not a draft.');
  checkSendable(found, request);
  const sent = mailbox.move(found, 'sentitems');
  mailbox.change(sent, { isDraft: false, received: Date.now() });
  world.deliver(found);
  return { status: 202 };
}
