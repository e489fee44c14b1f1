import ntlm from '@ewsjs/ntlm-client';
import type { Client } from 'undici';
import type { Credential } from '../../adapter/credential.ts';
import { DisableError, TemporaryError } from '../../error/adapter-error.ts';
import { background } from '../../error/background.ts';
import { challengesOf } from './challenge.ts';
import { placeOfUrl } from './http-exchange.ts';
import {
  type AnswerReading,
  type SignedRequest,
  type WholeAnswer,
  wholeAnswer,
} from './whole-answer.ts';

type Account = Extract<Credential, { kind: 'ntlm' }>;

interface PinnedClient {
  readonly client: Client;
  /** Whether the connection that is open now is signed in. */
  signedIn: boolean;
  /** How many connections were opened: the two steps of a sign-in must have the same one. */
  opened: number;
}

/**
 * NTLM signs in a connection, not a request: each message in flight has a connection of its own,
 * which is kept for the next one. Only NTLMv2 is supported.
 */
export class NtlmConnections {
  readonly #account: Account;
  readonly #connect: (origin: string, opened: () => void) => Client;
  readonly #idle = new Map<string, PinnedClient[]>();
  readonly #all = new Set<Client>();

  constructor(account: Account, connect: (origin: string, opened: () => void) => Client) {
    this.#account = account;
    this.#connect = connect;
  }

  /** Sends on a connection that nobody else uses meanwhile. Unless the answer is complete, it is closed. */
  async request(request: SignedRequest, reading: AnswerReading): Promise<WholeAnswer> {
    const { origin } = request.url;
    const pinned = this.#idle.get(origin)?.pop() ?? this.#opened(origin);
    try {
      const answer = await this.#ask(pinned, request, reading);
      this.#keep(origin, pinned);
      return answer;
    } catch (error) {
      this.#drop(pinned);
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all].map((client) => client.destroy()));
  }

  #opened(origin: string): PinnedClient {
    const pinned: PinnedClient = {
      client: this.#connect(origin, () => {
        // A new connection is not signed in, whatever the last one was.
        pinned.signedIn = false;
        pinned.opened += 1;
      }),
      signedIn: false,
      opened: 0,
    };
    this.#all.add(pinned.client);
    return pinned;
  }

  #keep(origin: string, pinned: PinnedClient): void {
    const idle = this.#idle.get(origin) ?? [];
    idle.push(pinned);
    this.#idle.set(origin, idle);
  }

  #drop({ client }: PinnedClient): void {
    this.#all.delete(client);
    background(client.destroy(), 'closing a connection');
  }

  async #ask(
    pinned: PinnedClient,
    request: SignedRequest,
    reading: AnswerReading,
  ): Promise<WholeAnswer> {
    if (pinned.signedIn) {
      const answer = await wholeAnswer(pinned.client, request, reading);
      if (answer.status !== 401) return answer;
    }
    return this.#signIn(pinned, request, reading);
  }

  async #signIn(
    pinned: PinnedClient,
    request: SignedRequest,
    reading: AnswerReading,
  ): Promise<WholeAnswer> {
    const place = placeOfUrl(request.url);
    const challenged = await wholeAnswer(
      pinned.client,
      firstLeg(request, offerOf(this.#account)),
      reading,
    );
    const connection = pinned.opened;
    const type2 = challengeOf(challenged, place);
    const authorization = proofOf(type2, this.#account, place);
    const proving = { ...request, headers: { ...request.headers, authorization } };
    const answer = await wholeAnswer(pinned.client, proving, reading);
    if (answer.status === 401 && pinned.opened !== connection) {
      throw new TemporaryError(
        `${place} closes its connections between the two steps of NTLM, which signs in a connection. Have connections kept open there, and by what stands in between (keep-alive).`,
      );
    }
    pinned.signedIn = answer.status !== 401;
    return answer;
  }
}

/** It carries no message: it is always refused, with a challenge. */
function firstLeg(request: SignedRequest, authorization: string): SignedRequest {
  const { 'content-length': _, ...headers } = request.headers;
  return { ...request, headers: { ...headers, authorization }, body: () => null };
}

/** The challenge of the first answer. Throws a TemporaryError if the server cannot be asked now, a DisableError if it gave none. */
function challengeOf({ status, headers }: WholeAnswer, place: string): ntlm.Type2Message {
  const challenges = challengesOf(headers['www-authenticate']);
  const challenge = challenges.find(({ scheme }) => scheme === 'ntlm')?.token;
  if (challenge !== undefined) return decoded(challenge, place);
  if (NOT_NOW.test(String(status))) {
    throw new TemporaryError(
      `${place} answered ${status} instead of an NTLM challenge. Look at its log if this stays.`,
    );
  }
  const offered = challenges.map(({ scheme }) => scheme).join(', ') || 'nothing';
  throw new DisableError(
    status === 401
      ? `${place} offers no NTLM (it offers ${offered}). Use a credential of another kind, or have NTLM switched on.`
      : `${place} answered ${status} instead of an NTLM challenge. Check the address; remove the credential if none is wanted.`,
  );
}

/** A server that starts, is too busy, or is away behind its proxy. */
const NOT_NOW = /^(408|425|429|5\d\d)$/;

const UNICODE = 0x1;
const ANONYMOUS = 0x800;
/** Where the flags stand in the first message. */
const FLAGS_AT = 12;

/** The first message. The library offers names in the code page of the server only, which leaves out many letters. */
function offerOf({ domain = '', workstation = '' }: Account): string {
  const [scheme = '', text = ''] = ntlm.createType1Message(workstation, domain).split(' ');
  const message = Buffer.from(text, 'base64');
  message.writeUInt32LE(message.readUInt32LE(FLAGS_AT) | UNICODE, FLAGS_AT);
  return `${scheme} ${message.toString('base64')}`;
}

/** An empty list of what the server says about itself, as NTLMv2 has it for one that says nothing. */
const NOTHING_SAID = Buffer.alloc(4);
/** Bytes: the library makes no longer message, and what is fixed in it. */
const MOST = 1_024;
const FIXED = 136;

/** The last message, with the proof. */
function proofOf(type2: ntlm.Type2Message, account: Account, place: string): string {
  const { user, password, domain = '', workstation = '' } = account;
  const target = domain || type2.targetName;
  const said = type2.targetInfo?.buffer ?? NOTHING_SAID;
  if (FIXED + said.length + 2 * (user + target + workstation).length > MOST) {
    throw new DisableError(
      `The NTLM challenge of ${place} is too long: it says ${said.length} bytes about its server. Check that it is a Windows server.`,
    );
  }
  // nobody is signed in as nobody because the server says so
  const challenge = {
    ...type2,
    flags: (type2.flags & ~ANONYMOUS) >>> 0,
    targetInfo: { buffer: said },
  };
  return ntlm.createType3Message(challenge, user, password, workstation, target);
}

function decoded(challenge: string, place: string): ntlm.Type2Message {
  let type2: ntlm.Type2Message;
  try {
    type2 = ntlm.decodeType2Message(`NTLM ${challenge}`);
  } catch {
    throw new DisableError(
      `The NTLM challenge of ${place} cannot be read. Check that it is a Windows server.`,
    );
  }
  if (type2.version === 2) return type2;
  throw new DisableError(
    `${place} asks for NTLMv1, which reveals passwords. Have NTLMv2 switched on there.`,
  );
}
