import { type GraphContent, type GraphMessage, sizeOf, viewOf } from './graph-message.ts';
import { asObject, contentOf, contentOfMime } from './graph-reading.ts';
import { badRequest, type GraphAnswer, GraphRefusal } from './graph-refusal.ts';
import { type GraphRequest, json, part, selected } from './graph-route.ts';

/** In one request: as JSON, or as a whole MIME mail in base64. */
export async function sendMail(request: GraphRequest): Promise<GraphAnswer> {
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

export function draft(request: GraphRequest): GraphAnswer {
  const added = request.mailbox.add(contentOf(json(request)), 'drafts');
  return { status: 201, json: viewOf(added, request.immutable, undefined) };
}

/** By extended property or by Message-ID: the filters that find a mail written earlier. */
export function find(request: GraphRequest): GraphAnswer {
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

export function sendDraft(request: GraphRequest): GraphAnswer {
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
