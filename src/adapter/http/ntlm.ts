import ntlm from '@ewsjs/ntlm-client';
import type { Client, Dispatcher } from 'undici';
import { DisableError } from '../../error/adapter-error.ts';
import type { Credential } from '../credential.ts';
import { placeOfUrl } from './http-exchange.ts';

type Account = Extract<Credential, { kind: 'ntlm' }>;

/** One request on a connection of its own; `body` is asked for each time it has to be sent. */
export interface PinnedRequest {
  readonly method: Dispatcher.HttpMethod;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: () => Dispatcher.DispatchOptions['body'];
  readonly signal: AbortSignal;
}

interface PinnedClient {
  readonly client: Client;
  /** Whether the connection that is open now was signed in. */
  signedIn: boolean;
}

/**
 * NTLM signs in a connection, not a request: each message in flight has a connection of its own,
 * which is kept for the next. Only NTLMv2 is spoken.
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

  /** Lends a connection for as long as the answer is being read. `done` gives it back; unless it is whole it is closed. */
  async request(
    request: PinnedRequest,
  ): Promise<{ answer: Dispatcher.ResponseData; done: (whole: boolean) => void }> {
    const { origin } = request.url;
    const pinned = this.#idle.get(origin)?.pop() ?? this.#opened(origin);
    const done = (whole: boolean): void => {
      if (whole) this.#keep(origin, pinned);
      else this.#drop(pinned);
    };
    try {
      return { answer: await this.#ask(pinned, request), done };
    } catch (error) {
      done(false);
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all].map((client) => client.destroy()));
  }

  #opened(origin: string): PinnedClient {
    const pinned: PinnedClient = {
      client: this.#connect(origin, () => {
        // A new connection is nobody's yet, whatever the last one was.
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
    void client.destroy();
  }

  async #ask(pinned: PinnedClient, request: PinnedRequest): Promise<Dispatcher.ResponseData> {
    if (pinned.signedIn) {
      const answer = await send(pinned.client, request, request.body());
      if (answer.statusCode !== 401) return answer;
      await answer.body.dump();
    }
    return this.#signIn(pinned, request);
  }

  async #signIn(pinned: PinnedClient, request: PinnedRequest): Promise<Dispatcher.ResponseData> {
    const { user, password, domain = '', workstation = '' } = this.#account;
    const place = placeOfUrl(request.url);
    // The first leg carries no message: it is always refused, with a challenge.
    const offer = ntlm.createType1Message(workstation, domain);
    const challenged = await send(pinned.client, request, null, offer);
    const challenge = ntlmOf(challenged.headers['www-authenticate']);
    await challenged.body.dump();
    if (challenge === undefined) {
      throw new DisableError(
        challenged.statusCode === 401
          ? `${place} offers no NTLM (it offers ${schemes(challenged.headers['www-authenticate'])}). Use a credential of another kind, or have NTLM switched on.`
          : `${place} answered ${challenged.statusCode} instead of an NTLM challenge. Check the address; remove the credential if it wants none.`,
      );
    }
    const type2 = decoded(challenge, place);
    const proof = ntlm.createType3Message(
      type2,
      user,
      password,
      workstation,
      domain || type2.targetName,
    );
    const answer = await send(pinned.client, request, request.body(), proof);
    pinned.signedIn = answer.statusCode !== 401;
    return answer;
  }
}

function decoded(challenge: string, place: string): ReturnType<typeof ntlm.decodeType2Message> {
  let type2: ReturnType<typeof ntlm.decodeType2Message>;
  try {
    type2 = ntlm.decodeType2Message(`NTLM ${challenge}`);
  } catch {
    throw new DisableError(
      `The NTLM challenge of ${place} cannot be read. Is it a Windows server?`,
    );
  }
  if (type2.version === 2) return type2;
  throw new DisableError(
    `${place} asks for NTLMv1, with which a password can be found out. Have NTLMv2 switched on there.`,
  );
}

const headersOf = (header: string | string[] | undefined): readonly string[] =>
  header === undefined ? [] : [header].flat();

function ntlmOf(header: string | string[] | undefined): string | undefined {
  return headersOf(header)
    .map((one) => /(?:^|,\s*)NTLM ([A-Za-z0-9+/]+=*)/i.exec(one)?.[1])
    .find((one) => one !== undefined);
}

function schemes(header: string | string[] | undefined): string {
  const names = headersOf(header).map((one) => /^\w+/.exec(one)?.[0] ?? '');
  return names.length === 0 ? 'nothing' : names.join(', ');
}

function send(
  client: Client,
  { method, url, headers, signal }: PinnedRequest,
  body: Dispatcher.DispatchOptions['body'],
  authorization?: string,
): Promise<Dispatcher.ResponseData> {
  const { 'content-length': length, ...others } = headers;
  return client.request({
    method,
    path: `${url.pathname}${url.search}`,
    headers: {
      ...others,
      ...(body !== null && length !== undefined && { 'content-length': length }),
      ...(authorization !== undefined && { authorization }),
    },
    body: body ?? null,
    signal,
  });
}
