import type { Reply } from 'waybill/adapter';
import { type Hl7Header, type ReadAcknowledgement, readAcknowledgement } from 'waybill/document';

/** What a peer answered, and whether its connection can be trusted with the next message. */
export interface PeerReply {
  readonly reply: Reply;
  /** MSA-2. */
  readonly controlId: string;
  /** MSA-2 is there to be compared, or should be, and is not that of the message. */
  readonly isStrange: boolean;
  /** The answer is odd: a later one might be credited to the wrong message, so the connection must go. */
  readonly isOdd: boolean;
}

/** Reads an answer and compares it with the message it should be for. Never throws. */
export function peerReply(body: Buffer, sent: Hl7Header | undefined): PeerReply {
  const read = readable(body, sent);
  if (read === undefined) {
    const reply: Reply = { body, type: 'application/octet-stream', problems: ['no-code'] };
    return { reply, controlId: '', isStrange: false, isOdd: true };
  }
  const { code, type, controlId, problems } = read;
  const text = textOf(read);
  return {
    reply: {
      body,
      type,
      ...(code !== '' && { code }),
      ...(text !== '' && { text }),
      ...(problems.length > 0 && { problems }),
    },
    controlId,
    // what was sent without a control id cannot be told from anything
    isStrange: problems.includes('wrong-control-id') && sent?.controlId !== '',
    isOdd: problems.includes('wrong-control-id') || problems.includes('no-code'),
  };
}

function readable(body: Buffer, sent: Hl7Header | undefined): ReadAcknowledgement | undefined {
  try {
    return readAcknowledgement(body, sent);
  } catch {
    // what cannot be read is no acknowledgement
    return undefined;
  }
}

/** MSA-3 and what ERR adds to it: `PID-3: Required field missing (101)`. */
function textOf({ text, errors }: ReadAcknowledgement): string {
  const details = errors.map(({ place, code, text: said }) => {
    const what = [said === text ? '' : said, code === '' ? '' : `(${code})`].join(' ').trim();
    return place === '' ? what : `${place}: ${what}`;
  });
  return [text, ...details].filter((part) => part.trim() !== '').join('; ');
}
