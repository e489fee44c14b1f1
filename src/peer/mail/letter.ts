import {
  addressTemplate,
  choice,
  htmlTemplate,
  list,
  optional,
  type Template,
  template,
  type ValuesOf,
} from '../../adapter/setting.ts';
import { SuspendError } from '../../error/adapter-error.ts';
import { isEngineError } from '../../error/engine-error.ts';
import type { Body } from '../../message/body.ts';
import type { Message } from '../../message/message.ts';
import { type Mailbox, mailboxesIn, oneLine } from './mailbox.ts';

const addresses = addressTemplate({
  help: 'An address; separate several with commas. A value in braces is one address or a name, never several.',
});

/**
 * The settings of every adapter that sends mail: who gets it, what it says, and what happens to the
 * message's body. All texts are templates.
 */
export const letterSettings = {
  from: addressTemplate({
    help: 'The sender: an address, or a name with the address in angle brackets.',
    example: 'Registration <noreply@hospital.example>',
  }),
  to: list(addresses, {
    help: 'Who gets the mail. An entry that turns out empty is left out.',
    example: 'registrar@hospital.example',
  }),
  cc: list(addresses, { help: 'Who gets a copy, visible to all.' }),
  bcc: list(addresses, { help: 'Who gets a copy, hidden from the others.' }),
  replyTo: optional(
    addressTemplate({
      help: 'Where replies go, if not to the sender.',
      example: 'ward@hospital.example',
    }),
  ),
  subject: template({
    help: 'The subject. Mail servers log subjects: keep patient data out.',
    default: '{type} {id}',
    example: 'Admission {id}',
  }),
  text: optional(
    template({
      help: 'The plain text of the mail.',
      example: 'A letter from {source} is attached.',
    }),
  ),
  html: optional(
    htmlTemplate({
      help: 'The HTML of the mail, shown instead of the text if possible. Values in braces are escaped: what a message contains is shown as text. To turn a message into HTML, use a transform and body html.',
      example: '<p>Admission <b>{id}</b> is attached.</p>',
    }),
  ),
  body: choice(
    {
      attachment: 'It is attached as a file',
      text: 'It is the plain text of the mail',
      html: 'It is the HTML of the mail',
      none: 'It is left out; only text and html are sent',
    },
    { help: 'What happens to the body of the message.', default: 'attachment' },
  ),
  attachmentName: optional(
    template({
      help: "The file name of the attached body. Default: the message's id with the extension of its type.",
      example: '{type}_{id}.hl7',
    }),
  ),
  attachmentType: optional(
    template({
      help: "The media type of the attached body. Default: follows from the message's type.",
      example: 'application/pdf',
      advanced: true,
    }),
  ),
};

export type LetterSettings = ValuesOf<typeof letterSettings>;

/** A mail to be sent, whatever the protocol. */
export interface Letter {
  readonly from: Mailbox;
  readonly to: readonly Mailbox[];
  readonly cc: readonly Mailbox[];
  readonly bcc: readonly Mailbox[];
  readonly replyTo?: Mailbox | undefined;
  /** Free of line breaks. */
  readonly subject: string;
  readonly text?: string | undefined;
  readonly html?: string | undefined;
  readonly attachment?: LetterAttachment | undefined;
}

export interface LetterAttachment {
  /** Free of line breaks and of path separators. */
  readonly name: string;
  /** A media type, with the charset if known. */
  readonly type: string;
  readonly body: Body;
}

/**
 * Fills in the templates for one message. Throws a SuspendError if a template fails, if what should
 * be an address is not one, and if nobody would get the mail: a person can correct that.
 */
export async function letter(message: Message, settings: LetterSettings): Promise<Letter> {
  const [from] = await mailboxes(message, 'from', [settings.from]);
  const [replyTo] = await mailboxes(message, 'replyTo', settings.replyTo ?? []);
  const to = await mailboxes(message, 'to', settings.to);
  const cc = await mailboxes(message, 'cc', settings.cc);
  const bcc = await mailboxes(message, 'bcc', settings.bcc);
  if (from === undefined)
    throw new SuspendError('from is empty for this message. Correct the template.');
  if (to.length + cc.length + bcc.length === 0) {
    throw new SuspendError('to, cc and bcc are empty for this message: nobody would get the mail.');
  }
  const own = settings.body;
  const text =
    own === 'text' ? await bodyText(message) : await rendered(message, 'text', settings.text);
  const html =
    own === 'html' ? await bodyText(message) : await rendered(message, 'html', settings.html);
  return {
    from,
    to,
    cc,
    bcc,
    replyTo,
    subject: oneLine((await rendered(message, 'subject', settings.subject)) ?? ''),
    text,
    html,
    attachment: own === 'attachment' ? await attachment(message, settings) : undefined,
  };
}

async function attachment(message: Message, settings: LetterSettings): Promise<LetterAttachment> {
  const name = await rendered(message, 'attachmentName', settings.attachmentName);
  const type = await rendered(message, 'attachmentType', settings.attachmentType);
  const [media, ending] = mediaType(message.type);
  const charset = message.charset === undefined ? '' : `; charset=${message.charset}`;
  return {
    name: oneLine(name ?? `${message.id}${ending}`).replaceAll(/[/\\]/g, '_'),
    type: type === undefined ? `${media}${charset}` : oneLine(type),
    body: message.body,
  };
}

/** HL7 has no registered media type; FHIR and mail gateways use this one. */
const HL7_MEDIA_TYPE = 'x-application/hl7-v2+er7';

const ENDINGS: Readonly<Record<string, string>> = {
  'application/json': '.json',
  'application/pdf': '.pdf',
  'application/xml': '.xml',
  'text/csv': '.csv',
  'text/html': '.html',
  'text/plain': '.txt',
  'text/xml': '.xml',
};

function mediaType(type: string): readonly [media: string, ending: string] {
  if (type.startsWith('HL7v2')) return [HL7_MEDIA_TYPE, '.hl7'];
  if (/^X12(?::|$)/.test(type)) return ['application/edi-x12', '.edi'];
  if (/^EDIFACT(?::|$)/.test(type)) return ['application/edifact', '.edi'];
  return /^[\w.+-]+\/[\w.+-]+$/.test(type)
    ? [type, ENDINGS[type] ?? '']
    : ['application/octet-stream', ''];
}

async function mailboxes(
  message: Message,
  setting: string,
  templates: readonly Template[] | Template,
): Promise<readonly Mailbox[]> {
  const all = [templates].flat();
  const texts = await Promise.all(all.map((one) => rendered(message, setting, one)));
  return texts.flatMap((text) => mailboxesIn(text ?? '', setting));
}

async function rendered(
  message: Message,
  setting: string,
  source: Template | undefined,
): Promise<string | undefined> {
  try {
    return await source?.render(message);
  } catch (error) {
    if (!isEngineError(error) || error.retryable) throw error;
    throw new SuspendError(`${setting}: ${error.message}`, { cause: error });
  }
}

/** The body in the message's charset, with the line ends of this machine: HL7 ends its lines with CR. */
async function bodyText(message: Message): Promise<string> {
  const bytes = await message.body.bytes();
  return decoder(message.charset).decode(bytes).replaceAll(/\r\n?/g, '\n');
}

function decoder(charset: string | undefined): InstanceType<typeof TextDecoder> {
  try {
    return new TextDecoder(charset ?? 'utf-8');
  } catch {
    // RangeError: an unknown charset
    return new TextDecoder('latin1');
  }
}
