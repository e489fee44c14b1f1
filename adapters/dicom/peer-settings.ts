import { type Lent, type Step, StepFailure, setting } from 'waybill/adapter';
import { dial, placeOf, probe } from 'waybill/peer/basics';
import { peerAddress, sendingTimes } from 'waybill/peer/tcp';
import { tlsClient } from 'waybill/peer/tls';
import { aeTitle } from './ae-title.ts';
import { statusText } from './command.ts';
import type { Offered } from './offered.ts';
import type { UserIdentity } from './pdu.ts';
import type { AwaitedWords } from './rejection-words.ts';
import { SendingAssociation, type SendingOptions } from './sending-association.ts';
import { IMPLICIT_LITTLE_ENDIAN, VERIFICATION } from './uids.ts';

/** Of a peer that we call. */
export const dicomPeer = {
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
    help: 'How long the peer may take to answer, once it has an object or a query.',
    default: '60s',
  }),
  ...sendingTimes,
  stayConnected: setting.duration({
    help: 'How long an association is kept without work. 0s opens a new one for each message.',
    default: '30s',
    advanced: true,
  }),
};

type PeerLent = Lent<typeof dicomPeer>;

/** The test of a connection, which each association asks for. */
export const ECHO: Offered = { classUid: VERIFICATION, transferSyntax: IMPLICIT_LITTLE_ENDIAN };

export function associationOptions(
  { settings, credential }: Pick<PeerLent, 'settings' | 'credential'>,
  words: AwaitedWords,
): SendingOptions {
  const { connect, title, ownTitle, replyTimeout, writeTimeout, credential: name } = settings;
  return {
    place: placeOf(connect),
    called: title,
    calling: ownTitle,
    replyTimeout,
    writeTimeout,
    words,
    async identity(): Promise<UserIdentity | undefined> {
      if (name === undefined) return undefined;
      const given = await credential(name);
      return given.kind === 'basic' ? { user: given.user, password: given.password } : undefined;
    },
  };
}

export interface Trial {
  readonly options: SendingOptions;
  /** What is asked for besides the test of the connection. */
  readonly offers?: readonly Offered[];
  /** A further step, on the open association. */
  readonly further?: (association: SendingAssociation) => Promise<void>;
}

/** An association and C-ECHO in steps. */
export async function tryPeer(
  lent: PeerLent,
  step: Step,
  { options, offers = [], further }: Trial,
): Promise<void> {
  const { settings, signal } = lent;
  const { connect: address, tls, connectTimeout: timeout, title } = settings;
  await probe(lent, step, { address, tls, silent: true, hello: false });
  const socket = await dial(lent, { address, tls, timeout }, signal);
  const association = new SendingAssociation(socket, options);
  try {
    await step('association', async (detail) => {
      await association.associate([ECHO, ...offers], signal);
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
    await further?.(association);
  } finally {
    await association.end();
  }
}
