/** An address as Graph writes it. */
export interface GraphRecipient {
  readonly emailAddress: { readonly name?: string; readonly address: string };
}

export interface GraphAttachment {
  readonly id: string;
  readonly kind: 'file' | 'item' | 'reference';
  readonly name: string;
  readonly contentType: string;
  readonly isInline: boolean;
  readonly contentId?: string | undefined;
  /** For an item, its MIME form; for a reference, empty. */
  readonly content: Buffer;
}

/** What a client may set for a message, and what an incoming mail contains. */
export interface GraphContent {
  readonly subject: string;
  readonly body: { readonly contentType: 'text' | 'html'; readonly content: string };
  readonly from?: GraphRecipient | undefined;
  readonly toRecipients: readonly GraphRecipient[];
  readonly ccRecipients: readonly GraphRecipient[];
  readonly bccRecipients: readonly GraphRecipient[];
  readonly replyTo: readonly GraphRecipient[];
  readonly internetMessageId: string;
  readonly attachments: readonly GraphAttachment[];
  readonly extended: readonly { readonly id: string; readonly value: string }[];
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  /** The mail as received over the internet, if it was. */
  readonly mime?: Buffer | undefined;
}

/** A message in a mailbox. */
export interface GraphMessage extends GraphContent {
  /** The same for as long as the message exists. */
  readonly key: string;
  readonly folder: string;
  /** Counts moves: ids that are not immutable change with it. */
  readonly generation: number;
  readonly isRead: boolean;
  readonly isDraft: boolean;
  readonly categories: readonly string[];
  /** Milliseconds since 1970. */
  readonly received: number;
  /** Orders changes of the mailbox. */
  readonly created: number;
  readonly changed: number;
}

/** The id by which a client knows the message. */
export function idOf(
  { key, generation }: Pick<GraphMessage, 'key' | 'generation'>,
  immutable: boolean,
): string {
  return immutable
    ? `AAkALg${Buffer.from(key).toString('base64url')}`
    : `AAMkAD${Buffer.from(`${key}:${generation}`).toString('base64url')}`;
}

/** Whether an id, of either kind, refers to this message in its current place. */
export function isMeantBy(id: string, message: GraphMessage): boolean {
  return id === idOf(message, true) || id === idOf(message, false);
}

/** Bytes as Exchange counts them, roughly: texts and attachments. */
export function sizeOf(message: GraphContent): number {
  const attached = message.attachments.reduce((sum, { content }) => sum + content.length, 0);
  return (message.mime?.length ?? message.body.content.length) + attached;
}

/** The message resource, or its requested properties. */
export function viewOf(
  message: GraphMessage,
  immutable: boolean,
  select: readonly string[] | undefined,
): Record<string, unknown> {
  const whole: Record<string, unknown> = {
    subject: message.subject,
    body: message.body,
    from: message.from,
    toRecipients: message.toRecipients,
    ccRecipients: message.ccRecipients,
    bccRecipients: message.bccRecipients,
    replyTo: message.replyTo,
    internetMessageId: message.internetMessageId,
    hasAttachments: message.attachments.some(({ isInline }) => !isInline),
    isRead: message.isRead,
    isDraft: message.isDraft,
    categories: message.categories,
    receivedDateTime: new Date(message.received).toISOString().replace(/\.\d+Z$/, 'Z'),
    parentFolderId: message.folder,
  };
  const chosen = Object.entries(whole).filter(([name]) => select?.includes(name) ?? true);
  return {
    '@odata.etag': `W/"${message.changed}"`,
    id: idOf(message, immutable),
    ...Object.fromEntries(chosen),
  };
}
