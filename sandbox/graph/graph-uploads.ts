import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { GraphMailbox } from './graph-mailbox.ts';
import { asObject } from './graph-reading.ts';
import { badRequest, type GraphAnswer, GraphRefusal, notFound } from './graph-refusal.ts';

const MB = 1024 * 1024;
/** Attachments below this go into the message, above it through a session. */
export const SMALL_ATTACHMENT = 3 * MB;
const LARGEST_ATTACHMENT = 150 * MB;
const LARGEST_PIECE = 4 * MB;

interface Session {
  readonly mailbox: GraphMailbox;
  readonly messageId: string;
  readonly name: string;
  readonly contentType: string;
  readonly size: number;
  readonly pieces: Buffer[];
  received: number;
}

/** Upload sessions: pre-authenticated addresses that accept a large attachment in pieces, in order. */
export class GraphUploads {
  readonly #sessions = new Map<string, Session>();
  readonly #base: string;
  readonly #tellsStatus: boolean;

  /** `tellsStatus`: whether GET returns the next range; not documented for Outlook. */
  constructor(base: string, tellsStatus: boolean) {
    this.#base = base;
    this.#tellsStatus = tellsStatus;
  }

  begin(mailbox: GraphMailbox, messageId: string, json: unknown): object {
    const item = asObject(asObject(json)['AttachmentItem']);
    const { name, size, attachmentType, contentType } = item;
    if (attachmentType !== 'file' || typeof name !== 'string' || typeof size !== 'number') {
      throw badRequest('AttachmentItem needs attachmentType file, name and size.');
    }
    if (size < SMALL_ATTACHMENT) {
      throw new GraphRefusal(
        400,
        'ErrorAttachmentSizeShouldNotBeLessThanMinimumSize',
        'The attachment size should be greater than or equal to the minimum size of 3 MB.',
      );
    }
    if (size > LARGEST_ATTACHMENT) {
      throw new GraphRefusal(
        413,
        'ErrorAttachmentSizeLimitExceeded',
        'The attachment is too large.',
      );
    }
    mailbox.find(messageId);
    const id = randomUUID();
    const type = typeof contentType === 'string' ? contentType : 'application/octet-stream';
    const session = { mailbox, messageId, name, contentType: type, size, pieces: [], received: 0 };
    this.#sessions.set(id, session);
    return {
      uploadUrl: `${this.#base}/upload/${id}?authtoken=${randomUUID()}`,
      expirationDateTime: new Date(Date.now() + 3_600_000).toISOString(),
      nextExpectedRanges: ['0-'],
    };
  }

  /** Answers requests to an upload address. */
  answer(id: string, { method, headers, body }: UploadRequest): GraphAnswer {
    const session = this.#sessions.get(id);
    if (session === undefined) throw notFound();
    if (headers.authorization !== undefined) {
      throw new GraphRefusal(
        401,
        'InvalidAuthenticationToken',
        'The address is authenticated already.',
      );
    }
    if (method === 'DELETE') {
      this.#sessions.delete(id);
      return { status: 204 };
    }
    if (method === 'GET' && !this.#tellsStatus) {
      throw new GraphRefusal(405, 'ErrorInvalidRequest', 'The method is not allowed.');
    }
    if (method === 'PUT') take(session, String(headers['content-range']), body);
    if (session.received < session.size) {
      return { status: 200, json: { nextExpectedRanges: [`${session.received}-`] } };
    }
    attach(session);
    this.#sessions.delete(id);
    const location = `https://outlook.office.com/api/v2.0/Attachments('${randomUUID()}')`;
    return { status: 201, headers: { location } };
  }
}

interface UploadRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

function take(session: Session, header: string, piece: Buffer): void {
  const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(header) ?? [];
  const [from, to, total] = range.slice(1).map(Number);
  if (from === undefined || to === undefined || total !== session.size) {
    throw new GraphRefusal(
      400,
      'ErrorInvalidRange',
      'The Content-Range header is missing or wrong.',
    );
  }
  if (piece.length !== to - from + 1 || piece.length > LARGEST_PIECE) {
    throw new GraphRefusal(400, 'ErrorInvalidRange', 'The length does not go with the range.');
  }
  if (from !== session.received) {
    throw new GraphRefusal(416, 'ErrorRangeNotExpected', 'This range is not expected now.');
  }
  session.pieces.push(piece);
  session.received += piece.length;
}

function attach({ mailbox, messageId, name, contentType, pieces }: Session): void {
  const message = mailbox.find(messageId);
  const content = Buffer.concat(pieces);
  const id = `AAMkAT${randomUUID()}`;
  const added = { id, kind: 'file', name, contentType, isInline: false, content } as const;
  mailbox.change(message, { attachments: [...message.attachments, added] });
}
