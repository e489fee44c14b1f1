import { acknowledgementText, readAcknowledgement } from '../document/index.ts';
import { isTold } from '../error/foreseen.ts';
import type { Reply } from '../message/message.ts';

/** The same reply with the code and the text of the HL7 acknowledgement in its body; unchanged if there is none. */
export function judgedAsHl7(reply: Reply): Reply {
  try {
    const read = readAcknowledgement(reply.body, undefined);
    if (read.code === '') return reply;
    const text = [acknowledgementText(read), reply.text].filter(Boolean).join('\n');
    return { ...reply, type: read.type, code: read.code, text: text || undefined };
  } catch (error) {
    // the answer of a proxy, or of a server with a problem
    if (isTold(error)) return reply;
    throw error;
  }
}
