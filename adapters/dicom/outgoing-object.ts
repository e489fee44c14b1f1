import { type Body, background, SuspendError } from 'waybill/adapter';
import { type FileHead, HEAD_LIMIT, readFileHead } from 'waybill/document';
import { beginning, continued } from 'waybill/peer/basics';

/** An object to send: the head of its file, and the rest. */
export interface OutgoingObject {
  readonly head: FileHead;
  rest(): AsyncIterable<Uint8Array>;
}

/** Throws SuspendError if the body is not a DICOM file. */
export async function outgoingObject(body: Body): Promise<OutgoingObject> {
  const chunks = body.stream()[Symbol.asyncIterator]();
  const { head: bytes } = await beginning(chunks, HEAD_LIMIT);
  const head = readFileHead(bytes);
  if (typeof head === 'string') {
    background(Promise.resolve(chunks.return?.()), 'leaving a body unread');
    throw new SuspendError(
      `The body is no DICOM file that can be sent: ${head}. Correct what makes it, and resend.`,
    );
  }
  return { head, rest: () => continued(bytes.subarray(head.length), chunks) };
}
