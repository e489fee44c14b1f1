import { LRUCache } from 'lru-cache';
import { type Body, background, outbound, type Reply, SuspendError } from 'waybill/adapter';
import { type FileHead, HEAD_LIMIT, readFileHead } from 'waybill/document';
import { beginning, continued } from 'waybill/peer/basics';
import { PeerLink } from 'waybill/peer/tcp';
import { type Command, statusText } from './command.ts';
import { keyOf, type Offered } from './offered.ts';
import { associationOptions, dicomPeer, ECHO, tryPeer } from './peer-settings.ts';
import { STORING, statusWords } from './rejection-words.ts';
import { SendingAssociation } from './sending-association.ts';

/** An association has at most 128 contexts (PS3.8 9.3.2.2); one of them is for the test of the connection. */
const MOST_OFFERS = 127;

export default outbound({
  type: 'dicom-out',
  title: 'DICOM, sending (C-STORE)',
  summary: 'Sends each DICOM file to an archive, a workstation or another application (C-STORE).',
  settings: dicomPeer,
  replies: {
    '0000': 'complete',
    Bxxx: ['warn', 'complete'],
    A7xx: 'retry',
    '0110': ['retry', 'suspend'],
    none: 'retry',
    other: 'suspend',
  },
  // The line is held for as long as it takes: an archive that is away must not cost an image.
  retry: { for: Number.POSITIVE_INFINITY },
  async open(lent) {
    const options = associationOptions(lent, STORING);
    const link = new PeerLink(lent, (socket) => new SendingAssociation(socket, options));
    // recently sent classes and encodings: a new association asks for all of them
    const offers: Offers = new LRUCache({ max: MOST_OFFERS });
    await link.open();
    // so that operators see a wrong AE title before an object needs the association
    await link.send(lent.signal, (association) => association.associate([ECHO], lent.signal));
    return {
      async send({ body }, signal) {
        const object = await outgoingObject(body);
        offers.set(keyOf(object.head), object.head);
        return replyOf(await stored(link, offers, object, signal));
      },
      close: () => link.close(),
    };
  },
  test: (lent, step) => tryPeer(lent, step, { options: associationOptions(lent, STORING) }),
});

type Offers = LRUCache<string, Offered>;

/** Sends it on an association that was agreed for its class and encoding. */
async function stored(
  link: PeerLink<SendingAssociation>,
  offers: Offers,
  object: OutgoingObject,
  signal: AbortSignal,
): Promise<Command> {
  for (;;) {
    const answer = await link.send(signal, async (association) => {
      if (association.isOpen && !association.knows(object.head)) {
        association.retire();
        return undefined;
      }
      if (!association.isOpen) await association.associate([ECHO, ...offers.values()], signal);
      return await association.store(object.head, object.rest(), signal);
    });
    if (answer !== undefined) return answer;
  }
}

function replyOf({ status, comment }: Command): Reply {
  const words = [statusWords(status), comment].filter((one) => one !== undefined && one !== '');
  return {
    body: new Uint8Array(),
    type: 'text/plain',
    code: statusText(status),
    ...(words.length > 0 && { text: words.join(': ') }),
  };
}

/** An object to send: the head of its file, and the rest. */
interface OutgoingObject {
  readonly head: FileHead;
  rest(): AsyncIterable<Uint8Array>;
}

/** Throws SuspendError if the body is not a DICOM file. */
async function outgoingObject(body: Body): Promise<OutgoingObject> {
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
