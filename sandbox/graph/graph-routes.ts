import { addFolder, delta, folder, folders } from './graph-folders.ts';
import { viewOf } from './graph-message.ts';
import { mimeOf } from './graph-mime.ts';
import { attachmentOf } from './graph-reading.ts';
import { type GraphAnswer, GraphRefusal, notFound } from './graph-refusal.ts';
import { type GraphRequest, type GraphRoute, json, part, selected } from './graph-route.ts';
import { draft, find, sendDraft, sendMail } from './graph-sending.ts';
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

/** The routes of mail, the more special before the more general. */
export const GRAPH_ROUTES: readonly GraphRoute[] = [
  route('POST', String.raw`\/sendMail`, SEND, sendMail),
  route('POST', String.raw`\/messages`, WRITE, draft),
  route('GET', String.raw`\/messages`, READ, find),
  route('POST', `${MESSAGE}\\/send`, SEND, sendDraft),
  route('POST', `${MESSAGE}\\/move`, WRITE, move),
  route('GET', `${MESSAGE}\\/\\$value`, READ, value),
  route('POST', `${MESSAGE}\\/attachments\\/createUploadSession`, WRITE, beginUpload),
  route('POST', `${MESSAGE}\\/attachments`, WRITE, attach),
  route('GET', `${MESSAGE}\\/attachments`, READ, attachments),
  route('GET', `${MESSAGE}\\/attachments\\/([^/]+)\\/\\$value`, READ, attachmentValue),
  route('GET', MESSAGE, READ, message),
  route('PATCH', MESSAGE, WRITE, change),
  route('DELETE', MESSAGE, WRITE, remove),
  route('GET', String.raw`\/mailFolders\/([^/]+)\/messages\/delta`, READ, delta),
  route('GET', String.raw`\/mailFolders`, READ, folders),
  route('POST', String.raw`\/mailFolders`, WRITE, addFolder),
  route('GET', String.raw`\/mailFolders\/([^/]+)\/childFolders`, READ, folders),
  route('POST', String.raw`\/mailFolders\/([^/]+)\/childFolders`, WRITE, addFolder),
  route('GET', String.raw`\/mailFolders\/([^/]+)`, READ, folder),
];

function move(request: GraphRequest): GraphAnswer {
  const { mailbox, immutable } = request;
  const target = mailbox.folder(String(json(request)['destinationId']));
  const moved = mailbox.move(mailbox.find(part(request)), target.id);
  return { status: 201, json: viewOf(moved, immutable, undefined) };
}

async function value(request: GraphRequest): Promise<GraphAnswer> {
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

function message(request: GraphRequest): GraphAnswer {
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
