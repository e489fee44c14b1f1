import { setTimeout as sleep } from 'node:timers/promises';
import type { Body } from 'waybill/adapter';
import type { LetterAttachment } from 'waybill/peer/mail';
import type { GraphClient } from './graph-client.ts';
import { GraphError, NoAnswer } from './graph-error.ts';
import { type Json, listAt, textAt } from './graph-json.ts';

/** Pieces are multiples of 320 KB and stay below 4 MB. */
const PIECE = 12 * 320 * 1024;
const SESSIONS = 3;
const TRIES = 3;

/** Thrown if a session cannot be continued: the file is sent again in a new one. */
class SessionBroken extends Error {
  readonly reason: Error;

  constructor(reason: Error) {
    super('session broken', { cause: reason });
    this.reason = reason;
  }
}

/**
 * Attaches a large file to a draft, in pieces. A lost piece is sent again from where the server
 * says it is; if the server does not say, the file is sent again in a new session. Never more than
 * one piece is held in memory.
 */
export async function upload(
  client: GraphClient,
  messageId: string,
  { attachment, signal }: { readonly attachment: LetterAttachment; readonly signal: AbortSignal },
): Promise<void> {
  for (let sessions = 1; ; sessions++) {
    const json = await client.ask(
      'POST',
      `/messages/${messageId}/attachments/createUploadSession`,
      {
        json: {
          AttachmentItem: {
            attachmentType: 'file',
            name: attachment.name,
            size: attachment.body.size,
            contentType: attachment.type,
          },
        },
        signal,
      },
    );
    try {
      await sendPieces(client, textAt(json, 'uploadUrl'), { body: attachment.body, signal });
      return;
    } catch (error) {
      if (!(error instanceof SessionBroken)) throw error;
      // Perhaps only the answer to the last piece was lost.
      if (await isAttached(client, messageId, { attachment, signal })) return;
      if (sessions >= SESSIONS) throw error.reason;
    }
  }
}

async function isAttached(
  client: GraphClient,
  messageId: string,
  { attachment, signal }: { readonly attachment: LetterAttachment; readonly signal: AbortSignal },
): Promise<boolean> {
  const query = '$select=id,name,size';
  const json = await client.ask('GET', `/messages/${messageId}/attachments?${query}`, { signal });
  return listAt(json, 'value').some((one) => textAt(one, 'name') === attachment.name);
}

interface Sending {
  readonly body: Body;
  readonly signal: AbortSignal;
}

async function sendPieces(
  client: GraphClient,
  url: string,
  { body, signal }: Sending,
): Promise<void> {
  let from = 0;
  for await (const piece of pieces(body)) {
    await sendPiece(client, url, { piece, from, total: body.size, signal });
    from += piece.byteLength;
  }
}

interface Piece {
  readonly piece: Uint8Array;
  readonly from: number;
  readonly total: number;
  readonly signal: AbortSignal;
}

async function sendPiece(client: GraphClient, url: string, sending: Piece): Promise<void> {
  const { piece, from, total, signal } = sending;
  let start = from;
  const end = from + piece.byteLength;
  for (let tries = 1; start < end; tries++) {
    try {
      await client.put(url, piece.subarray(start - from), {
        headers: {
          'content-type': 'application/octet-stream',
          'content-range': `bytes ${start}-${end - 1}/${total}`,
        },
        signal,
      });
      return;
    } catch (error) {
      if (isForgotten(error)) throw new SessionBroken(error);
      if (!mayRepeat(error)) throw error;
      if (tries >= TRIES) throw new SessionBroken(error);
      await sleep(pauseAfter(error), undefined, { signal });
      start = await expectedStart(client, url, { from, end, signal, error });
    }
  }
}

/** The server no longer knows the session: another one is needed. */
function isForgotten(error: unknown): error is GraphError {
  return error instanceof GraphError && (error.status === 404 || error.status === 410);
}

function mayRepeat(error: unknown): error is GraphError | NoAnswer {
  if (error instanceof NoAnswer) return true;
  return (
    error instanceof GraphError &&
    (error.isDoubtful || error.isForeign || [409, 416, 429].includes(error.status))
  );
}

function pauseAfter(error: GraphError | NoAnswer): number {
  return error instanceof GraphError ? (error.retryAfter ?? 300) : 300;
}

interface Expecting {
  readonly from: number;
  readonly end: number;
  readonly signal: AbortSignal;
  /** Why the server is asked. */
  readonly error: GraphError | NoAnswer;
}

/** Where in the piece, or at its end, the server wants to continue. */
async function expectedStart(
  client: GraphClient,
  url: string,
  { from, end, signal, error }: Expecting,
): Promise<number> {
  const status: Json = await client.uploadStatus(url, signal).catch(() => {
    throw new SessionBroken(error);
  });
  const [range] = (status['nextExpectedRanges'] as readonly string[] | undefined) ?? [];
  const start = Number.parseInt(range ?? '', 10);
  if (start >= from && start <= end) return start;
  throw new SessionBroken(error);
}

/** The body in pieces of equal size; the last one has the rest. */
async function* pieces(body: Body): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body.stream()) {
    let rest = chunk;
    while (size + rest.byteLength >= PIECE) {
      const part = rest.subarray(0, PIECE - size);
      yield Buffer.concat([...held, part]);
      rest = rest.subarray(part.byteLength);
      held = [];
      size = 0;
    }
    held.push(rest);
    size += rest.byteLength;
  }
  if (size > 0) yield Buffer.concat(held);
}
