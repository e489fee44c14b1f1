import { LRUCache } from 'lru-cache';
import { type Lent, outbound, type Reply, type Step, StepFailure, setting } from 'waybill/adapter';
import { dial, PeerLink, peerAddress, placeOf, probe, sendingTimes, tlsClient } from 'waybill/peer';
import { aeTitle } from './ae-title.ts';
import { type Command, statusText } from './command.ts';
import type { UserIdentity } from './pdu.ts';
import { statusWords } from './rejection-words.ts';
import {
  keyOf,
  type Offered,
  type OutgoingObject,
  outgoingObject,
  SendingAssociation,
  type SendingOptions,
} from './sending-association.ts';
import { IMPLICIT_LITTLE_ENDIAN, VERIFICATION } from './uids.ts';

const dicomOutSettings = {
  connect: peerAddress('archive.example:11112'),
  title: aeTitle({ help: 'The AE title of the peer, which we call.', example: 'ARCHIVE' }),
  ownTitle: aeTitle({ help: 'Our own AE title.', default: 'WAYBILL' }),
  tls: tlsClient(),
  credential: setting.optional(
    setting.credential({
      help: 'Name and password for the peer (user identity of the association). They cross the network unencrypted: use tls.',
      kinds: ['basic'],
    }),
  ),
  replyTimeout: setting.duration({
    help: 'How long the peer may take to answer, once it has an object.',
    default: '60s',
  }),
  ...sendingTimes,
  stayConnected: setting.duration({
    help: 'How long an association is kept without an object. 0s opens a new one for each.',
    default: '30s',
    advanced: true,
  }),
};

type LentHere = Lent<typeof dicomOutSettings>;

const ECHO: Offered = { classUid: VERIFICATION, transferSyntax: IMPLICIT_LITTLE_ENDIAN };
/** An association has at most 128 contexts (PS3.8 9.3.2.2); one of them is for the test of the connection. */
const MOST_OFFERS = 127;

export default outbound({
  type: 'dicom-out',
  title: 'DICOM, sending (C-STORE)',
  summary: 'Sends each DICOM file to an archive, a workstation or another application (C-STORE).',
  settings: dicomOutSettings,
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
    const options = optionsOf(lent);
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
  test: (lent, step) => tryArchive(lent, step),
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

function optionsOf({
  settings,
  credential,
}: Pick<LentHere, 'settings' | 'credential'>): SendingOptions {
  const { connect, title, ownTitle, replyTimeout, writeTimeout, credential: name } = settings;
  return {
    place: placeOf(connect),
    called: title,
    calling: ownTitle,
    replyTimeout,
    writeTimeout,
    async identity(): Promise<UserIdentity | undefined> {
      if (name === undefined) return undefined;
      const given = await credential(name);
      return given.kind === 'basic' ? { user: given.user, password: given.password } : undefined;
    },
  };
}

async function tryArchive(lent: LentHere, step: Step): Promise<void> {
  const { settings, signal } = lent;
  const { connect: address, tls, connectTimeout: timeout, title } = settings;
  await probe(lent, step, { address, tls, silent: true, hello: false });
  const socket = await dial(lent, { address, tls, timeout }, signal);
  const association = new SendingAssociation(socket, optionsOf(lent));
  try {
    await step('association', async (detail) => {
      await association.associate([ECHO], signal);
      detail(`${title} takes calls of ${settings.ownTitle}`);
    });
    await step('C-ECHO', async (detail) => {
      const status = await association.echo(ECHO, signal);
      if (status === undefined) return detail('it does not answer the test of a connection');
      if (status === 0) return detail('it answers');
      throw new StepFailure(
        `it answers with status ${statusText(status)}`,
        'Look at its log, or ask its owner',
      );
    });
  } finally {
    await association.end();
  }
}
