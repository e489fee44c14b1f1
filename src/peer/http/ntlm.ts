import ntlm from '@ewsjs/ntlm-client';
import type { Client } from 'undici';
import type { Credential } from '../../adapter/credential.ts';
import { DisableError } from '../../error/adapter-error.ts';
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
      }),
      signedIn: false,
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
    const { user, password, domain = '', workstation = '' } = this.#account;
    const place = placeOfUrl(request.url);
    const offer = ntlm.createType1Message(workstation, domain);
    const challenged = await wholeAnswer(pinned.client, firstLeg(request, offer), reading);
    const challenges = challengesOf(challenged.headers['www-authenticate']);
    const challenge = challenges.find(({ scheme }) => scheme === 'ntlm')?.token;
    if (challenge === undefined) {
      const offered = challenges.map(({ scheme }) => scheme).join(', ') || 'nothing';
      throw new DisableError(
        challenged.status === 401
          ? `${place} offers no NTLM (it offers ${offered}). Use a credential of another kind, or have NTLM switched on.`
          : `${place} answered ${challenged.status} instead of an NTLM challenge. Check the address; remove the credential if none is wanted.`,
      );
    }
    const type2 = decoded(challenge, place);
    const authorization = ntlm.createType3Message(
      type2,
      user,
      password,
      workstation,
      domain || type2.targetName,
    );
    const proving = { ...request, headers: { ...request.headers, authorization } };
    const answer = await wholeAnswer(pinned.client, proving, reading);
    pinned.signedIn = answer.status !== 401;
    return answer;
  }
}

/** It carries no message: it is always refused, with a challenge. */
function firstLeg(request: SignedRequest, authorization: string): SignedRequest {
  const { 'content-length': _, ...headers } = request.headers;
  return { ...request, headers: { ...headers, authorization }, body: () => null };
}

function decoded(challenge: string, place: string): ReturnType<typeof ntlm.decodeType2Message> {
  let type2: ReturnType<typeof ntlm.decodeType2Message>;
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
